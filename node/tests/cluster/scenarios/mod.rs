//! The scenarios, by what goes wrong.

mod clocks;
mod crashes;
mod data;
mod disks;
mod followers;
mod engines;
mod links;
mod long;
