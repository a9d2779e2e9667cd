//! Votes: where they are, that they are remembered, and that nobody makes any.

use std::sync::Mutex;

use esker_components::tokens::{
    erc20::Transfer,
    votes::{DelegateChanged, DelegateVotesChanged, Error as VoteError},
};
use esker_sdk::{Panic, prelude::*};
use esker_sdk_test::{Chain, Draw, Invariant, User, log, mapping_slot};
use esker_token::TokenHandle;

/// Pays the same tokens around within one transaction.
#[contract]
mod carousel {
    use super::*;

    #[storage]
    pub struct Carousel {}

    impl Carousel {
        pub fn turn(&mut self, cx: &mut Context, token: Address, holders: Vec<Address>, value: U256) {
            let token = TokenHandle::at(token);
            for (from, to) in holders.iter().zip(holders.iter().cycle().skip(1)) {
                token.transfer_from(*from, *to, value).call(cx);
            }
        }

        /// Delegates to each and tells what each had when it had all.
        pub fn pass(&mut self, cx: &mut Context, token: Address, delegates: Vec<Address>) -> Vec<U256> {
            let token = TokenHandle::at(token);
            let mut votes = Vec::new();
            for delegate in delegates {
                token.delegate(delegate).call(cx);
                votes.push(token.get_votes(delegate).call(cx));
            }
            votes
        }
    }
}
use carousel::CarouselHandle;

fn number(value: u128) -> U256 {
    U256::from(value)
}

/// A token of which alice, its owner, has 600.
fn token(chain: &mut Chain, alice: User) -> TokenHandle {
    let token = chain.deploy(alice, TokenHandle::constructor("Gold", "GLD", 1_000, alice));
    chain.send(alice, token.mint(alice, 600)).succeeds();
    token
}

fn changed(delegator: User, from: impl Into<Address>, to: impl Into<Address>) -> DelegateChanged {
    DelegateChanged { delegator: delegator.into(), from_delegate: from.into(), to_delegate: to.into() }
}

fn moved(delegate: User, previous: u128, new: u128) -> DelegateVotesChanged {
    DelegateVotesChanged { delegate: delegate.into(), previous_votes: number(previous), new_votes: number(new) }
}

/// The number of the last block.
fn height(chain: &Chain) -> U256 {
    U256::from(chain.height())
}

fn votes(chain: &mut Chain, token: TokenHandle, users: [User; 3]) -> [U256; 3] {
    users.map(|user| chain.read(token.get_votes(user)))
}

#[esker_sdk::test]
fn votes_follow_tokens_to_delegates(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (token, users) = (token(chain, alice), [alice, bob, carol]);
    let at = token.address();
    assert_eq!(votes(chain, token, users), [0, 0, 0].map(number));
    chain
        .send(alice, token.delegate(bob))
        .emits_only([log(at, changed(alice, Address::ZERO, bob)), log(at, moved(bob, 0, 600))]);
    assert_eq!(chain.read(token.delegates(alice)), bob.address);
    // To somebody without a delegate votes are lost, and with one they go on.
    let paid = Transfer { from: alice.into(), to: carol.into(), value: number(100) };
    chain.send(alice, token.transfer(carol, 100)).emits_only([log(at, paid), log(at, moved(bob, 600, 500))]);
    chain.send(carol, token.delegate(carol)).emits(moved(carol, 0, 100));
    chain
        .send(alice, token.transfer(carol, 50))
        .emits_in_order([log(at, moved(bob, 500, 450)), log(at, moved(carol, 100, 150))]);
    chain.send(alice, token.mint(carol, 10)).emits(moved(carol, 150, 160));
    chain.send(carol, token.burn(60)).emits(moved(carol, 160, 100));
    // The same delegate again, within one delegate's votes, and nothing at all.
    chain.send(alice, token.delegate(bob)).emits_only([log(at, changed(alice, bob, bob))]);
    chain
        .send(carol, token.delegate(bob))
        .emits_in_order([log(at, moved(carol, 100, 0)), log(at, moved(bob, 450, 550))]);
    let paid = Transfer { from: alice.into(), to: carol.into(), value: number(7) };
    chain.send(alice, token.transfer(carol, 7)).emits_only([log(at, paid)]);
    let paid = Transfer { from: alice.into(), to: carol.into(), value: U256::ZERO };
    chain.send(alice, token.transfer(carol, 0)).emits_only([log(at, paid)]);
    chain.send(carol, token.delegate(Address::ZERO)).emits(moved(bob, 550, 443));
    assert_eq!(votes(chain, token, users), [0, 443, 0].map(number));
}

