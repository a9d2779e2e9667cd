//! Contracts made of components, natively and as wasm: the kit compares what they return, emit, revert with and store.

#![allow(missing_docs, reason = "a contract of the tests alone")]

use esker_conformance_parts::{
    Error, GoldHandle,
    erc20::{Approval, Error as TokenError, Transfer},
    parts::{
        capped::ERC20ExceededCap,
        ownable::{OwnableHandle, OwnableUnauthorizedAccount},
        pausable::{EnforcedPause, Paused},
    },
    permit::permit::{Error as PermitError, Message},
};
use esker_sdk::{Eip712Domain, prelude::*};
use esker_sdk_test::{Chain, User};
use secp256k1::{SECP256K1, SecretKey};

fn gold(chain: &mut Chain, owner: User) -> GoldHandle {
    let gold = chain.deploy(owner, GoldHandle::constructor("Gold", "GLD"));
    chain.send(owner, gold.mint(owner, 900)).succeeds();
    gold
}

fn number(value: u64) -> U256 {
    U256::from(value)
}

#[esker_sdk::test]
fn exposed_methods_are_called_without_a_word_about_components(chain: &mut Chain, alice: User, bob: User) {
    let gold = gold(chain, alice);
    let moved = Transfer { from: alice.into(), to: bob.into(), value: number(40) };
    chain.send(alice, gold.transfer(bob, 40)).returns(true).emits(moved);
    chain.send(bob, gold.approve(alice, 5)).returns(true);
    chain.send(alice, gold.transfer_from(bob, alice, 5)).returns(true);
    assert_eq!(chain.read(gold.balance_of(bob)), number(35));
    assert_eq!(chain.read(gold.total_supply()), number(900));
    assert_eq!(chain.read(gold.name()), "Gold");
    assert_eq!(chain.read(gold.cap()), number(1000));
    assert_eq!(chain.read(gold.decimals()), 6);
    chain.send(bob, gold.transfer(alice, 36)).reverts(TokenError::ERC20InsufficientBalance {
        sender: bob.into(),
        balance: number(35),
        needed: number(36),
    });
    // What is embedded and not exposed is no method of the contract.
    chain.try_read(OwnableHandle::at(gold.address()).owner()).reverts_with(Vec::new());
}

/// What `secret` signs for the token.
fn signed(domain: Eip712Domain, message: &Message, secret: &SecretKey) -> (u8, B256, B256) {
    let digest = secp256k1::Message::from_digest(domain.digest(message).0);
    let (id, signature) = SECP256K1.sign_ecdsa_recoverable(digest, secret).serialize_compact();
    let half = |index: usize| FixedBytes(core::array::from_fn(|byte| signature[index * 32 + byte]));
    (27 + i32::from(id) as u8, half(0), half(1))
}

/// The address of `secret`: the last 20 bytes of the key's hash.
fn address_of(secret: &SecretKey) -> Address {
    let key = secret.public_key(SECP256K1).serialize_uncompressed();
    let hash = esker_sdk::crypto::keccak256(&key[1..]).0;
    Address(core::array::from_fn(|index| hash[12 + index]))
}

#[esker_sdk::test]
fn allowances_can_be_signed(chain: &mut Chain, alice: User, bob: User) {
    let gold = gold(chain, alice);
    let secret = SecretKey::from_byte_array([7; 32]).expect("a key");
    let owner = address_of(&secret);
    chain.send(alice, gold.transfer(owner, 100)).succeeds();
    let domain = Eip712Domain::new("Gold", "1", esker_sdk_test::CHAIN_ID, gold.address());
    assert_eq!(chain.read(gold.domain_separator()), domain.separator());

    let deadline = U256::from(u64::MAX);
    let message = Message { owner, spender: bob.into(), value: number(30), nonce: number(0), deadline };
    let (v, r, s) = signed(domain, &message, &secret);
    let permit = || gold.permit(owner, bob, 30, deadline, v, r, s);
    let approval = Approval { owner, spender: bob.into(), value: number(30) };
    chain.send(alice, permit()).succeeds().emits(approval);
    assert_eq!(chain.read(gold.nonces(owner)), number(1));
    chain.send(bob, gold.transfer_from(owner, bob, 30)).succeeds();
    assert_eq!(chain.read(gold.balance_of(bob)), number(30));

    // The same signature, with the next number: it is somebody else's.
    let refused = chain.send(alice, permit()).error::<PermitError>();
    assert!(matches!(refused, PermitError::ERC2612InvalidSigner { signer, .. } if signer != owner));
    let late = gold.permit(owner, bob, 30, 1, v, r, s);
    chain.send(alice, late).reverts(PermitError::ERC2612ExpiredSignature { deadline: number(1) });
}

