//! Networks of real processes on this machine, and what happens to networks: crashes, partitions, bad links, wrong clocks,
//! full disks, lost data, liars. After each scenario all nodes must hold one history, and every transaction that had a
//! receipt from any node must be in it.
//!
//! `tests/README.md` says how to run all of it, and longer.

mod byzantine;
mod history;
mod load;
mod network;
mod node;
mod pace;
mod relay;
mod scenario;
mod scenarios;
