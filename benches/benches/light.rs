//! What a light client pays for an epoch: bytes, which are printed first, and time, for sets of 4 and 100 validators.
//!
//! The set is in a state of 100,000 accounts (`ESKER_BENCH_ACCOUNTS`); all its powers change, or nothing. More than two
//! thirds of it have signed, no one more.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use criterion::Criterion;
use ed25519_zebra::{SigningKey, VerificationKey};
use esker_benches as _;
use esker_light::validators::{VALIDATORS_ADDRESS, Validator, slots, storage};
use esker_light::{Certificate, Chain, Clock, CommitSignature, Domain, LightBlock, SetProof, SignedVote, TrustedState};
use esker_runtime::db::{Batch, MemoryStore};
use esker_runtime::state::{Account, AccountChange, ChangeSet, SlotChange, StateDb};

const EPOCH: u64 = 600;

fn key(index: usize) -> SigningKey {
    SigningKey::from(keccak256(index.to_be_bytes()).0)
}

/// A set in which everybody has about the same, as stake in coins.
fn set(count: usize, epoch: u64) -> Vec<Validator> {
    let validator = |index: usize| Validator {
        address: Address::from_word(keccak256(index.to_be_bytes())),
        public_key: <[u8; 32]>::from(VerificationKey::from(&key(index))).into(),
        power: 1_000_000 + epoch,
    };
    (0..count).map(validator).collect()
}

/// States with this set after each of the blocks 0 and `EPOCH`: of the second, without and with a change.
struct World {
    db: StateDb,
    blocks: u64,
}

impl World {
    fn new(accounts: u64) -> Self {
        let db = StateDb::open(Arc::new(MemoryStore::new())).expect("an empty store opens");
        let numbers: Vec<u64> = (0..accounts).collect();
        let mut blocks = 0;
        for numbers in numbers.chunks(50_000) {
            let account = |number: &u64| {
                let after = Some(Account { nonce: 1, balance: U256::from(*number + 1), ..Account::default() });
                let address = Address::from_word(keccak256(number.to_be_bytes()));
                (address, AccountChange { before: None, after, storage: Default::default() })
            };
            let changes = ChangeSet { accounts: numbers.iter().map(account).collect(), ..ChangeSet::default() };
            db.commit(db.prepare(&changes, blocks).expect("it fits"), Batch::new()).expect("memory works");
            blocks += 1;
        }
        Self { db, blocks }
    }

    fn put(&mut self, before: &[Validator], after: &[Validator]) -> (B256, SetProof) {
        let account = Account { nonce: 1, ..Account::default() };
        let old = storage(before);
        let slot = |(key, after): (B256, B256)| {
            let before = if before.is_empty() { B256::ZERO } else { old[&key] };
            (key, SlotChange { before, after })
        };
        let change = AccountChange {
            before: (!before.is_empty()).then_some(account),
            after: Some(account),
            storage: storage(after).into_iter().map(slot).filter(|(_, slot)| slot.before != slot.after).collect(),
        };
        let changes = ChangeSet { accounts: [(VALIDATORS_ADDRESS, change)].into(), ..ChangeSet::default() };
        self.db.commit(self.db.prepare(&changes, self.blocks).expect("it fits"), Batch::new()).expect("memory works");
        self.blocks += 1;
        let slots: Vec<B256> = slots(after.len()).collect();
        let proof = self.db.proof(VALIDATORS_ADDRESS, &slots).expect("memory works");
        let mut nodes: Vec<Bytes> = proof.storage_proof.into_iter().flat_map(|slot| slot.proof).collect();
        nodes.sort_unstable();
        nodes.dedup();
        (self.db.root(), SetProof { account: proof.account_proof, storage: nodes })
    }
}

fn header(number: u64, state_root: B256) -> Header {
    Header {
        number,
        state_root,
        gas_limit: 30_000_000,
        gas_used: 12_345_678,
        timestamp: 1_700_000_000 + number,
        extra_data: Bytes::from_static(&[0, 0, 0, 1, 0, 0, 0, 0]),
        base_fee_per_gas: Some(1_000_000_000),
        ..Header::default()
    }
}

fn certified(domain: Domain, header: &Header, set: &[Validator], set_proof: SetProof) -> LightBlock {
    let hash = header.hash_slow();
    let signature = |(index, one): (usize, &Validator)| {
        let vote =
            SignedVote { is_precommit: true, height: header.number, round: 0, hash: Some(hash), voter: one.address };
        CommitSignature { address: one.address, signature: key(index).sign(&domain.vote(&vote)).to_bytes() }
    };
    let signatures = set.iter().enumerate().take(set.len() * 2 / 3 + 1).map(signature).collect();
    let certificate = Certificate { height: header.number, round: 0, hash, signatures }.encode().into();
    LightBlock { header: alloy_rlp::encode(header).into(), certificate, set_proof: Some(set_proof) }
}

fn main() {
    let accounts = std::env::var("ESKER_BENCH_ACCOUNTS").ok().map_or(100_000, |text| text.parse().expect("a number"));
    let mut criterion = Criterion::default().configure_from_args();
    for count in [4, 100] {
        let mut world = World::new(accounts);
        let (first, next) = (set(count, 0), set(count, 1));
        let (root, proof) = world.put(&[], &first);
        let genesis = header(0, root);
        let chain = Chain { chain_id: 1, genesis_hash: genesis.hash_slow(), epoch_length: EPOCH };
        let domain = Domain { chain_id: 1, genesis_hash: chain.genesis_hash };
        let rlp = alloy_rlp::encode(&genesis).into();
        let begun = TrustedState::begin(chain, chain.genesis_hash, &rlp, &proof).expect("it is proven");
        let same = certified(domain, &header(EPOCH, root), &first, SetProof { storage: Vec::new(), ..proof });
        let (root, proof) = world.put(&first, &next);
        let other = certified(domain, &header(EPOCH, root), &first, proof);
        let clock = Clock { now: 1_700_001_000, trust_period: Some(7_200) };
        for (what, block) in [("the set stays", same), ("every power changes", other)] {
            let set = block.set_proof.as_ref().expect("it has one");
            let bytes = |nodes: &[Bytes]| nodes.iter().map(|node| node.len()).sum::<usize>();
            println!(
                "{count} validators, {what}: {} bytes an epoch: header {}, certificate {}, account {}, storage {} in {} nodes",
                block.bytes(),
                block.header.len(),
                block.certificate.len(),
                bytes(&set.account),
                bytes(&set.storage),
                set.storage.len()
            );
            criterion.bench_function(&format!("{count} validators, {what}"), |bencher| {
                bencher.iter_batched(
                    || begun.clone(),
                    |mut trusted| trusted.advance(&block, clock).expect("it is good"),
                    criterion::BatchSize::SmallInput,
                );
            });
        }
    }
    criterion.final_summary();
}
