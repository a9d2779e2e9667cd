//! Parts to make contracts of, modelled after OpenZeppelin's contracts, release 5: same names, events, errors and
//! storage order.
#![no_std]

pub mod access;
pub mod nonces;
pub mod pausable;
pub mod signatures;
pub mod tokens;
