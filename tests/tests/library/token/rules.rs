//! The token: what its owner and holders may do. `votes.rs` and `signed.rs` show the rest.

use esker_components::{
    access::ownable::Error as OwnerError,
    pausable::Error as PauseError,
    tokens::{
        capped::Error as CapError,
        erc20::{Approval, Error as TokenError, Transfer},
        votes::Error as VoteError,
    },
};
use esker_sdk::{Panic, prelude::*};
use esker_sdk_test::{Chain, User, log};
use esker_token::TokenHandle;

/// How many tokens there may be.
const CAP: u128 = 1_000;

fn number(value: u128) -> U256 {
    U256::from(value)
}

/// A token of which alice, its owner, has 600.
fn token(chain: &mut Chain, alice: User) -> TokenHandle {
    let token = chain.deploy(alice, TokenHandle::constructor("Gold", "GLD", CAP, alice));
    chain.send(alice, token.mint(alice, 600)).succeeds();
    token
}

fn unauthorized(user: User) -> OwnerError {
    OwnerError::OwnableUnauthorizedAccount { account: user.into() }
}

fn too_little(sender: User, balance: u128, needed: u128) -> TokenError {
    let (balance, needed) = (number(balance), number(needed));
    TokenError::ERC20InsufficientBalance { sender: sender.into(), balance, needed }
}

fn not_allowed(spender: User, allowance: u128, needed: u128) -> TokenError {
    let (allowance, needed) = (number(allowance), number(needed));
    TokenError::ERC20InsufficientAllowance { spender: spender.into(), allowance, needed }
}

#[esker_sdk::test]
fn a_token_says_what_it_is(chain: &mut Chain, alice: User, bob: User) {
    let token = chain.deploy(alice, TokenHandle::constructor("Gold", "GLD", CAP, bob));
    assert_eq!((chain.read(token.name()), chain.read(token.symbol())), ("Gold".to_owned(), "GLD".to_owned()));
    assert_eq!((chain.read(token.decimals()), chain.read(token.total_supply())), (18, U256::ZERO));
    assert_eq!((chain.read(token.cap()), chain.read(token.owner())), (number(CAP), bob.address));
    let no_cap = CapError::ERC20InvalidCap { cap: U256::ZERO };
    chain.try_deploy(alice, TokenHandle::constructor("", "", 0, bob)).reverts(no_cap);
    let no_owner = OwnerError::OwnableInvalidOwner { owner: Address::ZERO };
    chain.try_deploy(alice, TokenHandle::constructor("", "", 1, Address::ZERO)).reverts(no_owner);
}

#[esker_sdk::test]
fn only_the_owner_creates_tokens_and_only_up_to_the_cap(chain: &mut Chain, alice: User, bob: User) {
    let token = token(chain, alice);
    chain.send(bob, token.mint(bob, 1)).reverts(unauthorized(bob));
    let nowhere = TokenError::ERC20InvalidReceiver { receiver: Address::ZERO };
    chain.send(alice, token.mint(Address::ZERO, 1)).reverts(nowhere);
    let exceeded = |supply| CapError::ERC20ExceededCap { increased_supply: supply, cap: number(CAP) };
    chain.send(alice, token.mint(bob, 401)).reverts(exceeded(number(1_001)));
    chain.send(alice, token.mint(bob, U256::MAX - 600)).reverts(exceeded(U256::MAX));
    chain.send(alice, token.mint(bob, U256::MAX - 599)).panics(Panic::Overflow);
    let created = Transfer { from: Address::ZERO, to: bob.into(), value: number(400) };
    chain.send(alice, token.mint(bob, 400)).emits_only([log(token.address(), created)]);
    chain.send(alice, token.mint(bob, 0)).succeeds();
    chain.send(alice, token.mint(bob, 1)).reverts(exceeded(number(1_001)));
    // What is destroyed makes room.
    chain.send(bob, token.burn(1)).succeeds();
    chain.send(alice, token.mint(bob, 1)).succeeds();
    assert_eq!(chain.read(token.total_supply()), CAP);
}