#[esker_sdk::test]
fn what_was_is_remembered(chain: &mut Chain, alice: User, bob: User) {
    let token = token(chain, alice);
    let minted = height(chain);
    chain.send(alice, token.delegate(alice)).succeeds();
    let delegated = height(chain);
    chain.pass_blocks(5);
    chain.send(alice, token.transfer(bob, 100)).succeeds();
    let paid = height(chain);
    chain.send(alice, token.burn(200)).succeeds();
    let burnt = height(chain);
    chain.pass_blocks(2);
    let mut then = |block: U256| {
        let (votes, supply) = (token.get_past_votes(alice, block), token.get_past_total_supply(block));
        (chain.read(votes), chain.read(supply))
    };
    let (before, all) = (minted - 1, number(600));
    assert_eq!(then(U256::ZERO), (U256::ZERO, U256::ZERO));
    assert_eq!(then(before), (U256::ZERO, U256::ZERO));
    assert_eq!(then(minted), (U256::ZERO, all));
    assert_eq!(then(delegated - 1), (U256::ZERO, all));
    assert_eq!(then(delegated), (all, all));
    assert_eq!(then(paid - 1), (all, all));
    assert_eq!(then(paid), (number(500), all));
    assert_eq!(then(burnt), (number(300), number(400)));
    assert_eq!(then(burnt + 1), (number(300), number(400)));
    assert_eq!(chain.read(token.num_checkpoints(alice)), 3);
    let second = chain.read(token.checkpoints(alice, 1));
    assert_eq!((U256::from(second.key), U256::from(second.value)), (paid, number(500)));
    chain.try_read(token.checkpoints(alice, 3)).panics(Panic::IndexOutOfBounds);
}

#[esker_sdk::test]
fn the_present_is_not_past_yet(chain: &mut Chain, alice: User) {
    let token = token(chain, alice);
    chain.send(alice, token.delegate(alice)).succeeds();
    let clock = chain.read(token.clock());
    let now = U256::from(clock);
    assert_eq!(chain.read(token.clock_mode()), "mode=blocknumber&from=default");
    for timepoint in [now, now + 1, U256::ONE << 64, U256::MAX] {
        let future = || VoteError::ERC5805FutureLookup { timepoint, clock };
        chain.try_read(token.get_past_votes(alice, timepoint)).reverts(future());
        chain.try_read(token.get_past_total_supply(timepoint)).reverts(future());
    }
    assert!(chain.try_read(token.get_past_votes(alice, now - 1)).returned() <= U256::from(600));
}

/// Solidity's layout of OpenZeppelin's state, but for two fields of its EIP-712 that are empty, before the nonces.
#[esker_sdk::test]
fn storage_lies_where_openzeppelin_s_lies(chain: &mut Chain, alice: User, bob: User) {
    let token = token(chain, alice);
    chain.send(alice, token.transfer_ownership(bob)).succeeds();
    chain.send(alice, token.pause()).succeeds();
    let slot = |number: u64| B256::from(U256::from(number).to_be_bytes());
    let word = |user: User, low: u8| {
        let mut word = [0; 32];
        let end = 32 - usize::from(low > 0);
        word[end - 20..end].copy_from_slice(&user.address.0);
        word[31] |= low;
        FixedBytes(word)
    };
    assert_eq!(chain.storage(token.address(), slot(2)), slot(600), "_totalSupply");
    assert_eq!(chain.storage(token.address(), slot(5)), word(alice, 1), "_paused and _owner");
    assert_eq!(chain.storage(token.address(), slot(6)), word(bob, 0), "_pendingOwner");
    chain.send(alice, token.delegate(bob)).succeeds();
    let place = mapping_slot(slot(8), alice.address);
    assert_eq!(chain.storage(token.address(), place), word(bob, 0), "_delegatee");
}

/// Many changes, so that finding one is worth a test: every block's votes are found again.
#[esker_sdk::test]
fn every_block_is_found(chain: &mut Chain, alice: User, bob: User) {
    let token = token(chain, alice);
    chain.send(alice, token.delegate(alice)).succeeds();
    let (first, mut had) = (height(chain), vec![number(600)]);
    for round in 0..17_u128 {
        chain.send(alice, token.transfer(bob, round + 1)).succeeds();
        had.push(chain.read(token.get_votes(alice)));
        if round % 3 == 0 {
            chain.pass_blocks(1);
            chain.send(bob, token.approve(alice, round)).succeeds();
        }
        while U256::from(had.len()) <= height(chain) - first {
            had.push(*had.last().expect("the first"));
        }
    }
    had.pop();
    assert!(had.len() > 20);
    for (age, votes) in (0_u128..).zip(had) {
        assert_eq!(chain.read(token.get_past_votes(alice, first + age)), votes, "{age} blocks after the first");
    }
}

