//! A chain with proof of stake and epochs of four blocks, on the node's own code, with certificates.

use std::sync::{Arc, OnceLock};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use esker::chain::{Chain, memory_store};
use esker_light::{Certificate, Clock, CommitSignature, Domain, LightBlock, SignedVote, TrustedState, Validator};
use esker_runtime::block::InOrder;
use esker_runtime::db::Store;
use esker_runtime::staking::STAKING_ADDRESS;
use esker_runtime::{ExecutionStatus, Genesis, Proposal, Transaction, validator_set};
use esker_tests::script::{CHAIN_ID, CommittedArtifact, Wallets};
use esker_tests::staked::{self, COIN, proof_of_the_fourth};
use esker_vm::{Engine, EngineConfig, Machine};

pub use esker_tests::staked::{EPOCH, GENESIS_TIME, key, operator, public_key};

/// Blocks of the chain.
pub const BLOCKS: u64 = 22;
/// What the client's clock says.
pub const NOW: u64 = GENESIS_TIME + 100;
/// For how long it trusts sets.
pub const PERIOD: u64 = 200;

/// Whose key is whose.
pub fn index_of(address: Address) -> u8 {
    (0..4).find(|index| operator(*index) == address).expect("one of the four")
}

pub fn genesis() -> Genesis {
    staked::genesis([10, 8, 6], 1_000)
}

/// The chain as a client names it.
pub fn identity(chain: &Chain) -> esker_light::Chain {
    let genesis_hash = chain.block(0).expect("readable").expect("there").hash;
    esker_light::Chain { chain_id: CHAIN_ID, genesis_hash, epoch_length: EPOCH }
}

pub fn domain(chain: &esker_light::Chain) -> Domain {
    Domain { chain_id: chain.chain_id, genesis_hash: chain.genesis_hash }
}

/// The signature of validator `index` under its own name, of its precommit for this.
pub fn precommit(domain: Domain, (height, round, hash): (u64, u32, B256), index: u8) -> CommitSignature {
    let address = operator(index);
    let vote = SignedVote { is_precommit: true, height, round: i64::from(round), hash: Some(hash), voter: address };
    CommitSignature { address, signature: key(index).sign(&domain.vote(&vote)).to_bytes() }
}

/// A certificate of these validators.
pub fn certificate(domain: Domain, (height, round, hash): (u64, u32, B256), who: &[u8]) -> Bytes {
    let signatures = who.iter().map(|index| precommit(domain, (height, round, hash), *index)).collect();
    Certificate { height, round, hash, signatures }.encode().into()
}

/// What is sent in block `number`.
fn transactions(number: u64, wallets: &mut Wallets, staking: &CommittedArtifact) -> Vec<Bytes> {
    let coins = |coins: u64| DynSolValue::Uint(U256::from(coins) * U256::from(COIN), 256);
    let third = DynSolValue::Address(operator(2));
    let (from, value, method, arguments) = match number {
        1 => (0, 9, "delegate", vec![third]),
        2 => {
            let proof = DynSolValue::Bytes(proof_of_the_fourth());
            let commission = DynSolValue::Uint(U256::from(500), 16);
            let key = DynSolValue::FixedBytes(public_key(3), 32);
            (1, 17, "createValidator", vec![key, proof, commission, DynSolValue::String("the fourth".to_owned())])
        }
        6 => (0, 15, "delegate", vec![third]),
        13 => (0, 0, "undelegate", vec![third, coins(14)]),
        _ => return Vec::new(),
    };
    let input = staking.call(method, &arguments);
    vec![wallets.send(from, TxKind::Call(STAKING_ADDRESS), value * COIN, input, 3_000_000)]
}

pub fn store() -> Arc<dyn Store> {
    static STORE: OnceLock<Arc<dyn Store>> = OnceLock::new();
    STORE.get_or_init(memory_store).clone()
}

/// The chain on the same store, or a new one. What was in memory of older states is gone.
pub fn open() -> Chain {
    static MACHINE: OnceLock<Arc<Engine>> = OnceLock::new();
    let engine = MACHINE.get_or_init(|| Arc::new(Engine::new(EngineConfig::default()).expect("the engine starts")));
    let machine: Arc<dyn Machine> = engine.clone();
    Chain::open(store(), &genesis(), machine).expect("it opens")
}

/// The chain, with a certificate of each block by all of its set but the last one, where the others suffice.
pub fn played() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(|| {
        let (chain, mut wallets) = (open(), Wallets::default());
        let staking = staked::contract();
        let domain = domain(&identity(&chain));
        for number in 1..=BLOCKS {
            let raw = transactions(number, &mut wallets, &staking);
            let decode = |raw: &Bytes| Transaction::decode(raw, chain.config()).expect("the transactions are valid");
            let mut source = InOrder::new(raw.iter().map(decode).collect());
            let round = u32::from(number % 5 == 0);
            let proposal = Proposal { timestamp: GENESIS_TIME + number, beneficiary: operator(0), round };
            let head = chain.head();
            let parent = head.as_parent().expect("they belong together");
            let proposed = chain.propose(&parent, proposal, &mut source, &mut || true).expect("the node does not fail");
            assert!(proposed.refused.is_empty(), "{:?}", proposed.refused);
            let results = &proposed.block.block().results;
            assert!(results.iter().all(|result| result.status == ExecutionStatus::Success), "block {number}");
            let set = validator_set(&head.state).expect("the set is sound");
            let hash = proposed.block.block().hash;
            let certificate = certificate(domain, (number, round, hash), &enough(&set));
            chain.commit_with(proposed.block, Some(&certificate)).expect("memory does not fail");
        }
        chain
    })
}

/// Validators of a set with more than two thirds of its power, the last one left out if that is possible.
pub fn enough(set: &[Validator]) -> Vec<u8> {
    let total: u64 = set.iter().map(|one| one.power).sum();
    let (last, others) = set.split_last().expect("somebody decides");
    let who = if 3 * (total - last.power) > 2 * total { others } else { set };
    who.iter().map(|one| index_of(one.address)).collect()
}

/// Block `number` as the node gives it.
pub fn light(number: u64) -> LightBlock {
    played().light_block(number, false).expect("it is there").expect("it is there")
}

/// Block `number` with its whole set.
pub fn anchor(number: u64) -> LightBlock {
    played().light_block(number, true).expect("it is there").expect("it is there")
}

pub fn clock() -> Clock {
    Clock { now: NOW, trust_period: Some(PERIOD) }
}

/// A client that trusts block `number`, and begins there.
pub fn trusting(number: u64) -> TrustedState {
    let block = anchor(number);
    let hash = played().header(number).expect("readable").expect("there").hash_slow();
    let set = block.set_proof.expect("it was asked for");
    TrustedState::begin(identity(played()), hash, &block.header, &set).expect("it is proven")
}

/// A client that has followed the chain from block 0 up to block `number`, over the ends of epochs.
pub fn following(number: u64) -> TrustedState {
    let mut trusted = trusting(0);
    while trusted.epoch_end() < number {
        trusted.advance(&light(trusted.epoch_end()), clock()).expect("the chain is good");
    }
    if number > 0 {
        trusted.advance(&light(number), clock()).expect("the chain is good");
    }
    trusted
}
