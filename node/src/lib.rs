//! The Esker node: the development chain, JSON-RPC, and the command line.

pub mod cli;
