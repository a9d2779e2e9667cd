//! The scenarios, by what goes wrong.

mod crashes;
