//! The application driven step by step, without the engine: what it proposes, judges, keeps and refuses.

mod decided;
mod early;
mod held;
mod proposals;
mod tampering;
mod versions;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use alloy_consensus::{Header, TxEip1559, TypedTransaction};
use alloy_primitives::{Address, B256, Bytes as Data, TxKind, U256};
use alloy_signer_local::PrivateKeySigner;
use bytes::Bytes;
use esker_runtime::db::Store;
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::trie::ordered::ordered_root;
use esker_runtime::{Genesis, SignedTransaction, Transaction, Validator};
use esker_vm::{Engine, EngineConfig, Machine};
use malachite::app::types::core::{CommitSignature, NilOrVal, VoteType};
use malachite_ed25519::PrivateKey;
use tempfile::TempDir;

use super::*;
use crate::accounts::sign_transaction;
use crate::chain::{BlockRecord, genesis_hash, memory_store};
use crate::consensus::body;
use crate::consensus::certificate::Certificate;
use crate::consensus::context::Vote;
use crate::consensus::sign_state::{self, SignState};
use crate::mempool::Limits;
use crate::mempool::submit::submit;

const CHAIN_ID: u64 = 31_337;
/// How many validate.
const VALIDATORS: u8 = 4;
/// Enough for any block of these tests.
const TIMEOUT: Duration = Duration::from_secs(100);

/// The engine for contracts, which all applications of a test run share.
fn machine() -> Arc<dyn Machine> {
    static MACHINE: OnceLock<Arc<Engine>> = OnceLock::new();
    MACHINE.get_or_init(|| Arc::new(Engine::new(EngineConfig::default()).expect("the engine starts"))).clone()
}

fn key(index: u8) -> PrivateKey {
    PrivateKey::from([index + 1; 32])
}

fn address(index: u8) -> ValidatorAddress {
    ValidatorAddress(Address::repeat_byte(index + 1))
}

fn payer(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(0x40 + index)).expect("a valid key")
}

fn genesis() -> Genesis {
    let mut genesis = Genesis::new(CHAIN_ID, 300_000_000, 1_000);
    genesis.validators = (0..VALIDATORS)
        .map(|index| Validator {
            address: address(index).0,
            public_key: B256::from(*key(index).public_key().as_bytes()),
            power: 10 + u64::from(index),
        })
        .collect();
    for index in 0..4 {
        let account = GenesisAccount { balance: U256::from(10).pow(U256::from(24)), ..GenesisAccount::default() };
        genesis.alloc.insert(payer(index).address(), account);
    }
    genesis
}

fn domain() -> Domain {
    Domain { chain_id: CHAIN_ID, genesis: genesis_hash(&genesis()).expect("a good genesis") }
}

/// A transfer of 1 wei with `input`, from one of the accounts of the genesis.
fn transfer(from: u8, nonce: u64, input: Data) -> Transaction {
    let transaction = TypedTransaction::Eip1559(TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000 + 40 * input.len() as u64,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(Address::repeat_byte(0xee)),
        value: U256::from(1),
        input,
        ..TxEip1559::default()
    });
    let envelope = sign_transaction(&payer(from), transaction).expect("signs");
    let signed = SignedTransaction::from_envelope(envelope, &genesis().chain_config()).expect("well-formed");
    signed.recover().expect("our own signature")
}

/// One validator's application with all it stands on.
struct Node {
    app: Application,
    index: u8,
    store: Arc<dyn Store>,
    chain: Arc<Chain>,
    pool: Arc<Pool>,
    clock: Arc<Clock>,
    folder: TempDir,
}

impl Node {
    /// A node on a new chain whose clock is wrong by `offset` seconds.
    fn new(index: u8, offset: i64) -> Self {
        Self::open(index, offset, memory_store(), new_folder())
    }

    fn open(index: u8, offset: i64, store: Arc<dyn Store>, folder: TempDir) -> Self {
        Self::open_with(&genesis(), index, offset, store, folder).expect("the application opens")
    }

    /// A node whose chain has the table of this genesis.
    fn open_with(
        genesis: &Genesis,
        index: u8,
        offset: i64,
        store: Arc<dyn Store>,
        folder: TempDir,
    ) -> Result<Self, AppFailure> {
        let chain = Arc::new(Chain::open(store.clone(), genesis, machine()).expect("the chain opens"));
        let head = chain.head().block.header.number;
        let state = SignState::open(&folder.path().join("sign-state.json"), head, 0, false).expect("it opens");
        let pool = Arc::new(Pool::new(Limits::default()));
        chain.follow(pool.clone());
        let clock = Arc::new(Clock::shifted(offset));
        let parts = Parts {
            chain: chain.clone(),
            pool: pool.clone(),
            clock: clock.clone(),
            signer: Some(Arc::new(ConsensusSigner::new(domain(), address(index), key(index), state))),
            timing: Timing {
                block_time: Duration::from_millis(200),
                idle_block_time: Duration::from_millis(200),
                execution: Duration::from_millis(200),
            },
            status: Status::default(),
        };
        let app = Application::open(parts, domain(), folder.path())?;
        Ok(Self { app, index, store, chain, pool, clock, folder })
    }

