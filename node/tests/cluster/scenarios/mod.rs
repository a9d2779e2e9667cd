//! The scenarios, by what goes wrong.

mod clocks;
mod crashes;
mod data;
mod disks;
mod engines;
mod followers;
mod liars;
mod light;
mod links;
mod long;
mod offences;
mod stake;
mod strangers;
mod upgrade;
mod validators;
