//! The pool's rules, on transactions that are really signed.

mod bounds;

use std::time::{Duration, Instant};

use alloy_consensus::{TxEip1559, TypedTransaction};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer_local::PrivateKeySigner;
use esker_runtime::state::{Account, AccountChange, ChangeSet};
use esker_runtime::{ChainConfig, SignedTransaction, Transaction};

use super::*;
use crate::accounts::sign_transaction;
use esker_runtime::TransactionSource;

const CHAIN_ID: u64 = 31_337;

fn signer(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(index)).expect("a valid key")
}

struct Draft {
    signer: u8,
    nonce: u64,
    fee_cap: u128,
    tip_cap: u128,
    gas: u64,
    to: TxKind,
    input: Bytes,
    value: u64,
}

impl Draft {
    fn new(signer: u8, nonce: u64) -> Self {
        let to = TxKind::Call(Address::repeat_byte(0xee));
        Self { signer, nonce, fee_cap: 100, tip_cap: 10, gas: 21_000, to, input: Bytes::new(), value: 1 }
    }

    fn tip(mut self, tip_cap: u128) -> Self {
        self.tip_cap = tip_cap;
        self
    }

    fn cap(mut self, fee_cap: u128) -> Self {
        self.fee_cap = fee_cap;
        self
    }

    fn gas(mut self, gas: u64) -> Self {
        self.gas = gas;
        self
    }

    fn value(mut self, value: u64) -> Self {
        self.value = value;
        self
    }

    fn create(mut self, input: &[u8]) -> Self {
        self.to = TxKind::Create;
        self.input = Bytes::copy_from_slice(input);
        self.gas(1_000_000)
    }

    fn sign(self) -> Transaction {
        let transaction = TypedTransaction::Eip1559(TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: self.nonce,
            gas_limit: self.gas,
            max_fee_per_gas: self.fee_cap,
            max_priority_fee_per_gas: self.tip_cap,
            to: self.to,
            value: U256::from(self.value),
            input: self.input,
            ..TxEip1559::default()
        });
        let envelope = sign_transaction(&signer(self.signer), transaction).expect("signs");
        let signed = SignedTransaction::from_envelope(envelope, &CONFIG).expect("well-formed");
        signed.recover().expect("our own signature")
    }
}

static CONFIG: ChainConfig = ChainConfig::new(CHAIN_ID);

fn admission(nonce: u64) -> Admission<'static> {
    let account = Account { nonce, balance: U256::from(10u64.pow(18)), ..Account::default() };
    Admission { limits: &esker_vm::abi::Limits::V1, account, block_gas_limit: 30_000_000 }
}

fn pool() -> Pool {
    Pool::new(Limits::default())
}

/// The nonces and senders that a block with this base fee would take, in order.
fn order(pool: &Pool, base_fee: u64) -> Vec<(Address, u64)> {
    let mut best = pool.best(base_fee);
    std::iter::from_fn(|| best.offer()).map(|transaction| (transaction.sender(), transaction.nonce())).collect()
}

fn block(sender: u8, nonce: u64) -> ChangeSet {
    let after = Some(admission(nonce).account);
    let change = AccountChange { before: None, after, ..AccountChange::default() };
    ChangeSet { accounts: [(signer(sender).address(), change)].into(), ..ChangeSet::default() }
}

#[test]
fn refusals_are_in_geths_words() {
    let poor = Account { balance: U256::from(5), ..Account::default() };
    let with_code = Account { code_hash: B256::repeat_byte(1), ..admission(0).account };
    let cases = [
        (Draft::new(1, 3).sign(), admission(5), "nonce too low: next nonce 5, tx nonce 3"),
        (Draft::new(1, 0).gas(20_999).sign(), admission(0), "intrinsic gas too low: gas 20999, minimum needed 21000"),
        (Draft::new(1, 0).gas(30_000_001).sign(), admission(0), "exceeds block gas limit"),
        (
            Draft::new(1, 0).sign(),
            Admission { account: poor, ..admission(0) },
            "insufficient funds for gas * price + value: balance 5, tx cost 2100001, overshot 2099996",
        ),
        (Draft::new(1, 0).sign(), Admission { account: with_code, ..admission(0) }, "sender not an eoa: address 0x"),
        (Draft::new(1, 0).create(&[0x60, 0x80, 0x60, 0x40]).sign(), admission(0), "invalid deploy payload: "),
    ];
    for (transaction, admission, words) in cases {
        let error = pool().add(transaction, &admission).expect_err(words).to_string();
        assert!(error.starts_with(words), "{error}");
    }
}

