//! What a test may do to its chain, and demand of what came of it, alike in both runs.

use esker_conformance::{Noted, Order, ProbeHandle, Quiet, Side};
use esker_erc20::{Approval, Erc20, Erc20Handle, Transfer};
use esker_sdk::prelude::*;
use esker_sdk_test::{Answer, Chain, Terms, User, log, mapping_slot};

/// Defined in a test: native in both runs.
#[contract]
mod vault {
    use super::*;

    #[storage]
    pub struct Vault {
        owner: Cell<Address>,
        price: Cell<Address>,
        paid: Cell<U256>,
    }

    #[error]
    pub enum Error {
        TooLittle { paid: U256, price: U256 },
    }

    impl Vault {
        #[constructor]
        #[payable]
        pub fn new(&mut self, cx: &Context, price: Address) {
            self.owner.set(cx.sender());
            self.price.set(price);
            self.paid.set(cx.value());
        }

        pub fn owner(&self) -> Address {
            self.owner.get()
        }

        pub fn paid(&self) -> U256 {
            self.paid.get()
        }

        #[payable]
        pub fn buy(&mut self, cx: &mut Context) -> Result<U256, Error> {
            // Any contract with a `totalSupply()` serves as a price here.
            let price = Erc20Handle::at(self.price.get()).total_supply().call(cx);
            ensure!(cx.value() >= price, Error::TooLittle { paid: cx.value(), price });
            Ok(self.paid.add(cx.value()))
        }
    }
}
use vault::{Vault, VaultHandle};

fn probe(chain: &mut Chain, by: User) -> ProbeHandle {
    let order = Order { maker: by.address, amounts: Vec::new(), memo: String::new(), side: Side::Buy };
    chain.deploy(by, ProbeHandle::constructor(order))
}

fn gold(chain: &mut Chain, by: User) -> Erc20Handle {
    chain.deploy(by, Erc20Handle::constructor("Gold", "GLD", 100))
}

#[esker_sdk::test]
fn anybody_sends_with_any_value(chain: &mut Chain, alice: User) {
    let order = Order { maker: alice.address, amounts: Vec::new(), memo: String::new(), side: Side::Buy };
    let probe: ProbeHandle = chain.deploy(alice, ProbeHandle::constructor(order).paying(5));
    assert_eq!(chain.balance(probe.address()), 5);
    chain.send(alice, probe.clear().paying(1)).reverts_with(Vec::new());
    chain.transfer(alice, probe.address(), 7).succeeds().emits_nothing();
    assert_eq!(chain.balance(probe.address()), 12);

    // A contract, and an address that nobody has the key of.
    let gold = gold(chain, alice);
    chain.send(alice, gold.transfer(probe.address(), 3)).returns(true);
    chain.send(probe.address(), gold.transfer(Address::repeat_byte(9), 2)).returns(true);
    chain.send(Address::repeat_byte(9), gold.transfer(alice, 2)).returns(true);
    assert_eq!((chain.nonce(Address::repeat_byte(9)), chain.nonce(probe.address())), (1, 2));
    let poor = Address::repeat_byte(8);
    chain.deal(poor, 10);
    chain.transfer(poor, alice, 10).succeeds();
    assert_eq!(chain.balance(poor), 0);
    // A call is made as anybody too, and leaves nothing.
    chain.call(alice, gold.transfer(poor, 1)).returns(true);
    assert_eq!(chain.read(gold.balance_of(poor)), 0);
}

#[esker_sdk::test]
#[should_panic(expected = "no node would accept this transaction: ")]
fn nobody_sends_more_than_there_is(chain: &mut Chain) {
    let _ = chain.transfer(Address::repeat_byte(8), Address::repeat_byte(9), 1);
}

#[esker_sdk::test]
#[should_panic(expected = "no node would accept this transaction: ")]
fn gas_below_what_any_transaction_costs_is_refused(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let _ = chain.send(alice, probe.clear().with_gas(20_999));
}

