//! Forks of a node: of one that is honest, with real blocks and proofs of the runtime's own, and of some that are not.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, U256, keccak256};
use esker_erc20::{Erc20, Erc20Handle, Transfer};
use esker_runtime::block::InOrder;
use esker_runtime::db::{Batch, MemoryStore};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::state::{StateDb, StateReader};
use esker_runtime::{Genesis, PreparedBlock, Proposal, propose_block};
use esker_sdk::Address;
use esker_sdk_test::{Chain, User, log, mapping_slot};
use esker_vm::{Engine, EngineConfig, EngineKind};
use serde_json::{Value, json};

const TOKEN: Address = Address::repeat_byte(0x70);
const HOLDER: Address = Address::repeat_byte(0x0a);
/// Blocks after block 0, all of them empty.
const BLOCKS: u64 = 3;
const FORKED_ID: u64 = 4_242;

fn outside(address: Address) -> alloy_primitives::Address {
    alloy_primitives::Address::new(address.0)
}

/// A node that serves one chain, under several paths: `/honest` tells the truth, the others lie about one thing each.
struct Node {
    url: String,
    headers: Vec<Header>,
    /// How often, by path.
    asked: Arc<Mutex<BTreeMap<String, u64>>>,
}

static NODE: LazyLock<Node> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/erc20");
    let built = esker_sdk_build::build_once(&folder, &esker_sdk_build::ToStderr).expect("the token builds");
    let mut genesis = Genesis::new(FORKED_ID, 30_000_000, 1_000);
    let slot = |number: u64| B256::from(U256::from(number));
    let balance = B256::new(mapping_slot(0u8, HOLDER).0);
    let token = GenesisAccount {
        code: esker_sdk_build::envelope(&built.wasm).into(),
        nonce: 1,
        storage: [(slot(2), slot(60)), (balance, slot(60))].into(),
        ..GenesisAccount::default()
    };
    let holder = GenesisAccount { balance: U256::from(777), ..GenesisAccount::default() };
    genesis.alloc = [(outside(TOKEN), token), (outside(HOLDER), holder)].into();

    let db = StateDb::open(Arc::new(MemoryStore::new())).expect("an empty store opens");
    let first = PreparedBlock::genesis(&db, genesis.build().expect("it is valid")).expect("memory does not fail");
    let mut head = first.commit(&db, Batch::new()).expect("memory does not fail").as_parent;
    let mut headers = vec![head.header().clone()];
    let engine = Engine::new(EngineConfig::with_kind(EngineKind::Cranelift)).expect("the engine starts");
    for block in 1..=BLOCKS {
        let proposal = Proposal { timestamp: 1_000 + block, beneficiary: outside(TOKEN), round: 0 };
        let (config, source) = (genesis.chain_config(), &mut InOrder::new(Vec::new()));
        let proposed = esker_vm::execution(&engine, |session| {
            propose_block(session, &config, &head, proposal, source, &mut || true)
        });
        let block = proposed.unwrap_or_else(|fatal| panic!("{fatal}")).block;
        head = block.commit(&db, Batch::new()).expect("memory does not fail").as_parent;
        headers.push(head.header().clone());
    }

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let asked = Arc::<Mutex<BTreeMap<String, u64>>>::default();
    let (served, count) = (headers.clone(), Arc::clone(&asked));
    // Lives as long as the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is no concern of the node's.
            let _ = serve(stream, &db, &served, &count);
        }
    });
    Node { url, headers, asked }
});

