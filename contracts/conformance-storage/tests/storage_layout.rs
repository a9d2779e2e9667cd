//! The layout that tools read is solc's, and the module that a chain gets carries nothing of it.
#![allow(missing_docs, reason = "the contracts here are read by nobody but this test")]

use std::path::Path;

use esker_conformance_storage::places::Places;
use esker_sdk::{prelude::*, storage::layout_json};
use esker_sdk_build::{Artifact, Layouts, Silent, StorageField, StorageLayout, build_once};
use serde_json::json;

fn layouts<S: esker_sdk::storage::StorageType>(contract: &str) -> Layouts {
    Layouts::from_section(layout_json::<S>().as_bytes(), contract).expect("the build reads what the SDK writes")
}

/// Solidity's documentation, "JSON Output" of the storage layout. The names are Rust's, and so are the structs' numbers.
#[contract]
mod documented {
    use super::*;

    #[storage(nested)]
    pub struct S {
        a: Cell<u128>,
        b: Cell<u128>,
        static_array: Array<U256, 2>,
        dyn_array: List<U256>,
    }

    #[storage]
    pub struct A {
        x: Cell<U256>,
        y: Cell<U256>,
        s: S,
        addr: Cell<Address>,
        map: Map<(U256, Address), bool>,
        array: List<U256>,
        s1: Text,
        b1: Blob,
    }
}

#[test]
fn the_documentations_example_is_described_as_there() {
    let contract = "fileA:A";
    let field = |label: &str, offset: u64, slot: &str, kind: &str| json!({"contract": contract, "label": label, "offset": offset, "slot": slot, "type": kind});
    let expected = json!({
        "storage": [
            field("x", 0, "0", "t_uint256"),
            field("y", 0, "1", "t_uint256"),
            field("s", 0, "2", "t_struct(S)1_storage"),
            field("addr", 0, "6", "t_address"),
            field("map", 0, "7", "t_mapping(t_uint256,t_mapping(t_address,t_bool))"),
            field("array", 0, "8", "t_array(t_uint256)dyn_storage"),
            field("s1", 0, "9", "t_string_storage"),
            field("b1", 0, "10", "t_bytes_storage"),
        ],
        "types": {
            "t_address": {"encoding": "inplace", "label": "address", "numberOfBytes": "20"},
            "t_array(t_uint256)2_storage":
                {"base": "t_uint256", "encoding": "inplace", "label": "uint256[2]", "numberOfBytes": "64"},
            "t_array(t_uint256)dyn_storage":
                {"base": "t_uint256", "encoding": "dynamic_array", "label": "uint256[]", "numberOfBytes": "32"},
            "t_bool": {"encoding": "inplace", "label": "bool", "numberOfBytes": "1"},
            "t_bytes_storage": {"encoding": "bytes", "label": "bytes", "numberOfBytes": "32"},
            "t_mapping(t_address,t_bool)": {
                "encoding": "mapping", "key": "t_address", "label": "mapping(address => bool)", "numberOfBytes": "32",
                "value": "t_bool",
            },
            "t_mapping(t_uint256,t_mapping(t_address,t_bool))": {
                "encoding": "mapping", "key": "t_uint256",
                "label": "mapping(uint256 => mapping(address => bool))", "numberOfBytes": "32",
                "value": "t_mapping(t_address,t_bool)",
            },
            "t_string_storage": {"encoding": "bytes", "label": "string", "numberOfBytes": "32"},
            "t_struct(S)1_storage": {
                "encoding": "inplace", "label": "struct S", "numberOfBytes": "128",
                "members": [
                    field("a", 0, "0", "t_uint128"),
                    field("b", 16, "0", "t_uint128"),
                    field("static_array", 0, "1", "t_array(t_uint256)2_storage"),
                    field("dyn_array", 0, "3", "t_array(t_uint256)dyn_storage"),
                ],
            },
            "t_uint128": {"encoding": "inplace", "label": "uint128", "numberOfBytes": "16"},
            "t_uint256": {"encoding": "inplace", "label": "uint256", "numberOfBytes": "32"},
        },
    });
    let layouts = layouts::<documented::A>(contract);
    assert_eq!(serde_json::to_value(&layouts.storage_layout).expect("plain data"), expected);
    assert_eq!(layouts.transient_storage_layout, StorageLayout::default());
}

/// Everything else that there is, two structs of one name and one that holds a list of its own kind among it.
#[contract]
mod everything {
    use super::*;
    use esker_sdk::storage::Value;

    #[derive(Abi, Clone, Copy)]
    pub enum Phase {
        Open,
        Closed,
    }