#[esker_sdk::test]
fn events_are_demanded_by_contract_and_order(chain: &mut Chain, alice: User, bob: User) {
    let (probe, gold) = (probe(chain, alice), gold(chain, alice));
    let paid = Transfer { from: alice.address, to: bob.address, value: U256::from(4) };
    let sent = chain.send(alice, gold.transfer(bob, 4));
    sent.clone().emits(paid.clone()).emits_from(gold.address(), paid.clone()).emits_only([log(gold.address(), paid)]);
    chain
        .send(alice, gold.approve(bob, 1))
        .emits_only([log(gold.address(), Approval { owner: alice.address, spender: bob.address, value: U256::ONE })]);
    let noted =
        Noted { by: alice.address, memo: "memo".into(), code: i16::MIN, text: "memo".into(), numbers: vec![U256::ONE] };
    let quiet = Quiet { a: FixedBytes([1, 2]), b: true };
    let from = probe.address();
    chain.send(alice, probe.note("memo", vec![U256::ONE])).emits_in_order([log(from, noted), log(from, quiet)]);
}

fn noted_in_order(chain: &mut Chain, alice: User, by: Address) {
    let probe = probe(chain, alice);
    let (noted, quiet) = (
        Noted { by: alice.address, memo: String::new(), code: i16::MIN, text: String::new(), numbers: Vec::new() },
        Quiet { a: FixedBytes([1, 2]), b: true },
    );
    let sent = chain.send(alice, probe.note("", Vec::<U256>::new()));
    let wanted = if by.is_zero() {
        [log(probe.address(), quiet), log(probe.address(), noted)]
    } else {
        [log(probe.address(), noted), log(by, quiet)]
    };
    let _ = sent.emits_in_order(wanted);
}

#[esker_sdk::test]
#[should_panic(expected = "it should have emitted in this order")]
fn events_in_another_order_fail(chain: &mut Chain, alice: User) {
    noted_in_order(chain, alice, Address::ZERO);
}

#[esker_sdk::test]
#[should_panic(expected = "it should have emitted in this order")]
fn events_of_another_contract_fail(chain: &mut Chain, alice: User) {
    noted_in_order(chain, alice, alice.address);
}

#[esker_sdk::test]
#[should_panic(
    expected = "(alice), to: 0x0707070707070707070707070707070707070707, value: 5 } from anybody; it emitted"
)]
fn an_event_that_is_missing_is_named(chain: &mut Chain, alice: User) {
    let (gold, to) = (gold(chain, alice), Address::repeat_byte(7));
    let wanted = Transfer { from: alice.address, to, value: U256::from(5) };
    let _ = chain.send(alice, gold.transfer(to, 4)).emits(wanted);
}

#[esker_sdk::test]
#[should_panic(expected = "it should have emitted only")]
fn an_event_too_many_fails(chain: &mut Chain, alice: User) {
    let gold = gold(chain, alice);
    let _ = chain.send(alice, gold.transfer(alice, 4)).emits_only([]);
}

#[esker_sdk::test]
#[should_panic(expected = "it should have returned false, but it returned true")]
fn another_return_value_fails(chain: &mut Chain, alice: User) {
    let gold = gold(chain, alice);
    let _ = chain.send(alice, gold.transfer(alice, 4)).returns(false);
}

#[esker_sdk::test]
fn storage_is_read_and_written(chain: &mut Chain, alice: User, bob: User) {
    let gold = gold(chain, alice);
    let word = |number: u64| B256::from(U256::from(number).to_be_bytes());
    assert_eq!(chain.storage(gold.address(), 2u8), word(100), "_totalSupply");
    assert_eq!(chain.storage(gold.address(), mapping_slot(0u8, alice.address)), word(100), "_balances[alice]");
    chain.set_storage(gold.address(), mapping_slot(0u8, bob.address), 40u8);
    assert_eq!(chain.read(gold.balance_of(bob)), 40);
    // _allowances[bob][alice]
    let allowance = mapping_slot(mapping_slot(1u8, bob.address), alice.address);
    chain.set_storage(gold.address(), allowance, 30u64);
    chain.send(alice, gold.transfer_from(bob, alice, 30)).returns(true);
    assert_eq!(chain.storage(gold.address(), allowance), B256::ZERO);
    assert_eq!(chain.read(gold.balance_of(alice)), 130);
}

#[esker_sdk::test]
fn a_chain_goes_back_to_what_it_was(chain: &mut Chain, alice: User, bob: User) {
    let gold = gold(chain, alice);
    let before = chain.snapshot();
    let (height, timestamp) = (chain.height(), chain.timestamp());
    chain.send(alice, gold.transfer(bob, 60)).succeeds();
    chain.deal(bob, 1);
    chain.warp(timestamp + 1_000_000);
    chain.pass_blocks(3);
    assert_eq!((chain.height(), chain.timestamp()), (height + 4, timestamp + 1_000_024));
    for _ in 0..2 {
        chain.restore(&before);
        assert_eq!((chain.height(), chain.timestamp()), (height, timestamp));
        assert_eq!(chain.read(gold.balance_of(bob)), 0);
        chain.send(alice, gold.transfer(bob, 70)).succeeds();
        assert_eq!(chain.read(gold.balance_of(bob)), 70);
    }
}