/// Tokens that go round, and votes that are passed on, within one block count where they end up, once.
#[esker_sdk::test]
fn votes_that_go_round_within_a_block_count_once(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (token, users) = (token(chain, alice), [alice, bob, carol]);
    let carousel = chain.deploy(alice, CarouselHandle::constructor());
    for user in users {
        chain.send(user, token.delegate(user)).succeeds();
        chain.send(user, token.approve(carousel.address(), U256::MAX)).succeeds();
    }
    let holders = users.map(|user| user.address).to_vec();
    chain.send(alice, carousel.turn(token.address(), holders.clone(), 600)).succeeds();
    let block = height(chain);
    assert_eq!(votes(chain, token, users), [600, 0, 0].map(number));
    assert_eq!(chain.read(token.num_checkpoints(bob)), 1);
    chain.send(alice, token.transfer(carousel.address(), 600)).succeeds();
    let all = chain.send(alice, carousel.pass(token.address(), holders)).returned();
    assert_eq!(all, [number(600); 3]);
    let passed = height(chain);
    chain.pass_blocks(1);
    for (user, (first, second)) in users.into_iter().zip([(600, 0), (0, 0), (0, 600)]) {
        assert_eq!(chain.read(token.get_past_votes(user, block)), first);
        assert_eq!(chain.read(token.get_past_votes(user, passed)), second);
    }
}

/// What was seen at the end of each block: the number of it, everybody's votes, and the supply.
type Seen = Vec<(U256, [U256; 3], U256)>;

/// Balances sum to the supply, which the cap bounds; a delegate has the votes of those who chose it; and the past stays
/// as it was.
#[esker_sdk::test]
fn nobody_makes_tokens_or_votes(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (token, users) = (token(chain, alice), [alice, bob, carol]);
    let seen = Mutex::new(Seen::new());
    let (seen, start) = (&seen, chain.snapshot());
    let value = |draw: &mut Draw| U256::from(draw.number(0..=300));
    Invariant::new()
        .before(move |chain| {
            chain.restore(&start);
            seen.lock().expect("one at a time").clear();
        })
        .action("mint", move |chain, draw| {
            let _ = chain.send(alice, token.mint(draw.pick(&users), value(draw)));
        })
        .action("transfer", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), token.transfer(draw.pick(&users), value(draw)));
        })
        .action("approve", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), token.approve(draw.pick(&users), value(draw)));
        })
        .action("transfer from", move |chain, draw| {
            let (from, to) = (draw.pick(&users), draw.pick(&users));
            let _ = chain.send(draw.pick(&users), token.transfer_from(from, to, value(draw)));
        })
        .action("burn", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), token.burn(value(draw)));
        })
        .action("burn from", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), token.burn_from(draw.pick(&users), value(draw)));
        })
        .action("delegate", move |chain, draw| {
            let to = if draw.number(0..=3) == 0 { Address::ZERO } else { draw.pick(&users).into() };
            let _ = chain.send(draw.pick(&users), token.delegate(to));
        })
        .action("stop and go", move |chain, draw| {
            let _ = if draw.chance() { chain.send(alice, token.pause()) } else { chain.send(alice, token.unpause()) };
        })
        .action("time passes", move |chain, draw| chain.pass_blocks(draw.number(1..=3)))
        .check("balances sum to the supply, within the cap", move |chain| {
            let sum: U256 = users.iter().map(|user| chain.read(token.balance_of(*user))).sum();
            assert_eq!(sum, chain.read(token.total_supply()));
            assert!(sum <= 1_000);
        })
        .check("delegates have the votes of those who chose them", move |chain| {
            let mut counted = [U256::ZERO; 3];
            for user in users {
                let delegate = chain.read(token.delegates(user));
                if let Some(index) = users.iter().position(|user| user.address == delegate) {
                    counted[index] += chain.read(token.balance_of(user));
                }
            }
            assert_eq!(votes(chain, token, users), counted);
        })
        .check("the past stays as it was", move |chain| {
            let now = chain.read(token.clock()).get();
            let mut seen = seen.lock().expect("one at a time");
            for (block, had, supply) in seen.iter().filter(|(block, ..)| *block < now) {
                for (user, votes) in users.into_iter().zip(had) {
                    assert_eq!(chain.read(token.get_past_votes(user, *block)), *votes, "block {block}");
                }
                assert_eq!(chain.read(token.get_past_total_supply(*block)), *supply, "block {block}");
            }
            seen.push((height(chain), votes(chain, token, users), chain.read(token.total_supply())));
        })
        .run(chain);
}
