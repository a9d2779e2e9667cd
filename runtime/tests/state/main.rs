//! The state on its store: against a model kept in maps, under readers, across reopening, and under SIGKILL.

mod crash;
mod held;
mod model;
mod random;
mod readers;
mod rebuild;
mod rules;
#[path = "../../../tests/src/seeded.rs"]
mod seeded;
mod sled_folder;
mod verify;
