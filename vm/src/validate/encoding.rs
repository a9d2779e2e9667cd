//! Encodings that the parser takes, for the sake of later proposals, and that plain WebAssembly does not have.

use wasmparser::{BinaryReader, Operator, Payload};

use super::reject::{HINT_MALFORMED, HINT_PROPOSAL, invalid, reject};
use crate::RejectReason;

/// First byte of a function type.
const FUNCTION_TYPE: u8 = 0x60;
/// The type of a table's entries, in its one-byte form.
const FUNCTION_REFERENCE: u8 = 0x70;

/// Refuses long forms of function types (as a final sub type) and of a table's entry type (as a nullable reference):
/// the parser gives the same for them as for the short forms. `wasm` is the whole module.
pub(super) fn check_section(payload: &Payload<'_>, wasm: &[u8]) -> Result<(), RejectReason> {
    let begins_with = |offset: usize, byte: u8| wasm.get(offset) == Some(&byte);
    match payload {
        Payload::TypeSection(reader) => {
            for entry in reader.clone().into_iter_with_offsets() {
                let (offset, _) = entry.map_err(|error| invalid(&error))?;
                if !begins_with(offset, FUNCTION_TYPE) {
                    return Err(reject("a type that is not a plain function type", HINT_PROPOSAL));
                }
            }
        }
        Payload::TableSection(reader) => {
            for entry in reader.clone().into_iter_with_offsets() {
                let (offset, _) = entry.map_err(|error| invalid(&error))?;
                if !begins_with(offset, FUNCTION_REFERENCE) {
                    return Err(reject("a table whose entries are not plain functions", HINT_PROPOSAL));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Refuses a bulk operation whose memory indices are not single zero bytes: before multi-memory these bytes are
/// reserved, yet the parser reads them as LEB128 numbers and takes a padded zero. `bytes` are the instruction's.
pub(super) fn check_instruction(operator: &Operator<'_>, bytes: &[u8]) -> Result<(), RejectReason> {
    // How many numbers stand before the indices: the instruction's own behind the prefix, and a segment's.
    let (leading, indices): (u32, &[u8]) = match operator {
        Operator::MemoryInit { .. } => (2, &[0]),
        Operator::MemoryCopy { .. } => (1, &[0, 0]),
        Operator::MemoryFill { .. } => (1, &[0]),
        _ => return Ok(()),
    };
    let mut reader = BinaryReader::new(bytes, 0);
    let mut found = || -> Result<&[u8], wasmparser::Error> {
        reader.read_u8()?;
        for _ in 0..leading {
            reader.read_var_u32()?;
        }
        reader.read_bytes(reader.bytes_remaining())
    };
    if found().map_err(|error| invalid(&error))? == indices {
        return Ok(());
    }
    Err(reject("a memory index that is not a single zero byte", HINT_MALFORMED))
}
