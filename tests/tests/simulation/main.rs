//! A deterministic simulation of consensus: many seeds, each a network of its own with faults of its own.
//!
//! Real everywhere: the consensus core, the codec, signatures, the double-sign guard with its file, the format of the
//! engine's log. Simulated everywhere: time, the network, the disk under the log, the engine's actor around the core
//! (`engine`, `effects`), value sync's choice of peers. The application comes in two kinds: a `small` one, beneath which sets
//! are drawn beforehand and whose safeguards can be taken away; and the node's own (`node_app`) on a real chain with the
//! staking contract, whose sets come out of the state (`rotation`).

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