/// What a capped token that can be stopped, and whose allowances can be signed, takes when it is made of parts.
#[test]
fn the_token_is_short() {
    let source = include_str!("../src/lib.rs");
    let lines = source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    assert!(lines <= 80, "{lines} lines");
}

#[esker_sdk::test]
fn hooks_run_from_the_inside_out(chain: &mut Chain, alice: User, bob: User) {
    let gold = gold(chain, alice);
    let exceeded = ERC20ExceededCap { supply: number(1001), cap: number(1000) };
    chain.send(alice, gold.mint(alice, 101)).reverts(exceeded);
    chain.send(alice, gold.transfer(bob, 1)).succeeds();
    assert_eq!(chain.read(gold.moves()), 2);
    chain.send(alice, gold.pause()).emits(Paused { account: alice.into() });
    chain.send(alice, gold.transfer(bob, 1)).reverts(Error::Frozen { from: alice.into() });
    assert_eq!(chain.read(gold.moves()), 2);
}

#[esker_sdk::test]
fn guards_stand_in_front(chain: &mut Chain, alice: User, bob: User) {
    let gold = gold(chain, alice);
    chain.send(bob, gold.pause()).reverts(OwnableUnauthorizedAccount { account: bob.into() });
    chain.send(alice, gold.pause()).succeeds();
    chain.send(bob, gold.mint(bob, 1)).reverts(OwnableUnauthorizedAccount { account: bob.into() });
    chain.send(alice, gold.mint(bob, 1)).reverts(EnforcedPause);
}

/// Nothing but a component, of another crate.
#[contract]
pub mod plain {
    use esker_conformance_parts::erc20::{Erc20, Error};
    use esker_sdk::prelude::*;

    #[storage]
    pub struct Plain {
        #[flatten]
        #[expose]
        token: Erc20,
    }

    impl Plain {
        #[constructor]
        pub fn new(&mut self, cx: &mut Context, name: &str, symbol: &str, supply: U256) -> Result<(), Error> {
            self.token.init(cx, name, symbol, cx.sender(), supply)
        }
    }
}

#[esker_sdk::test]
fn a_token_in_one_piece_stores_the_same(chain: &mut Chain, alice: User, bob: User) {
    let whole = chain.deploy(alice, esker_erc20::Erc20Handle::constructor("Gold", "GLD", 100));
    let parts = chain.deploy(alice, plain::PlainHandle::constructor("Gold", "GLD", 100));
    chain.send(alice, whole.transfer(bob, 40)).succeeds();
    chain.send(alice, parts.transfer(bob, 40)).succeeds();
    chain.send(alice, whole.approve(bob, 7)).succeeds();
    chain.send(alice, parts.approve(bob, 7)).succeeds();
    let slot = |index: u64| esker_sdk::B256::from(number(index).to_be_bytes());
    for fixed in 0..5 {
        assert_eq!(chain.storage(whole.address(), slot(fixed)), chain.storage(parts.address(), slot(fixed)));
    }
    for user in [alice, bob] {
        let balance = esker_sdk_test::mapping_slot(slot(0), user.address);
        let stored = chain.storage(whole.address(), balance);
        assert_ne!(stored, slot(0));
        assert_eq!(stored, chain.storage(parts.address(), balance));
    }
}