/// The order that `docs/spec/transactions.md` gives: each sender and transaction has the fault and all later ones.
#[test]
fn of_several_faults_the_first_in_geths_order_is_named() {
    let (poor, rich) = (U256::from(5), admission(0).account.balance);
    let sender =
        |nonce, code_hash, balance| Admission { account: Account { nonce, code_hash, balance }, ..admission(0) };
    let (coded, plain) = (B256::repeat_byte(1), Account::default().code_hash);
    // The floor of two thousand bytes is above their intrinsic gas.
    let with_input = |gas| Draft { input: Bytes::from(vec![1; 2_000]), ..Draft::new(1, 0).gas(gas) };
    let creation = Draft::new(1, 0).create(&[1; 20]);
    let cases = [
        (with_input(30_000_001), sender(1, coded, poor), "exceeds block gas limit"),
        (with_input(21_000), sender(1, coded, poor), "intrinsic gas too low"),
        (with_input(60_000), sender(1, coded, poor), "insufficient gas for floor data gas cost"),
        (creation, sender(1, coded, poor), "invalid deploy payload"),
        (Draft::new(1, 0), sender(1, coded, poor), "nonce too low"),
        (Draft::new(1, 0), sender(0, coded, poor), "sender not an eoa"),
        (Draft::new(1, 0), sender(0, plain, poor), "insufficient funds"),
    ];
    for (draft, admission, words) in cases {
        let error = pool().add(draft.sign(), &admission).expect_err(words).to_string();
        assert!(error.starts_with(words), "{error}");
    }
    assert_eq!(
        pool().add(Draft::new(1, 9).cap(7).tip(0).sign(), &sender(0, plain, rich)),
        Ok(Added::Queued),
        "no faults"
    );
}

#[test]
fn a_known_transaction_and_a_cheap_replacement_are_refused() {
    let pool = pool();
    let first = Draft::new(1, 0).cap(100).tip(10);
    let first = first.sign();
    assert_eq!(pool.add(first.clone(), &admission(0)), Ok(Added::Pending));
    assert_eq!(pool.add(first.clone(), &admission(0)), Err(PoolError::AlreadyKnown));
    for (cap, tip) in [(109, 11), (110, 10), (200, 10), (100, 11)] {
        let replacement = Draft::new(1, 0).cap(cap).tip(tip).sign();
        assert_eq!(pool.add(replacement, &admission(0)), Err(PoolError::ReplacementUnderpriced), "{cap} {tip}");
    }
    let replacement = Draft::new(1, 0).cap(110).tip(11).sign();
    assert_eq!(pool.add(replacement.clone(), &admission(0)), Ok(Added::Pending));
    assert!(pool.get(first.hash()).is_none() && pool.get(replacement.hash()).is_some());
    assert_eq!(pool.status(), Status { pending: 1, queued: 0 });
}

#[test]
fn nonce_gaps_wait_and_close() {
    let pool = pool();
    for nonce in [3, 1, 2] {
        assert_eq!(pool.add(Draft::new(1, nonce).sign(), &admission(0)), Ok(Added::Queued));
    }
    assert_eq!(pool.status(), Status { pending: 0, queued: 3 });
    assert!(!pool.has_executable(0) && order(&pool, 0).is_empty());
    assert_eq!(pool.pending_nonce(signer(1).address()), Some(0));
    assert_eq!(pool.add(Draft::new(1, 0).sign(), &admission(0)), Ok(Added::Pending));
    assert_eq!(pool.status(), Status { pending: 4, queued: 0 });
    assert_eq!(pool.pending_nonce(signer(1).address()), Some(4));
    let sender = signer(1).address();
    assert_eq!(order(&pool, 0), [(sender, 0), (sender, 1), (sender, 2), (sender, 3)]);
}

