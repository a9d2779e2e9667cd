//! Allowances and delegations by signature: whose they are, for what, and that each counts once.

use esker_components::{
    nonces::InvalidAccountNonce,
    signatures::SignatureError,
    tokens::{
        erc20::Approval,
        permit::{Error as PermitError, Message},
        votes::{DelegateChanged, Delegation, Error as VoteError},
    },
};
use esker_sdk::prelude::*;
use esker_sdk_test::{CHAIN_ID, Chain, User, log};
use esker_token::TokenHandle;
use secp256k1::{SECP256K1, SecretKey};

/// The order of secp256k1.
const ORDER: U256 = u256!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141);

fn number(value: u128) -> U256 {
    U256::from(value)
}

/// A token of which alice, its owner, has 600.
fn token(chain: &mut Chain, alice: User) -> TokenHandle {
    let token = chain.deploy(alice, TokenHandle::constructor("Gold", "GLD", 1_000, alice));
    chain.send(alice, token.mint(alice, 600)).succeeds();
    token
}

/// Somebody with a key.
struct Signer {
    secret: SecretKey,
    address: Address,
}

/// A signature.
#[derive(Clone, Copy)]
struct Signature {
    v: u8,
    r: B256,
    s: B256,
}

impl Signer {
    fn new(byte: u8) -> Self {
        let secret = SecretKey::from_byte_array([byte; 32]).expect("a key");
        let hash = crypto::keccak256(&secret.public_key(SECP256K1).serialize_uncompressed()[1..]).0;
        Self { secret, address: Address(std::array::from_fn(|index| hash[12 + index])) }
    }

    fn sign(&self, domain: Eip712Domain, message: &impl Eip712) -> Signature {
        let digest = secp256k1::Message::from_digest(domain.digest(message).0);
        let (id, bytes) = SECP256K1.sign_ecdsa_recoverable(digest, &self.secret).serialize_compact();
        let half = |start: usize| FixedBytes(std::array::from_fn(|index| bytes[start + index]));
        Signature { v: 27 + i32::from(id) as u8, r: half(0), s: half(32) }
    }
}

impl Signature {
    /// The other signature of the same message by the same key, as anybody computes it.
    fn twin(self) -> Self {
        let s = ORDER - U256::from_be_bytes(self.s.0);
        Self { v: 55 - self.v, r: self.r, s: FixedBytes(s.to_be_bytes()) }
    }
}

fn domain(token: TokenHandle) -> Eip712Domain {
    Eip712Domain::new("Gold", "1", CHAIN_ID, token.address())
}

/// A permit for 30 tokens with the number 0 that never expires.
fn message(owner: Address, spender: User) -> Message {
    let (value, nonce, deadline) = (number(30), U256::ZERO, U256::MAX);
    Message { owner, spender: spender.into(), value, nonce, deadline }
}

fn refused(chain: &mut Chain, token: TokenHandle, by: User, message: &Message, signed: Signature) -> PermitError {
    let Message { owner, spender, value, deadline, .. } = *message;
    let Signature { v, r, s } = signed;
    chain.send(by, token.permit(owner, spender, value, deadline, v, r, s)).error()
}

#[track_caller]
fn is_somebody_else(error: PermitError, wanted: Address) {
    match error {
        PermitError::ERC2612InvalidSigner { signer, owner } => assert!(owner == wanted && signer != wanted),
        other => panic!("{other:?}"),
    }
}

#[esker_sdk::test]
fn a_signed_allowance_counts_once(chain: &mut Chain, alice: User, bob: User) {
    let (token, dave) = (token(chain, alice), Signer::new(7));
    let owner = dave.address;
    chain.send(alice, token.transfer(owner, 50)).succeeds();
    let message = message(owner, bob);
    let Signature { v, r, s } = dave.sign(domain(token), &message);
    // Anybody may send it.
    let approval = Approval { owner, spender: bob.into(), value: number(30) };
    chain.send(alice, token.permit(owner, bob, 30, U256::MAX, v, r, s)).emits_only([log(token.address(), approval)]);
    assert_eq!((chain.read(token.allowance(owner, bob)), chain.read(token.nonces(owner))), (number(30), number(1)));
    chain.send(bob, token.transfer_from(owner, bob, 30)).succeeds();
    is_somebody_else(refused(chain, token, bob, &message, Signature { v, r, s }), owner);
    assert_eq!((chain.read(token.allowance(owner, bob)), chain.read(token.nonces(owner))), (U256::ZERO, number(1)));
}

