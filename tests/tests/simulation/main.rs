//! A deterministic simulation of consensus: many seeds, each a network of its own with faults of its own.

mod accounts;
mod app;
mod block;
mod byzantine;
mod checker;
mod dice;
mod disk;
mod effects;
mod engine;
mod env;
mod epochs;
mod kills;
mod load;
mod node_app;
mod plan;
mod roster;
mod rotation;
mod scenarios;
mod seeds;
mod signer;
mod small;
mod store;
mod sync;
mod trace;
mod wire;
mod world;
