//! Contracts' interfaces on the command line: where they come from, arguments in, results, events and errors out.

pub mod decode;
pub mod method;
pub mod render;
pub mod source;
pub mod values;

pub use decode::{DecodedLog, Decoder, Revert};
pub use method::Call;
pub use source::{Artifact, InterfaceArgs};
