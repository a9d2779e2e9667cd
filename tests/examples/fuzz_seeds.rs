//! Writes what the fuzzers start from into `tests/fuzz/corpus/TARGET`: the repository's own vectors and a few drawn samples.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use alloy_primitives::hex;
use esker_tests::workspace_root;
use serde_json::Value;

fn main() -> io::Result<()> {
    let vectors = workspace_root().join("tests/vectors");
    let corpus = workspace_root().join("tests/fuzz/corpus");

    let mut modules = Vec::new();
    for path in files(&vectors.join("metering"))? {
        modules.push(wat::parse_file(&path).map_err(io::Error::other)?);
    }
    let mut payloads = Vec::new();
    let envelopes: Value = serde_json::from_slice(&fs::read(vectors.join("envelope/envelope.json"))?)?;
    for vector in envelopes.as_array().into_iter().flatten() {
        payloads.extend(vector["payload"].as_str().and_then(bytes));
    }
    for path in files(&vectors.join("artifacts"))? {
        let artifact: Value = serde_json::from_slice(&fs::read(path)?)?;
        let payload = artifact["bytecode"].as_str().and_then(bytes);
        modules.extend(payload.as_deref().and_then(|payload| esker_vm::envelope::decode_code(payload, u32::MAX).ok()));
        payloads.extend(payload);
    }
    write(&corpus.join("module"), &modules)?;
    write(&corpus.join("envelope"), payloads.iter().map(|payload| [&[0], payload.as_slice()].concat()))?;

    let vector = |name: &str| -> io::Result<Value> {
        Ok(serde_json::from_slice(&fs::read(vectors.join("consensus").join(name))?)?)
    };
    // Which kind of message it is stands in its first byte: each is tried as all.
    let mut messages = Vec::new();
    for message in vector("messages.json")?.as_array().into_iter().flatten() {
        messages.extend(message["encoding"].as_str().and_then(bytes));
    }
    for certificate in vector("certificates.json")?["vectors"].as_array().into_iter().flatten() {
        messages.extend(certificate["certificate"].as_str().and_then(bytes));
    }
    let as_all = messages.iter().flat_map(|message| (0..11).map(move |kind| [&[kind], message.as_slice()].concat()));
    write(&corpus.join("message"), as_all)?;
    let mut bodies = Vec::new();
    for value in vector("sync.json")?["vectors"].as_array().into_iter().flatten() {
        let value = value["value"].as_str().and_then(bytes).unwrap_or_default();
        let length = value.first_chunk().map_or(0, |length| u32::from_be_bytes(*length) as usize);
        bodies.extend(value.get(4 + length..).map(<[u8]>::to_vec));
    }
    write(&corpus.join("body"), &bodies)?;
    let batch = [&[1, 0, 0, 0, 7][..], &[0, 0, 0, 3, 1, 2, 3], &[0, 0, 0, 1, 9]].concat();
    write(&corpus.join("gossip"), [batch])?;

    // For targets that draw their input from bytes: noise of every length, from a small fixed generator.
    let noise = |length: usize, seed: u64| {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let byte = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        std::iter::repeat_with(byte).take(length).collect::<Vec<u8>>()
    };
    for (target, length) in [
        ("transaction", 400),
        ("execute", 3_000),
        ("frames", 4_000),
        ("abi", 200),
        ("block", 1_200),
        ("store", 160),
        ("proof", 300),
    ] {
        write(&corpus.join(target), (0..64).map(|seed| noise(length * (seed as usize % 8 + 1) / 8, seed)))?;
    }
    Ok(())
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok()
}

fn write(folder: &Path, samples: impl IntoIterator<Item = impl AsRef<[u8]>>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut count = 0;
    for sample in samples {
        fs::write(folder.join(format!("seed-{count:03}")), sample)?;
        count += 1;
    }
    println!("{}: {count} seeds", folder.display());
    Ok(())
}