    #[storage(nested)]
    pub struct Node {
        value: Cell<u64>,
        children: List<Node>,
        others: Map<String, Other>,
    }

    #[storage(nested)]
    pub struct Other {
        nodes: Array<u64, 9>,
        more: List<List<Other>>,
    }

    #[storage(nested)]
    pub struct Pair<A: Value, B: Value> {
        a: Cell<A>,
        b: Cell<B>,
        turn: TransientCell<u8>,
        #[at("0xff00000000")]
        pinned: Cell<u8>,
    }

    #[storage(nested)]
    pub struct Half<A: Value> {
        a: Cell<A>,
        nothing: core::marker::PhantomData<Phase>,
        turn: TransientCell<Address>,
    }

    #[storage]
    pub struct Everything {
        phase: Cell<Phase>,
        before: TransientCell<U256>,
        pair: Pair<u8, I256>,
        #[flatten]
        half: Half<Int<24>>,
        after: TransientCell<u8>,
        node: Node,
        keys: Map<(Bytes, i8, FixedBytes<4>), Half2>,
        last: Cell<Uint<112>>,
    }

    #[derive(Abi, Stored)]
    pub struct Half2 {
        pub numbers: [u16; 17],
        pub phase: Phase,
    }
}

fn listed(layout: &StorageLayout, fields: &[StorageField]) -> Vec<String> {
    let line = |field: &StorageField| {
        let entry = &layout.types[&field.kind];
        format!("{} {}+{} {} {}", field.label, field.slot, field.offset, entry.number_of_bytes, entry.label)
    };
    fields.iter().map(line).collect()
}

#[test]
fn every_type_has_its_name_and_its_place() {
    let layouts = layouts::<everything::Everything>("here");
    let layout = &layouts.storage_layout;
    assert_eq!(
        listed(layout, &layout.storage),
        [
            "phase 0+0 1 enum Phase",
            "pair 1+0 64 struct Pair",
            "pair.pinned 1095216660480+0 1 uint8",
            "half.a 3+0 3 int24",
            "node 4+0 96 struct Node",
            "keys 7+0 32 mapping(bytes => mapping(int8 => mapping(bytes4 => struct Half2Storage)))",
            "last 8+0 14 uint112",
        ]
    );
    let members = |key: &str| listed(layout, layout.types[key].members.as_ref().expect("a struct"));
    assert_eq!(members("t_struct(Pair)1_storage"), ["a 0+0 1 uint8", "b 1+0 32 int256"]);
    assert_eq!(
        members("t_struct(Node)2_storage"),
        ["value 0+0 8 uint64", "children 1+0 32 struct Node[]", "others 2+0 32 mapping(string => struct Other)"]
    );
    assert_eq!(members("t_struct(Other)3_storage"), ["nodes 0+0 96 uint64[9]", "more 3+0 32 struct Other[][]"]);
    assert_eq!(members("t_struct(Half2Storage)4_storage"), ["numbers 0+0 64 uint16[17]", "phase 2+0 1 enum Phase"]);
    assert_eq!(
        layout.types["t_mapping(t_string_memory_ptr,t_struct(Other)3_storage)"].key.as_deref(),
        Some("t_string_memory_ptr")
    );
    let transient = &layouts.transient_storage_layout;
    assert_eq!(
        listed(transient, &transient.storage),
        ["before 0+0 32 uint256", "pair.turn 1+0 1 uint8", "half.turn 2+0 20 address", "after 2+20 1 uint8"]
    );
}

#[test]
fn a_build_hands_the_layout_on_and_strips_it_from_the_module() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = build_once(folder, &Silent).expect("the crate builds");
    let found = built.artifact.layouts.as_ref().expect("the artifact tells it");
    assert_eq!(*found, layouts::<Places>("contracts/conformance-storage/src/lib.rs:ConformanceStorage"));
    let labels: Vec<&str> = found.storage_layout.storage.iter().map(|field| field.label.as_str()).collect();
    let expected = [
        "first",
        "stoppable.owned.owner",
        "stoppable.owned.admin",
        "stoppable.stopped",
        "count",
        "roles.guardians",
        "roles.level",
        "last",
        "main",
        "end",
        "others",
        "proposals",
        "queue",
        "current",
        "texts",
    ];
    assert_eq!(labels, expected);
    let holds = |text: &str| built.wasm.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!holds("esker-layout") && !holds("guardians"), "the layout stayed in the module");

    let parent = tempfile::tempdir().expect("a temporary folder");
    let path = built.artifact.write(parent.path()).expect("written");
    assert_eq!(Artifact::read(&path).expect("an artifact"), built.artifact);
}
