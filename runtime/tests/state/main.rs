//! The state on its store: against a model kept in maps, under readers, across reopening, and under SIGKILL.

mod crash;
mod model;
mod random;
mod readers;
mod rules;
mod sled_folder;
