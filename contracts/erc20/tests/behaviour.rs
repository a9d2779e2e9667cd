//! The token's rules, each checked natively; the module that the chain runs is made of the same source.

use esker_erc20::{Erc20, Erc20Handle, Error, Transfer};
use esker_sdk::{
    Address, Contract, ContractError, Event, U256,
    native::{Emitted, MemoryHost, Outcome},
    primitive_types::H256,
};

const TOKEN: Address = Address::repeat_byte(0x70);
const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);
const CAROL: Address = Address::repeat_byte(0xca);

fn deployed() -> (MemoryHost, Erc20Handle) {
    let mut chain = MemoryHost::new();
    let token = chain.deploy::<Erc20>(ALICE, TOKEN, &Erc20Handle::constructor("Gold", "GLD", 100)).expect("deploys");
    (chain, token)
}

fn word(number: u64) -> H256 {
    H256(U256::from(number).to_be_bytes())
}

fn yes() -> Outcome {
    Outcome::Return(word(1).0.to_vec())
}

fn log(event: &impl Event) -> Emitted {
    let log = event.to_log();
    Emitted { address: TOKEN, topics: log.topics.into_iter().map(H256).collect(), data: log.data }
}

fn refused(error: Error) -> Outcome {
    Outcome::Revert(error.encode())
}

#[test]
fn the_deployer_gets_the_whole_supply() {
    let (mut chain, token) = deployed();
    let minted = Transfer { from: Address::ZERO, to: ALICE, value: U256::from(100) };
    assert_eq!(chain.take_logs(), [log(&minted)]);
    assert_eq!(chain.query(BOB, &token.name()), "Gold");
    assert_eq!(chain.query(BOB, &token.symbol()), "GLD");
    assert_eq!(chain.query(BOB, &token.decimals()), 18);
    assert_eq!(chain.query(BOB, &token.total_supply()), 100);
    assert_eq!(chain.query(BOB, &token.balance_of(ALICE)), 100);
}

#[test]
fn a_transfer_moves_tokens_and_says_so() {
    let (mut chain, token) = deployed();
    chain.take_logs();
    assert_eq!(chain.send(ALICE, &token.transfer(BOB, 40)), yes());
    assert_eq!(chain.query(BOB, &token.balance_of(ALICE)), 60);
    assert_eq!(chain.query(BOB, &token.balance_of(BOB)), 40);
    assert_eq!(chain.take_logs(), [log(&Transfer { from: ALICE, to: BOB, value: U256::from(40) })]);
    // To oneself, and nothing at all, as OpenZeppelin allows.
    assert_eq!(chain.send(BOB, &token.transfer(BOB, 40)), yes());
    assert_eq!(chain.send(CAROL, &token.transfer(BOB, 0)), yes());
    assert_eq!(chain.query(BOB, &token.balance_of(BOB)), 40);
}

#[test]
fn a_transfer_beyond_the_balance_is_refused_with_both_figures() {
    let (mut chain, token) = deployed();
    chain.take_logs();
    let error = Error::ERC20InsufficientBalance { sender: ALICE, balance: U256::from(100), needed: U256::from(101) };
    assert_eq!(chain.send(ALICE, &token.transfer(BOB, 101)), refused(error));
    assert_eq!(chain.query(BOB, &token.balance_of(ALICE)), 100);
    assert_eq!(chain.take_logs(), []);
}

#[test]
fn the_zero_address_neither_receives_nor_spends_nor_approves() {
    let (mut chain, token) = deployed();
    let zero = Address::ZERO;
    assert_eq!(chain.send(ALICE, &token.transfer(zero, 1)), refused(Error::ERC20InvalidReceiver { receiver: zero }));
    assert_eq!(chain.send(ALICE, &token.approve(zero, 1)), refused(Error::ERC20InvalidSpender { spender: zero }));
    assert_eq!(chain.send(zero, &token.transfer(BOB, 1)), refused(Error::ERC20InvalidSender { sender: zero }));
    assert_eq!(chain.send(zero, &token.approve(BOB, 1)), refused(Error::ERC20InvalidApprover { approver: zero }));
    assert_eq!(
        chain.send(zero, &token.transfer_from(zero, BOB, 0)),
        refused(Error::ERC20InvalidApprover { approver: zero }),
        "OpenZeppelin spends the allowance first, which approves in the owner's name"
    );
}