#[test]
fn the_best_tip_goes_first_and_of_equals_the_one_that_came_first() {
    let pool = pool();
    let [one, two, three] = [1, 2, 3].map(|index| signer(index).address());
    // Effective tips at a base fee of 90: 10, then 5 (the cap bounds it), then 10 again.
    pool.add(Draft::new(2, 0).cap(95).tip(10).sign(), &admission(0)).expect("good");
    pool.add(Draft::new(1, 0).cap(100).tip(10).sign(), &admission(0)).expect("good");
    pool.add(Draft::new(3, 0).cap(300).tip(10).sign(), &admission(0)).expect("good");
    // Behind a cheap transaction of the same sender even the best tip waits.
    pool.add(Draft::new(2, 1).cap(400).tip(300).sign(), &admission(0)).expect("good");
    assert_eq!(order(&pool, 90), [(one, 0), (three, 0), (two, 0), (two, 1)]);
    // A cap below the base fee holds up the sender's whole run.
    assert_eq!(order(&pool, 99), [(three, 0), (one, 0)]);
    assert!(!pool.has_executable(400));
}

#[test]
fn a_skipped_sender_offers_nothing_more() {
    let pool = pool();
    for nonce in 0..3 {
        pool.add(Draft::new(1, nonce).tip(50).sign(), &admission(0)).expect("good");
    }
    pool.add(Draft::new(2, 0).tip(1).sign(), &admission(0)).expect("good");
    let mut best = pool.best(0);
    assert_eq!(best.offer().map(|transaction| transaction.sender()), Some(signer(1).address()));
    best.skip_sender();
    assert_eq!(best.offer().map(|transaction| transaction.sender()), Some(signer(2).address()));
    assert!(best.offer().is_none());
}

#[test]
fn a_block_takes_its_transactions_out_and_lets_the_next_ones_up() {
    let pool = pool();
    for nonce in [0, 1, 3] {
        pool.add(Draft::new(1, nonce).sign(), &admission(0)).expect("good");
    }
    pool.on_block(&block(1, 2), 0, Instant::now());
    assert_eq!(pool.status(), Status { pending: 0, queued: 1 });
    // Another transaction with nonce 2 came in with the block.
    pool.on_block(&block(1, 3), 0, Instant::now());
    assert_eq!(pool.status(), Status { pending: 1, queued: 0 });
    pool.on_block(&block(1, 4), 0, Instant::now());
    assert_eq!(pool.status(), Status::default());
    assert_eq!(pool.pending_nonce(signer(1).address()), None);
}

#[test]
fn a_transaction_added_with_an_old_view_of_its_sender_comes_up_when_the_view_is_renewed() {
    let pool = pool();
    // A block took nonce 0 between reading the account and adding nonce 1.
    assert_eq!(pool.add(Draft::new(1, 1).sign(), &admission(0)), Ok(Added::Queued));
    pool.refresh(signer(1).address(), &admission(1).account);
    assert_eq!(pool.status(), Status { pending: 1, queued: 0 });
}

#[test]
fn the_pool_is_bounded_and_queued_ones_go_first() {
    let limits = Limits { transactions: 3, per_sender: 2, ..Limits::default() };
    let pool = Pool::new(limits);
    let far = Draft::new(1, 7).tip(90).sign();
    pool.add(far.clone(), &admission(0)).expect("room");
    pool.add(Draft::new(2, 0).sign(), &admission(0)).expect("room");
    pool.add(Draft::new(2, 1).sign(), &admission(0)).expect("room");
    let third = pool.add(Draft::new(2, 2).sign(), &admission(0));
    assert_eq!(third, Err(PoolError::AccountLimit { waiting: 2, limit: 2 }));
    // Full: a worse queued newcomer is refused, an executable one throws the queued one out.
    assert_eq!(pool.add(Draft::new(3, 9).tip(1).sign(), &admission(0)), Err(PoolError::Full));
    assert_eq!(pool.add(Draft::new(3, 0).sign(), &admission(0)), Ok(Added::Pending));
    assert!(pool.get(far.hash()).is_none());
    assert_eq!(pool.add(Draft::new(4, 0).sign(), &admission(0)), Err(PoolError::Full));
    assert_eq!(pool.status(), Status { pending: 3, queued: 0 });
}

#[test]
fn watchers_learn_of_every_arrival() {
    let pool = pool();
    let watch = pool.watch();
    let transaction = Draft::new(1, 0).sign();
    let (_, seen) = pool.arrivals_since(u64::MAX);
    pool.add(transaction.clone(), &admission(0)).expect("good");
    assert!(watch.has_changed().expect("the pool lives"));
    assert_eq!(pool.arrivals_since(seen), (vec![transaction.hash()], 1));
}