/// Who sees a permit on its way may send it first: the allowance is the same, and the one who was to send it goes on
/// without it.
#[esker_sdk::test]
fn sending_a_permit_first_takes_nothing(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (token, dave) = (token(chain, alice), Signer::new(7));
    chain.send(alice, token.transfer(dave.address, 50)).succeeds();
    let message = message(dave.address, bob);
    let signed = dave.sign(domain(token), &message);
    // Not for the one who sends it.
    let for_carol = Message { spender: carol.into(), ..message };
    is_somebody_else(refused(chain, token, carol, &for_carol, signed), dave.address);
    let Signature { v, r, s } = signed;
    chain.send(carol, token.permit(dave.address, bob, 30, U256::MAX, v, r, s)).succeeds();
    is_somebody_else(refused(chain, token, bob, &message, signed), dave.address);
    chain.send(bob, token.transfer_from(dave.address, bob, 30)).succeeds();
}

#[esker_sdk::test]
fn a_signature_has_one_form(chain: &mut Chain, alice: User, bob: User) {
    let (token, dave) = (token(chain, alice), Signer::new(7));
    let message = message(dave.address, bob);
    let signed = dave.sign(domain(token), &message);
    let twin = signed.twin();
    match refused(chain, token, bob, &message, twin) {
        PermitError::Signature(SignatureError::ECDSAInvalidSignatureS { s }) => assert_eq!(s, twin.s),
        other => panic!("{other:?}"),
    }
    for v in [0, 1, 26, 29, 255] {
        let error = refused(chain, token, bob, &message, Signature { v, ..signed });
        assert!(matches!(error, PermitError::Signature(SignatureError::ECDSAInvalidSignature)), "{v}: {error:?}");
    }
    for (r, s) in [(B256::ZERO, signed.s), (signed.r, B256::ZERO), (B256::ZERO, B256::ZERO)] {
        let error = refused(chain, token, bob, &message, Signature { v: 27, r, s });
        assert!(matches!(error, PermitError::Signature(SignatureError::ECDSAInvalidSignature)), "{error:?}");
    }
    assert_eq!(chain.read(token.nonces(dave.address)), 0);
}

/// What is no signature recovers to nobody; that is not the owner of what nobody has.
#[esker_sdk::test]
fn the_zero_address_signs_nothing(chain: &mut Chain, alice: User, bob: User) {
    let token = token(chain, alice);
    let message = message(Address::ZERO, bob);
    let none = Signature { v: 27, r: B256::ZERO, s: B256::ZERO };
    let error = refused(chain, token, bob, &message, none);
    assert!(matches!(error, PermitError::Signature(SignatureError::ECDSAInvalidSignature)), "{error:?}");
}

#[esker_sdk::test]
fn a_signature_is_for_one_token_on_one_chain(chain: &mut Chain, alice: User, bob: User) {
    let (token, dave) = (token(chain, alice), Signer::new(7));
    let other = chain.deploy(alice, TokenHandle::constructor("Gold", "GLD", 1_000, alice));
    let message = message(dave.address, bob);
    let domains = [
        domain(other),
        Eip712Domain::new("Gold", "1", CHAIN_ID + 1, token.address()),
        Eip712Domain::new("Gold", "2", CHAIN_ID, token.address()),
        Eip712Domain::new("Silver", "1", CHAIN_ID, token.address()),
    ];
    for domain in domains {
        let signed = dave.sign(domain, &message);
        is_somebody_else(refused(chain, token, bob, &message, signed), dave.address);
    }
    assert_eq!(chain.read(token.domain_separator()), domain(token).separator());
    let (fields, name, version, id, contract, salt, extensions) = chain.read(token.eip712_domain());
    assert_eq!((fields, name.as_str(), version.as_str(), id), (FixedBytes([0x0f]), "Gold", "1", CHAIN_ID.into()));
    assert_eq!((contract, salt, extensions), (token.address(), B256::ZERO, Vec::new()));
}

