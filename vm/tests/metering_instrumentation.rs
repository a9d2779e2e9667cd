//! The validator and the instrumentation against independent engines: what is refused and why, that a rewritten module
//! computes what the original does, that charges are exact and that no path runs unchecked for long.

#[path = "metering_instrumentation/engines.rs"]
mod engines;
#[path = "metering_instrumentation/bounds.rs"]
mod bounds;
#[path = "metering_instrumentation/equivalence.rs"]
mod equivalence;
#[path = "metering_instrumentation/hostile_bytes.rs"]
mod hostile_bytes;
#[path = "metering_instrumentation/kernels.rs"]
mod kernels;
#[path = "metering_instrumentation/rejections.rs"]
mod rejections;
#[path = "metering_instrumentation/vectors.rs"]
mod vectors;
