//! The binary `esker`, run as a user runs it.

mod calls;
mod contracts;
#[cfg(target_os = "linux")]
mod demos;
mod dev_chain;
mod docs;
mod founders;
mod homes;
mod keys;
mod layouts;
mod light;
mod networks;
mod process;
mod proofs;
mod replays;
mod scripted_server;
mod simulations;
mod states;
mod status;
mod stopped_node;
mod testnets;
mod till;
mod transactions;
mod upgrades;
mod usage;
mod validators;