/// Votes are kept in 208 bits, so a cap beyond is none.
#[esker_sdk::test]
fn there_are_no_more_tokens_than_votes_can_count(chain: &mut Chain, alice: User) {
    let token = chain.deploy(alice, TokenHandle::constructor("Gold", "GLD", U256::MAX, alice));
    let cap = (U256::ONE << 208) - 1;
    chain.send(alice, token.delegate(alice)).succeeds();
    let exceeded = VoteError::ERC20ExceededSafeSupply { increased_supply: cap + 1, cap };
    chain.send(alice, token.mint(alice, cap + 1)).reverts(exceeded);
    chain.send(alice, token.mint(alice, cap)).succeeds();
    assert_eq!(chain.read(token.get_votes(alice)), cap);
    let exceeded = VoteError::ERC20ExceededSafeSupply { increased_supply: cap + 1, cap };
    chain.send(alice, token.mint(alice, 1)).reverts(exceeded);
}

#[esker_sdk::test]
fn holders_pay_and_let_pay(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let token = token(chain, alice);
    let paid = Transfer { from: alice.into(), to: bob.into(), value: number(100) };
    chain.send(alice, token.transfer(bob, 100)).returns(true).emits_only([log(token.address(), paid)]);
    chain.send(bob, token.transfer(carol, 101)).reverts(too_little(bob, 100, 101));
    chain.send(bob, token.transfer(bob, 100)).succeeds();
    assert_eq!(chain.read(token.balance_of(bob)), 100);
    let approval = Approval { owner: bob.into(), spender: carol.into(), value: number(30) };
    chain.send(bob, token.approve(carol, 30)).returns(true).emits_only([log(token.address(), approval)]);
    chain.send(carol, token.transfer_from(bob, alice, 31)).reverts(not_allowed(carol, 30, 31));
    chain.send(carol, token.transfer_from(bob, alice, 20)).returns(true);
    assert_eq!(chain.read(token.allowance(bob, carol)), 10);
    chain.send(bob, token.approve(carol, U256::MAX)).succeeds();
    chain.send(carol, token.transfer_from(bob, alice, 80)).succeeds();
    assert_eq!(chain.read(token.allowance(bob, carol)), U256::MAX);
    assert_eq!(chain.read(token.balance_of(bob)), 0);
}

#[esker_sdk::test]
fn the_zero_address_takes_no_part(chain: &mut Chain, alice: User) {
    let (token, zero) = (token(chain, alice), Address::ZERO);
    chain.send(alice, token.transfer(zero, 1)).reverts(TokenError::ERC20InvalidReceiver { receiver: zero });
    chain.send(alice, token.approve(zero, 1)).reverts(TokenError::ERC20InvalidSpender { spender: zero });
    chain.send(alice, token.transfer_from(zero, alice, 0)).reverts(TokenError::ERC20InvalidApprover { approver: zero });
    // Nobody signs for it, but anybody asks a node what would be.
    chain.call(zero, token.transfer(alice, 0)).reverts(TokenError::ERC20InvalidSender { sender: zero });
    chain.call(zero, token.burn(0)).reverts(TokenError::ERC20InvalidSender { sender: zero });
    chain.call(zero, token.approve(alice, 0)).reverts(TokenError::ERC20InvalidApprover { approver: zero });
}

#[esker_sdk::test]
fn holders_destroy_what_is_theirs_or_allowed(chain: &mut Chain, alice: User, bob: User) {
    let token = token(chain, alice);
    let destroyed = Transfer { from: alice.into(), to: Address::ZERO, value: number(100) };
    chain.send(alice, token.burn(100)).emits_only([log(token.address(), destroyed)]);
    assert_eq!((chain.read(token.balance_of(alice)), chain.read(token.total_supply())), (number(500), number(500)));
    chain.send(bob, token.burn(1)).reverts(too_little(bob, 0, 1));
    chain.send(bob, token.burn_from(alice, 1)).reverts(not_allowed(bob, 0, 1));
    // One's own tokens too are burnt "from" only as allowed.
    chain.send(alice, token.burn_from(alice, 1)).reverts(not_allowed(alice, 0, 1));
    chain.send(alice, token.approve(bob, 501)).succeeds();
    chain.send(bob, token.burn_from(alice, 501)).reverts(too_little(alice, 500, 501));
    chain.send(bob, token.burn_from(alice, 500)).succeeds();
    assert_eq!((chain.read(token.allowance(alice, bob)), chain.read(token.total_supply())), (number(1), U256::ZERO));
}