#[esker_sdk::test]
fn a_permit_says_what_exactly_and_until_when(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (token, dave) = (token(chain, alice), Signer::new(7));
    let last = chain.timestamp() + 1_000;
    let deadline = U256::from(last);
    let message = Message { deadline, ..message(dave.address, bob) };
    let signed = dave.sign(domain(token), &message);
    let changed = [
        Message { owner: alice.into(), ..message },
        Message { spender: carol.into(), ..message },
        Message { value: number(31), ..message },
        Message { deadline: deadline + 1, ..message },
    ];
    for message in changed {
        is_somebody_else(refused(chain, token, bob, &message, signed), message.owner);
    }
    // A number of the future is for later.
    let next = dave.sign(domain(token), &Message { nonce: U256::ONE, ..message });
    is_somebody_else(refused(chain, token, bob, &message, next), dave.address);
    let before = chain.snapshot();
    chain.warp(last);
    let Signature { v, r, s } = signed;
    chain.send(bob, token.permit(dave.address, bob, 30, deadline, v, r, s)).succeeds();
    chain.restore(&before);
    chain.warp(last + 1);
    let expired = PermitError::ERC2612ExpiredSignature { deadline };
    chain.send(bob, token.permit(dave.address, bob, 30, deadline, v, r, s)).reverts(expired);
}

#[esker_sdk::test]
fn a_delegation_is_signed(chain: &mut Chain, alice: User, bob: User) {
    let (token, dave) = (token(chain, alice), Signer::new(7));
    chain.send(alice, token.transfer(dave.address, 50)).succeeds();
    let last = chain.timestamp() + 1_000;
    let expiry = U256::from(last);
    let delegation = |nonce| Delegation { delegatee: bob.into(), nonce, expiry };
    let Signature { v, r, s } = dave.sign(domain(token), &delegation(U256::ZERO));
    let send = || token.delegate_by_sig(bob, 0, expiry, v, r, s);
    let before = chain.snapshot();
    chain.warp(last + 1);
    chain.send(alice, send()).reverts(VoteError::VotesExpiredSignature { expiry });
    chain.restore(&before);
    let changed = DelegateChanged { delegator: dave.address, from_delegate: Address::ZERO, to_delegate: bob.into() };
    chain.send(alice, send()).emits(changed);
    assert_eq!((chain.read(token.get_votes(bob)), chain.read(token.delegates(dave.address))), (number(50), bob.into()));
    // A second time, and after a permit, whose numbers are the same ones.
    let used = |current| InvalidAccountNonce { account: dave.address, current_nonce: number(current) };
    chain.send(alice, send()).reverts(used(1));
    let permit = dave.sign(domain(token), &Message { nonce: U256::ONE, ..message(dave.address, bob) });
    chain.send(bob, token.permit(dave.address, bob, 30, U256::MAX, permit.v, permit.r, permit.s)).succeeds();
    let late = dave.sign(domain(token), &delegation(U256::ONE));
    chain.send(alice, token.delegate_by_sig(bob, 1, expiry, late.v, late.r, late.s)).reverts(used(2));
}

/// A delegation that was not signed is nobody's in particular: somebody else's votes, who has none.
#[esker_sdk::test]
fn a_delegation_of_another_domain_moves_nobody_s_votes(chain: &mut Chain, alice: User, bob: User) {
    let (token, dave) = (token(chain, alice), Signer::new(7));
    chain.send(alice, token.transfer(dave.address, 50)).succeeds();
    let delegation = Delegation { delegatee: bob.into(), nonce: U256::ZERO, expiry: U256::MAX };
    let elsewhere = Eip712Domain::new("Gold", "1", CHAIN_ID + 1, token.address());
    let Signature { v, r, s } = dave.sign(elsewhere, &delegation);
    chain.send(bob, token.delegate_by_sig(bob, 0, U256::MAX, v, r, s)).succeeds();
    assert_eq!(chain.read(token.get_votes(bob)), 0);
    assert_eq!(chain.read(token.delegates(dave.address)), Address::ZERO);
    let twin = dave.sign(domain(token), &delegation).twin();
    let malleable = VoteError::Signature(SignatureError::ECDSAInvalidSignatureS { s: twin.s });
    chain.send(bob, token.delegate_by_sig(bob, 0, U256::MAX, twin.v, twin.r, twin.s)).reverts(malleable);
    chain.send(bob, token.delegate_by_sig(bob, 0, U256::MAX, 99, r, s)).reverts(SignatureError::ECDSAInvalidSignature);
}
