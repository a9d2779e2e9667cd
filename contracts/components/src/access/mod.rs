//! Who may do what.

pub mod ownable;