#[esker_sdk::test]
fn a_stopped_token_does_not_move(chain: &mut Chain, alice: User, bob: User) {
    let token = token(chain, alice);
    chain.send(bob, token.pause()).reverts(unauthorized(bob));
    chain.send(alice, token.approve(bob, 10)).succeeds();
    chain.send(alice, token.pause()).succeeds();
    assert!(chain.read(token.paused()));
    let stopped = || PauseError::EnforcedPause;
    chain.send(alice, token.transfer(bob, 1)).reverts(stopped());
    chain.send(bob, token.transfer_from(alice, bob, 1)).reverts(stopped());
    chain.send(alice, token.mint(bob, 1)).reverts(stopped());
    chain.send(alice, token.burn(1)).reverts(stopped());
    chain.send(bob, token.burn_from(alice, 1)).reverts(stopped());
    chain.send(alice, token.pause()).reverts(stopped());
    // What moves no token goes on.
    chain.send(alice, token.approve(bob, 5)).succeeds();
    chain.send(alice, token.delegate(bob)).succeeds();
    chain.send(bob, token.unpause()).reverts(unauthorized(bob));
    chain.send(alice, token.unpause()).succeeds();
    chain.send(bob, token.transfer_from(alice, bob, 5)).succeeds();
}

#[esker_sdk::test]
fn a_new_owner_accepts_before_owning(chain: &mut Chain, alice: User, bob: User) {
    let token = token(chain, alice);
    chain.send(alice, token.transfer_ownership(bob)).succeeds();
    chain.send(bob, token.mint(bob, 1)).reverts(unauthorized(bob));
    chain.send(bob, token.accept_ownership()).succeeds();
    chain.send(alice, token.mint(alice, 1)).reverts(unauthorized(alice));
    chain.send(bob, token.mint(bob, 1)).succeeds();
    chain.send(bob, token.renounce_ownership()).succeeds();
    chain.send(bob, token.mint(bob, 1)).reverts(unauthorized(bob));
}

/// Those of ERC-2612, ERC-5805, ERC-6372, ERC-5267 and OpenZeppelin's extensions, so that wallets and governors find them.
#[test]
fn the_selectors_are_the_standards() {
    let (token, zero, none) = (TokenHandle::at(Address::ZERO), Address::ZERO, B256::ZERO);
    let number = |input: &[u8]| u32::from_be_bytes([input[0], input[1], input[2], input[3]]);
    for (input, selector) in [
        (token.permit(zero, zero, 0, 0, 0, none, none).input(), 0xd505_accf),
        (token.nonces(zero).input(), 0x7ece_be00),
        (token.domain_separator().input(), 0x3644_e515),
        (token.eip712_domain().input(), 0x84b0_196e),
        (token.delegate(zero).input(), 0x5c19_a95c),
        (token.delegate_by_sig(zero, 0, 0, 0, none, none).input(), 0xc3cd_a520),
        (token.delegates(zero).input(), 0x587c_de1e),
        (token.get_votes(zero).input(), 0x9ab2_4eb0),
        (token.get_past_votes(zero, 0).input(), 0x3a46_b1a8),
        (token.get_past_total_supply(0).input(), 0x8e53_9e8c),
        (token.num_checkpoints(zero).input(), 0x6fcf_ff45),
        (token.checkpoints(zero, 0).input(), 0xf112_7ed8),
        (token.clock().input(), 0x91dd_adf4),
        (token.clock_mode().input(), 0x4bf5_d7e9),
        (token.burn(0).input(), 0x4296_6c68),
        (token.burn_from(zero, 0).input(), 0x79cc_6790),
        (token.cap().input(), 0x3552_74ea),
        (token.mint(zero, 0).input(), 0x40c1_0f19),
        (token.paused().input(), 0x5c97_5abb),
        (token.pause().input(), 0x8456_cb59),
        (token.unpause().input(), 0x3f4b_a83a),
        (token.pending_owner().input(), 0xe30c_3978),
        (token.transfer_ownership(zero).input(), 0xf2fd_e38b),
        (token.accept_ownership().input(), 0x79ba_5097),
        (token.renounce_ownership().input(), 0x7150_18a6),
    ] {
        assert_eq!(number(input), selector, "{selector:x}");
    }
}
