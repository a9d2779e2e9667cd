//! Records of trie branches.

use esker_runtime::trie::branch::{Below, BranchRecord, BranchWriter};
use esker_runtime::trie::{Path, path};

/// Reads the record of the branch at `path`: an error, or a branch all of whose children can be asked for, and which
/// written anew is the same record. Whether it was read.
pub fn read(path: &Path, bytes: &[u8]) -> bool {
    let Ok(record) = BranchRecord::read(path, bytes) else { return false };
    let mut rlp = Vec::new();
    let mut writer = BranchWriter::new(*path, &mut rlp);
    for nibble in 0..16 {
        let reference = record.reference(nibble);
        assert_eq!(reference.is_some(), record.children() & (1 << nibble) != 0);
        if let Some(reference) = reference {
            assert!((1..=32).contains(&reference.len()));
        }
        match record.below(nibble) {
            Below::Nothing => {
                assert!(reference.is_none());
                writer.empty();
                continue;
            }
            Below::Leaf => {}
            Below::Branch(below) => {
                let child = path.child(nibble);
                assert!(below.len() < path::KEY_NIBBLES, "a branch at a key's full length");
                assert_eq!(below.prefix(child.len()), child, "below its parent");
            }
        }
        writer.unchanged(&record);
    }
    let (start, written) = writer.finish();
    assert_eq!(written, bytes, "written anew");
    assert!(rlp.len() - start <= 3 + 16 * 33 + 1);
    true
}
