//! The scenarios, by what goes wrong.

mod clocks;
mod crashes;
mod data;
mod disks;
mod engines;
mod followers;
mod liars;
mod links;
mod long;
mod stake;
mod strangers;
mod upgrade;
