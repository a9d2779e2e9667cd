//! The Esker state-transition function.

pub mod db;
pub mod state;
