//! The binary `esker`, run as a user runs it.

mod calls;
mod contracts;
mod dev_chain;
mod docs;
mod homes;
mod keys;
mod process;
mod scripted_server;
mod simulations;
mod status;
mod testnets;
mod states;
mod till;
mod transactions;
mod usage;
