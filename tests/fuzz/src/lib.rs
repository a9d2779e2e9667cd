//! What the fuzz targets share with the property tests: the generators and oracles that stand beside those tests.

pub mod light;
pub mod node;
pub mod runtime;
pub mod sdk;
pub mod vm;

/// The test double of the engine's host.
#[path = "../../../vm/tests/world/mod.rs"]
pub mod world;