#[esker_sdk::test]
fn blocks_are_what_a_test_says(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let (hash, randao) = (B256::repeat_byte(0x42), B256::repeat_byte(0x43));
    chain.warp(2_000_000_000);
    chain.roll(5_000);
    chain.set_base_fee(7);
    chain.set_coinbase(Address::repeat_byte(0xcc));
    chain.set_prevrandao(randao);
    chain.set_block_hash(4_999, hash);
    let (addresses, numbers, hashes) = chain.call(alice, probe.surroundings()).returned();
    assert_eq!(addresses, [alice.address, alice.address, probe.address(), Address::repeat_byte(0xcc)]);
    let block: Vec<U256> = [5_000u64, 2_000_000_000, 100_000_000, 31_337].map(U256::from).to_vec();
    assert_eq!(numbers[1..3], [U256::ZERO, U256::from(7)], "gas costs nothing whatever the base fee is");
    assert_eq!(numbers[4..8], block);
    assert_eq!(hashes[..3], [hash, B256::ZERO, randao]);
    // The read made no block; this does, and the next one comes 12 seconds after it.
    chain.send(alice, probe.clear()).succeeds();
    assert_eq!((chain.height(), chain.timestamp()), (5_000, 2_000_000_000));
    chain.pass(88);
    chain.send(alice, probe.clear()).succeeds();
    assert_eq!((chain.height(), chain.timestamp()), (5_001, 2_000_000_100));
}

#[esker_sdk::test]
#[should_panic(expected = "the next block cannot be at 5: the last one is at 1700000000")]
fn time_does_not_go_back(chain: &mut Chain) {
    chain.warp(5);
}

#[esker_sdk::test]
fn mocks_answer_in_place_of_contracts(chain: &mut Chain, alice: User, bob: User) {
    let (probe, token) = (probe(chain, alice), Erc20Handle::at(Address::repeat_byte(0x70)));
    let payer = probe.address();
    chain.mock(token.address(), move |called| {
        if called.input.is_empty() {
            return Answer::nothing();
        }
        assert_eq!(called.caller, payer);
        if called.is(&token.balance_of(Address::ZERO)) {
            assert!(called.is_static);
            let (asked,) = called.arguments::<(Address,)>().expect("an address");
            return Answer::value(&U256::from(u8::from(asked == payer)));
        }
        match called.arguments::<(Address, U256)>() {
            Ok((_, value)) if value == 13 => Answer::revert("unlucky"),
            Ok((_, value)) if value == 14 => Answer::revert(Panic::Overflow),
            Ok((_, value)) if value == 15 => Answer::Halt,
            Ok(_) => Answer::value(&true),
            Err(_) => Answer::nothing(),
        }
    });
    chain.send(alice, probe.pay(token.address(), bob, 12)).returns(true);
    chain.send(alice, probe.pay_or_fail(token.address(), bob, 13)).reverts_with("unlucky");
    chain.send(alice, probe.pay_or_fail(token.address(), bob, 14)).reverts_with(Panic::Overflow);
    chain.send(alice, probe.pay_or_fail(token.address(), bob, 15)).reverts_with(Vec::new());
    // It takes coins, and one mock stands where another stood.
    chain.transfer(alice, token.address(), 5).succeeds();
    assert_eq!(chain.balance(token.address()), 5);
    chain.mock_call(&token.total_supply(), &U256::from(77));
    assert_eq!(chain.read(token.total_supply()), 77);
    chain.try_read(token.name()).reverts_with(Vec::new());
}

