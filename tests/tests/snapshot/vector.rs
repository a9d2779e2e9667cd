//! The committed examples of the format.

use alloy_primitives::{B256, Bytes};
use esker_tests::{golden, script};
use serde_json::{Value, json};

use crate::format::{ACCOUNTS, END, GENESIS, Parts};
use crate::world::{HASHER, KEEPER, World, exported, genesis, import, refused};

/// A chain of three blocks, and files that look like its snapshot.
fn made() -> Value {
    // As little as has some of everything.
    let mut genesis = genesis();
    if let Some(keeper) = genesis.alloc.get_mut(&KEEPER) {
        keeper.storage = std::mem::take(&mut keeper.storage).into_iter().take(3).collect();
    }
    let paying: Vec<_> = (1..4).map(|index| script::Wallets::default().address(index)).collect();
    genesis.alloc.retain(|address, _| [HASHER, KEEPER].contains(address) || paying.contains(address));
    let mut world = World::with(&genesis);
    let raw = [
        world.wallets.send_legacy(1, alloy_primitives::Address::repeat_byte(0xaa), 12),
        world.ask(2, 0),
        world.ask(3, 7),
    ];
    world.mine_empty(2);
    world.mine(&raw);
    let (file, hash) = (world.export(), world.hash());
    let sound = Parts::read(&file);
    let header = world.chain.head().block.header.clone();
    let vector = |name: &str, parts: &Parts, accepted: bool| json!({"name": name, "snapshot": Bytes::from(parts.write()), "trustedHash": hash, "accepted": accepted});
    let forged = |change: &dyn Fn(&mut Parts)| {
        let mut parts = sound.clone();
        change(&mut parts);
        parts
    };
    let mut whole = vector("a block with the state after it", &sound, true);
    whole["chainId"] = json!(sound.chain_id);
    whole["number"] = json!(header.number);
    whole["stateRoot"] = json!(header.state_root);
    let counts: Vec<u64> = sound
        .chunks
        .last()
        .map(|(_, payload)| payload)
        .into_iter()
        .flat_map(|counts| {
            counts.chunks(8).map(|count| u64::from_be_bytes(count.try_into().expect("8 bytes"))).collect::<Vec<_>>()
        })
        .collect();
    whole["counts"] = json!({"accounts": counts[0], "slots": counts[1], "codes": counts[2]});
    let records = sound.records();
    json!([
        whole,
        vector("another version", &forged(&|parts| parts.version = 2), false),
        vector("another chain id than the genesis says", &forged(&|parts| parts.chain_id += 1), false),
        vector(
            "another genesis",
            &forged(&|parts| {
                let text = String::from_utf8(parts.payload(GENESIS).clone()).expect("JSON");
                *parts.payload(GENESIS) =
                    text.replace("\"gasLimit\":\"0x1c9c380\"", "\"gasLimit\":\"0x1c9c381\"").into_bytes();
            }),
            false
        ),
        vector("an account missing", &forged(&|parts| parts.set_records(&records[1..])), false),
        vector(
            "a slot changed",
            &forged(&|parts| {
                let mut records = records.clone();
                let slot = records.iter_mut().find(|record| record[0] == 4).expect("there are slots");
                *slot.last_mut().expect("it has a value") ^= 1;
                parts.set_records(&records);
            }),
            false
        ),
        vector(
            "accounts without their chunk",
            &forged(&|parts| parts.chunks.retain(|(kind, _)| *kind != ACCOUNTS)),
            false
        ),
        vector("a count too high", &forged(&|parts| parts.payload(END)[7] += 1), false),
        vector(
            "no end",
            &forged(&|parts| {
                parts.chunks.pop();
            }),
            false
        ),
    ])
}

#[test]
fn the_committed_snapshots_are_what_the_specification_says() {
    let committed = golden::committed("snapshot/snapshot.json", made);
    let vectors = committed.as_array().expect("a list");
    assert!(vectors.len() >= 9);
    for vector in vectors {
        let name = vector["name"].as_str().expect("a name");
        let file: Bytes = serde_json::from_value(vector["snapshot"].clone()).expect("bytes");
        let trusted: B256 = serde_json::from_value(vector["trustedHash"].clone()).expect("a hash");
        if vector["accepted"] == json!(false) {
            refused(&file, trusted, name);
            continue;
        }
        let (store, imported) = import(&file, trusted);
        let imported = imported.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(json!(imported.chain_id), vector["chainId"], "{name}");
        assert_eq!(json!(imported.number), vector["number"], "{name}");
        assert_eq!(json!(imported.state_root), vector["stateRoot"], "{name}");
        let state = imported.state;
        let counts = json!({"accounts": state.accounts, "slots": state.slots, "codes": state.codes});
        assert_eq!(counts, vector["counts"], "{name}");
        let db = esker_runtime::state::StateDb::open(store).expect("whole");
        assert_eq!(exported(&db), file.to_vec(), "{name}: the same state is the same file");
    }
    assert_eq!(committed, made(), "out of date: ESKER_BLESS=1 writes it anew");
}
