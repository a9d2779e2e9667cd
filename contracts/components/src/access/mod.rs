//! Who may do what.

pub mod ownable;
pub mod roles;