#[test]
fn an_allowance_is_spent_unless_it_is_unlimited() {
    let (mut chain, token) = deployed();
    assert_eq!(chain.send(ALICE, &token.approve(BOB, 50)), yes());
    assert_eq!(chain.send(BOB, &token.transfer_from(ALICE, CAROL, 30)), yes());
    assert_eq!(chain.query(BOB, &token.allowance(ALICE, BOB)), 20);
    let error = Error::ERC20InsufficientAllowance { spender: BOB, allowance: U256::from(20), needed: U256::from(21) };
    assert_eq!(chain.send(BOB, &token.transfer_from(ALICE, CAROL, 21)), refused(error));

    assert_eq!(chain.send(ALICE, &token.approve(BOB, U256::MAX)), yes());
    assert_eq!(chain.send(BOB, &token.transfer_from(ALICE, CAROL, 30)), yes());
    assert_eq!(chain.query(BOB, &token.allowance(ALICE, BOB)), U256::MAX);
    assert_eq!(chain.query(BOB, &token.balance_of(CAROL)), 60);
}

#[test]
fn calls_that_solidity_refuses_without_a_word_are_refused_so() {
    let (mut chain, token) = deployed();
    let input = token.transfer(BOB, 1).input().to_vec();
    let mut send = |value: u64, input: &[u8]| {
        chain.set_balance(ALICE, 1.into());
        chain.send_raw(ALICE, TOKEN, value.into(), input)
    };
    let refused = Outcome::Revert(Vec::new());
    assert_eq!(send(1, &input), refused, "value");
    assert_eq!(send(0, &[]), refused, "no selector");
    assert_eq!(send(0, &[1, 2, 3, 4]), refused, "unknown selector");
    assert_eq!(send(0, &input[..67]), refused, "short arguments");
    let mut dirty = input.clone();
    dirty[4] = 1;
    assert_eq!(send(0, &dirty), refused, "dirty address");
    assert_eq!(send(0, &[&input[..], b"tail"].concat()), yes(), "bytes behind the arguments are allowed");
}

#[test]
fn storage_lies_where_openzeppelins_lies() {
    let (chain, _) = deployed();
    let text = |text: &str| {
        let mut word = [0; 32];
        word[..text.len()].copy_from_slice(text.as_bytes());
        word[31] = 2 * text.len() as u8;
        H256(word)
    };
    assert_eq!(chain.storage(TOKEN, word(2)), word(100), "_totalSupply");
    assert_eq!(chain.storage(TOKEN, word(3)), text("Gold"), "_name");
    assert_eq!(chain.storage(TOKEN, word(4)), text("GLD"), "_symbol");
}

/// The revert data spelled out: selector and words, as any Ethereum tool decodes them.
#[test]
fn refusals_are_openzeppelins_byte_for_byte() {
    let (mut chain, token) = deployed();
    let address = |address: Address| [&[0; 12], &address.0[..]].concat();
    let revert =
        |selector: u32, words: &[Vec<u8>]| Outcome::Revert([&selector.to_be_bytes()[..], &words.concat()].concat());
    let number = |number: u64| word(number).0.to_vec();
    let zero = Address::ZERO;
    for (from, call, selector, words) in [
        (BOB, token.transfer(ALICE, 3), 0xe450_d38c, vec![address(BOB), number(0), number(3)]),
        (zero, token.transfer(ALICE, 3), 0x96c6_fd1e, vec![address(zero)]),
        (BOB, token.transfer(zero, 3), 0xec44_2f05, vec![address(zero)]),
        (BOB, token.transfer_from(ALICE, CAROL, 3), 0xfb8f_41b2, vec![address(BOB), number(0), number(3)]),
        (zero, token.approve(zero, 3), 0xe602_df05, vec![address(zero)]),
        (BOB, token.approve(zero, 3), 0x9428_0d62, vec![address(zero)]),
    ] {
        assert_eq!(chain.send(from, &call), revert(selector, &words), "{selector:x}");
    }
}

#[test]
fn the_selectors_are_the_standards() {
    let selectors: Vec<(&str, u32)> = Erc20::ABI.functions.iter().map(|item| (item.name, item.selector())).collect();
    for (name, selector) in [
        ("name", 0x06fd_de03),
        ("symbol", 0x95d8_9b41),
        ("decimals", 0x313c_e567),
        ("totalSupply", 0x1816_0ddd),
        ("balanceOf", 0x70a0_8231),
        ("transfer", 0xa905_9cbb),
        ("allowance", 0xdd62_ed3e),
        ("approve", 0x095e_a7b3),
        ("transferFrom", 0x23b8_72dd),
    ] {
        assert!(selectors.contains(&(name, selector)), "{name} in {selectors:x?}");
    }
    assert_eq!(selectors.len(), 9);
    let errors: Vec<u32> = Error::ERRORS.items.iter().map(|item| item.selector()).collect();
    assert_eq!(errors, [0xe450_d38c, 0x96c6_fd1e, 0xec44_2f05, 0xfb8f_41b2, 0xe602_df05, 0x9428_0d62]);
}
