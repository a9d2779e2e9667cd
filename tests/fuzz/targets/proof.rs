//! Merkle proofs: nodes that link up, with anything inside, and any key.

#![no_main]

use arbitrary::Unstructured;
use esker_fuzz::runtime::generators;
use esker_runtime::trie::verify;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut bytes = Unstructured::new(data);
    let Ok(key) = bytes.arbitrary::<[u8; 32]>() else { return };
    let Ok((root, mut nodes)) = generators::proof::nodes(&mut bytes) else { return };
    if verify::verify(root, key.into(), &nodes).is_ok() {
        nodes.push(nodes[0].clone());
        assert!(verify::verify(root, key.into(), &nodes).is_err(), "a node too many");
    }
});