    /// As after a crash: everything in memory is gone, and the clock is wrong by `offset` seconds.
    fn reopened(self, offset: i64) -> Self {
        let Self { index, store, folder, .. } = self;
        Self::open(index, offset, store, folder)
    }

    fn pay(&self, from: u8, nonce: u64) {
        submit(&self.chain, &self.pool, transfer(from, nonce, Data::new())).expect("the pool takes it");
    }

    fn start(&mut self, round: u32) -> Vec<ProposedValue<EskerContext>> {
        let (height, round) = (self.app.height, Round::new(round));
        self.app.started_round(height, round, self.app.proposer(round)).expect("the round begins")
    }

    fn propose(&mut self, round: u32) -> (B256, ProposalPart) {
        let height = self.app.height;
        let proposed = self.app.propose(height, Round::new(round), TIMEOUT).expect("the node is well");
        let (hash, part) = proposed.expect("a proposal");
        (hash.0, part)
    }

    fn receive(&mut self, part: &ProposalPart) -> Option<ProposedValue<EskerContext>> {
        self.app.received(part.clone()).expect("the node is well")
    }

    fn decide(&mut self, round: u32, hash: B256) {
        self.app.decided(&certificate(self.app.height, round, hash)).expect("the block is committed");
    }
}

/// A folder of an application that has signed nothing.
fn new_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("sign-state.json"), sign_state::fresh()).expect("a new file");
    folder
}

/// Four validators at the beginning of height 1, round 0.
fn network() -> Vec<Node> {
    let mut nodes: Vec<Node> = (0..VALIDATORS).map(|index| Node::new(index, 0)).collect();
    for node in &mut nodes {
        assert!(node.start(0).is_empty());
    }
    nodes
}

/// Who proposes in `round` of the height that `node` is at.
fn proposer(node: &Node, round: u32) -> u8 {
    let chosen = node.app.proposer(Round::new(round));
    (0..VALIDATORS).find(|index| address(*index) == chosen).expect("one of the four")
}

/// The node that proposes in round 0, and the others.
fn split(mut nodes: Vec<Node>) -> (Node, Vec<Node>) {
    let place = usize::from(proposer(&nodes[0], 0));
    let proposer = nodes.remove(place);
    (proposer, nodes)
}

/// A block as a proposal, signed by whoever proposes in that round.
fn signed_part(node: &Node, height: Height, round: u32, block: Bytes) -> ProposalPart {
    let by = *EskerContext.select_proposer(&node.app.voters, height, Round::new(round)).address();
    let index = (0..VALIDATORS).find(|index| address(*index) == by).expect("one of the four");
    let signature = malachite_ed25519::Signature::from_bytes([0; 64]);
    let mut part =
        ProposalPart { height, round: Round::new(round), pol_round: Round::Nil, proposer: by, block, signature };
    part.signature = key(index).sign(&domain().part(&part));
    part
}

/// Precommits of all for `hash`.
fn certificate(height: Height, round: u32, hash: B256) -> Certificate {
    let round = Round::new(round);
    let sign = |index| {
        let vote = Vote {
            kind: VoteType::Precommit,
            height,
            round,
            value: NilOrVal::Val(BlockHash(hash)),
            voter: address(index),
        };
        CommitSignature::new(address(index), key(index).sign(&domain().vote(&vote)))
    };
    Certificate { height, round, value_id: BlockHash(hash), commit_signatures: (0..VALIDATORS).map(sign).collect() }
}

/// The RLP of a header above transactions.
fn encode(header: &Header, transactions: &[Transaction]) -> Bytes {
    let transactions = transactions.iter().cloned().map(Arc::new).collect();
    let record = BlockRecord { header: header.clone(), hash: header.hash_slow(), transactions, receipts: Vec::new() };
    record.encoded().into()
}

fn transactions_root(transactions: &[Transaction]) -> B256 {
    ordered_root(transactions.len(), |index, out| out.extend(transactions[index].encoded()))
}

/// The block of a part.
fn decoded(part: &ProposalPart) -> (Header, Vec<Transaction>) {
    let block = body::decode(&part.block, &genesis().chain_config()).expect("our own block");
    (block.header, block.transactions)
}

fn validity(value: Option<&ProposedValue<EskerContext>>) -> Option<bool> {
    value.map(|value| value.validity.is_valid())
}
