//! Snapshots: what is exported comes back, goes on as the original does, and cannot be forged.

mod format;
mod hostile;
mod resealed;
mod round_trip;
mod vector;
mod world;