#[esker_sdk::test]
fn frames_are_told_with_their_gas(chain: &mut Chain, alice: User, bob: User) {
    let (probe, gold) = (probe(chain, alice), gold(chain, alice));
    chain.send(alice, gold.transfer(probe.address(), 10)).succeeds();
    let paid = chain.send(alice, probe.pay(gold.address(), bob, 4)).returns(true);
    let trace = paid.trace();
    let lines: Vec<(&str, &str)> = trace.lines().map(|line| line.split_once(" [").unwrap_or((line, ""))).collect();
    let (a, b, p) = (alice.address, bob.address, probe.address());
    let token = format!("{} (Erc20)", gold.address());
    let expected = [
        format!("Probe.pay({token}, {b} (bob), 4) → true"),
        format!("  static Erc20.balanceOf({p} (Probe)) → 10"),
        format!("  Erc20.transfer({b} (bob), 4) → true"),
        format!("    emit Transfer {{ from: {p} (Probe), to: {b} (bob), value: 4 }} from {token}"),
    ];
    assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), expected);
    let gas: Vec<u64> = lines.iter().filter_map(|(_, gas)| gas.strip_suffix(" gas]")?.parse().ok()).collect();
    assert!(gas.len() == 3 && gas[0] > gas[1] + gas[2], "{trace}");

    let stacks = paid.gas_stacks();
    let parsed: Vec<(&str, u64)> = stacks
        .lines()
        .filter_map(|line| line.rsplit_once(' ').and_then(|(name, gas)| Some((name, gas.parse().ok()?))))
        .collect();
    let named: Vec<&str> = parsed.iter().map(|(name, _)| *name).collect();
    let names = ["transaction", "transaction;Probe.pay", "transaction;Probe.pay;Erc20.balanceOf"];
    assert_eq!(named[..3], names, "{stacks}");
    assert_eq!(named[3..], ["transaction;Probe.pay;Erc20.transfer"]);
    assert_eq!((parsed[1].1, parsed[2].1, parsed[3].1), (gas[0] - gas[1] - gas[2], gas[1], gas[2]));
    assert_eq!(parsed.iter().map(|(_, gas)| gas).sum::<u64>(), paid.gas_used());

    let failed = chain.send(alice, probe.pay_or_fail(gold.address(), bob, 40));
    let inner =
        format!("  Erc20.transfer({b} (bob), 40) ✗ ERC20InsufficientBalance {{ sender: {p} (Probe), balance: 6,");
    assert!(failed.trace().contains(&inner), "{} by {a}", failed.trace());
}

#[esker_sdk::test]
#[should_panic(expected = "the mock at 0x7070707070707070707070707070707070707070 panicked: who is this?")]
fn a_panic_in_a_mock_fails_the_test(chain: &mut Chain, alice: User, bob: User) {
    let probe = probe(chain, alice);
    let token = chain.mock(Address::repeat_byte(0x70), |_| panic!("who is this?"));
    let _ = chain.send(alice, probe.pay(token, bob, 1));
}

#[esker_sdk::test]
fn a_contract_of_the_test_file_runs_beside_others(chain: &mut Chain, alice: User, bob: User) {
    let gold = gold(chain, alice);
    let vault: VaultHandle = chain.deploy(alice, VaultHandle::constructor(gold.address()).paying(3));
    assert_eq!((chain.read(vault.owner()), chain.read(vault.paid())), (alice.address, U256::from(3)));
    let little = vault::Error::TooLittle { paid: U256::from(99), price: U256::from(100) };
    chain.send(bob, vault.buy().value(99)).reverts(little);
    chain.send(bob, vault.buy().value(101)).returns(104);
    assert_eq!(chain.balance(vault.address()), 104);
}

#[esker_sdk::test]
fn factories_create_what_the_test_gives_them(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    for payload in [
        Erc20Handle::constructor("Child", "CHD", 9).payload(&chain.code::<Erc20>()),
        VaultHandle::constructor(Address::ZERO).payload(&chain.code::<Vault>()),
    ] {
        chain.send(alice, probe.create(&payload, B256::ZERO)).returns((true, true));
    }
    // Where CREATE2 put the token: keccak256(0xff ‖ creator ‖ salt ‖ keccak256(payload)), EIP-1014.
    let payload = Erc20Handle::constructor("Child", "CHD", 9).payload(&chain.code::<Erc20>());
    let hash = esker_sdk::abi::keccak256(&payload);
    let preimage = [&[0xff], &probe.address().0[..], &[0; 32], &hash].concat();
    let place = Address(esker_sdk::abi::keccak256(&preimage)[12..].try_into().expect("20 bytes"));
    let child = Erc20Handle::at(place);
    assert_eq!(chain.read(child.name()), "Child");
    assert_eq!(chain.read(child.balance_of(probe.address())), 9);
    chain.send(probe.address(), child.transfer(alice, 9)).returns(true);
}