fn serve(
    stream: TcpStream,
    db: &StateDb,
    headers: &[Header],
    asked: &Mutex<BTreeMap<String, u64>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    *asked.lock().expect("nobody panics with it").entry(path.clone()).or_default() += 1;
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let question: Value = serde_json::from_slice(&body)?;
    let result = answer(&path, &question, db, headers);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "result": result }).to_string();
    write!(&stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn answer(path: &str, question: &Value, db: &StateDb, headers: &[Header]) -> Value {
    let parameter = |index: usize| question["params"][index].clone();
    match question["method"].as_str().unwrap_or_default() {
        "eth_chainId" => json!(format!("{FORKED_ID:#x}")),
        "eth_getBlockByNumber" => {
            let number = parameter(0).as_str().and_then(|text| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok());
            let Some(header) = headers.get(number.unwrap_or(BLOCKS) as usize) else { return Value::Null };
            let mut header = header.clone();
            if path == "/lies-about-ancestors" && header.number == 1 {
                header.gas_limit += 1;
            }
            let mut block = serde_json::to_value(&header).expect("a header is JSON");
            block["hash"] = json!(header.hash_slow());
            if path == "/lies-about-the-header" {
                block["timestamp"] = json!("0x1");
            }
            block
        }
        "eth_getProof" => {
            let address: alloy_primitives::Address = serde_json::from_value(parameter(0)).expect("an address");
            let slots: Vec<B256> = serde_json::from_value(parameter(1)).expect("slots");
            let mut proof = db.proof(address, &slots).expect("memory does not fail");
            match path {
                "/lies-about-balances" => proof.balance += U256::ONE,
                "/lies-about-slots" => proof.storage_proof.iter_mut().for_each(|slot| slot.value += U256::ONE),
                _ => {}
            }
            serde_json::to_value(&proof).expect("a proof is JSON")
        }
        "eth_getCode" => {
            let address: alloy_primitives::Address = serde_json::from_value(parameter(0)).expect("an address");
            let account = db.account(address).expect("memory does not fail").unwrap_or_default();
            let code = db.code(account.code_hash).expect("memory does not fail").unwrap_or_default();
            if path == "/lies-about-code" { json!(Bytes::from([&code[..], b"x"].concat())) } else { json!(code) }
        }
        other => panic!("the fork asks {other}"),
    }
}

fn forked(chain: &mut Chain, path: &str) -> Erc20Handle {
    chain.fork(&format!("{}{path}", NODE.url), None);
    Erc20Handle::at(TOKEN)
}

#[esker_sdk::test]
fn a_test_goes_on_where_a_node_is(chain: &mut Chain, alice: User) {
    let token = forked(chain, "/honest");
    // So that the token's code runs natively in the native run.
    let code = chain.code::<Erc20>();
    assert_eq!(keccak256(chain.code_at(TOKEN)), keccak256(&code), "the token is built from the same source");
    assert_eq!((chain.height(), chain.timestamp()), (BLOCKS, 1_003));
    assert_eq!((chain.balance(HOLDER), chain.nonce(TOKEN)), (777u64.into(), 1));
    assert_eq!(chain.balance(alice), esker_sdk::U256::from(10u128.pow(24)));
    assert_eq!(chain.read(token.total_supply()), 60);

    let moved = Transfer { from: HOLDER, to: alice.address, value: esker_sdk::U256::from(15) };
    chain.send(HOLDER, token.transfer(alice, 15)).emits_only([log(TOKEN, moved)]);
    assert_eq!(
        (chain.read(token.balance_of(HOLDER)), chain.read(token.balance_of(alice))),
        (45u64.into(), 15u64.into())
    );
    chain.send(alice, token.transfer(HOLDER, 16)).error::<esker_erc20::Error>();
    for number in 0..=BLOCKS {
        assert_eq!(chain.block_hash(number).0, NODE.headers[number as usize].hash_slow().0, "block {number}");
    }
}

#[esker_sdk::test]
fn a_node_is_asked_once(chain: &mut Chain, alice: User) {
    // A path of its own: other tests ask the honest node at the same time.
    let read = |chain: &mut Chain| {
        let token = forked(chain, "/asked-once");
        let _ = chain.code::<Erc20>();
        (chain.read(token.balance_of(HOLDER)), chain.balance(HOLDER))
    };
    let asked = || NODE.asked.lock().expect("nobody panics with it").get("/asked-once").copied();
    let first = read(chain);
    let before = asked();
    chain.send(HOLDER, Erc20Handle::at(TOKEN).transfer(alice, 1)).succeeds();
    assert_eq!(read(chain), first, "a fork begins anew");
    // Alice's balance, and the slot of hers that the transfer changed, were asked for in between.
    let in_between = asked();
    assert!(before >= Some(4) && in_between <= before.map(|asked| asked + 2), "{before:?}, then {in_between:?}");
    let _ = read(chain);
    assert_eq!(asked(), in_between);
}

#[esker_sdk::test]
#[should_panic(expected = "the account's proof holds, but for other fields than the stated")]
fn a_balance_without_a_proof_is_refused(chain: &mut Chain) {
    forked(chain, "/lies-about-balances");
    let _ = chain.balance(HOLDER);
}

#[esker_sdk::test]
#[should_panic(expected = "holds, but for another value than stated")]
fn a_slot_without_a_proof_is_refused(chain: &mut Chain) {
    let token = forked(chain, "/lies-about-slots");
    let _ = chain.try_read(token.total_supply());
}

#[esker_sdk::test]
#[should_panic(expected = "the node's code of 0x7070707070707070707070707070707070707070 is not the one with the hash")]
fn code_that_is_another_is_refused(chain: &mut Chain) {
    let token = forked(chain, "/lies-about-code");
    let _ = chain.try_read(token.total_supply());
}

#[esker_sdk::test]
#[should_panic(expected = "the chain cannot be forked: block \"latest\": its hash is said to be")]
fn a_header_that_has_another_hash_is_refused(chain: &mut Chain) {
    forked(chain, "/lies-about-the-header");
}

#[esker_sdk::test]
#[should_panic(expected = "the node's block 1 is not the one that the blocks after it stand on")]
fn an_ancestor_of_another_chain_is_refused(chain: &mut Chain) {
    forked(chain, "/lies-about-ancestors");
    assert_eq!(chain.block_hash(2).0, NODE.headers[2].hash_slow().0);
    let _ = chain.block_hash(0);
}

#[esker_sdk::test]
#[should_panic(expected = "the chain cannot be forked: the node has no block \"0x63\"")]
fn a_block_that_is_not_there_is_refused(chain: &mut Chain) {
    chain.fork(&format!("{}/honest", NODE.url), Some(99));
}
