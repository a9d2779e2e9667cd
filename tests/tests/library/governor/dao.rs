//! An organisation for tests: a token that votes, a timelock, a governor, and what it governs.

use esker_components::{
    access::roles::DEFAULT_ADMIN_ROLE,
    tokens::votes::{Error as VotesError, Votes},
};
use esker_governor::{Error, Governor, GovernorHandle, ProposalState, ballot::Ballot};
use esker_sdk::{Eip712Domain, MethodCall, Payable, Write, abi::One, prelude::*};
use esker_sdk_test::{Chain, User};
use esker_timelock::{CANCELLER_ROLE, PROPOSER_ROLE, Timelock, TimelockHandle};
use secp256k1::{Message, SECP256K1, SecretKey};

/// Blocks between a proposal and the vote on it.
pub const DELAY: u64 = 5;
/// Blocks that voting lasts.
pub const PERIOD: u64 = 20;
/// Votes that it takes to propose.
pub const THRESHOLD: u64 = 10;
/// Seconds that decisions wait.
pub const WAITS: u64 = 1_000;

/// Units that vote, and that anybody lends for a transaction.
#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {
        #[flatten]
        #[expose]
        votes: Votes,
        balances: Map<Address, U256>,
    }

    impl Token {
        pub fn mint(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<(), VotesError> {
            self.balances.at_mut(to).add(value);
            self.votes.transfer_units(cx, Address::ZERO, to, value)
        }

        pub fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<(), VotesError> {
            let from = cx.sender();
            self.balances.at_mut(from).sub(value);
            self.balances.at_mut(to).add(value);
            self.votes.transfer_units(cx, from, to, value)
        }

        #[hook(votes.units)]
        fn units(&self, account: Address) -> U256 {
            self.balances.get(account)
        }
    }
}
pub use token::*;

/// What the organisation governs: a number.
#[contract]
pub mod store {
    use super::*;

    #[storage]
    pub struct Store {
        value: Cell<u64>,
    }

    impl Store {
        #[payable]
        pub fn set(&mut self, value: u64) {
            self.value.set(value);
        }

        pub fn value(&self) -> u64 {
            self.value.get()
        }
    }
}
pub use store::*;

/// Has a fortune in votes, for the length of a transaction.
#[contract]
pub mod borrower {
    use super::*;

    #[storage]
    pub struct Borrower {
        token: Cell<Address>,
        governor: Cell<Address>,
    }

    impl Borrower {
        #[constructor]
        pub fn new(&mut self, token: Address, governor: Address) {
            self.token.set(token);
            self.governor.set(governor);
        }

        pub fn propose(&mut self, cx: &mut Context, target: Address) -> U256 {
            self.borrow(cx);
            let governor = GovernorHandle::at(self.governor.get());
            governor.propose([target], [U256::ZERO], [Bytes(Vec::new())], "everything to me").call(cx)
        }

        pub fn vote(&mut self, cx: &mut Context, proposal_id: U256) -> U256 {
            self.borrow(cx);
            GovernorHandle::at(self.governor.get()).cast_vote(proposal_id, 1).call(cx)
        }

        fn borrow(&mut self, cx: &mut Context) {
            let token = TokenHandle::at(self.token.get());
            token.mint(cx.address(), 1_000_000).call(cx);
            token.delegate(cx.address()).call(cx);
        }
    }
}
pub use borrower::*;

/// Calls the governor while that has it called.
#[contract]
pub mod intruder {
    use super::*;

    #[storage]
    pub struct Intruder {
        governor: Cell<Address>,
    }

    impl Intruder {
        #[constructor]
        pub fn new(&mut self, governor: Address) {
            self.governor.set(governor);
        }

        pub fn enter(&mut self, cx: &mut Context, way: u8) {
            let governor = GovernorHandle::at(self.governor.get());
            match way {
                0 => drop(governor.cast_vote(1, 1).call(cx)),
                1 => drop(governor.propose([], [], [], "").call(cx)),
                2 => drop(governor.execute(&[], &[], &[], B256::ZERO).call(cx)),
                _ => governor.set_proposal_threshold(0).call(cx),
            }
        }
    }
}
pub use intruder::*;

/// What is proposed.
#[derive(Clone)]
pub struct Proposal {
    pub targets: Vec<Address>,
    pub values: Vec<U256>,
    pub calldatas: Vec<Bytes>,
    pub description: String,
}

impl Proposal {
    fn description_hash(&self) -> B256 {
        crypto::keccak256(self.description.as_bytes())
    }

    pub fn id(&self) -> U256 {
        Governor::hash_proposal(&self.targets, &self.values, &self.calldatas, self.description_hash())
    }

    /// The salt of its operation in the timelock.
    pub fn salt(&self, governor: Address) -> B256 {
        let mut salt = self.description_hash();
        salt.0.iter_mut().zip(governor.0).for_each(|(byte, of_address)| *byte ^= of_address);
        salt
    }

    /// Its operation in the timelock.
    pub fn operation(&self, governor: Address) -> B256 {
        let salt = self.salt(governor);
        Timelock::hash_operation_batch(&self.targets, &self.values, &self.calldatas, B256::ZERO, salt)
    }

    pub fn unexpected(&self, current: ProposalState, bits: u8) -> Error {
        let expected_states = FixedBytes(U256::from(bits).to_be_bytes());
        Error::GovernorUnexpectedProposalState { proposal_id: self.id(), current, expected_states }
    }
}

/// The organisation.
#[derive(Clone, Copy)]
pub struct Dao {
    pub token: TokenHandle,
    pub timelock: TimelockHandle,
    pub governor: GovernorHandle,
    pub store: StoreHandle,
}

type Id = One<U256>;

impl Dao {
    /// Three members with 50, 30 and 20 votes; a quarter of all is a quorum. The timelock belongs to itself.
    pub fn new(chain: &mut Chain, members: &[User; 3]) -> Self {
        let admin = members[0];
        let token = chain.deploy(admin, TokenHandle::constructor());
        for (member, votes) in members.iter().zip([50, 30, 20]) {
            chain.send(*member, token.mint(*member, votes)).succeeds();
            chain.send(*member, token.delegate(*member)).succeeds();
        }
        let constructor = TimelockHandle::constructor(WAITS as u128, &[], &[Address::ZERO], admin);
        let timelock = chain.deploy(admin, constructor);
        let constructor = GovernorHandle::constructor(
            "DAO",
            token.address(),
            timelock.address(),
            Uint::try_from(U256::from(DELAY)).expect("it fits"),
            PERIOD as u32,
            u128::from(THRESHOLD),
            25,
        );
        let governor = chain.deploy(admin, constructor);
        for role in [PROPOSER_ROLE, CANCELLER_ROLE] {
            chain.send(admin, timelock.grant_role(role, governor.address())).succeeds();
        }
        chain.send(admin, timelock.renounce_role(DEFAULT_ADMIN_ROLE, admin)).succeeds();
        let store = chain.deploy(admin, StoreHandle::constructor());
        Self { token, timelock, governor, store }
    }

    /// That one call is made.
    pub fn calling(&self, target: Address, data: &[u8], description: &str) -> Proposal {
        let calldatas = vec![Bytes(data.to_vec())];
        Proposal { targets: vec![target], values: vec![U256::ZERO], calldatas, description: description.into() }
    }

    /// That the store's value is set.
    pub fn setting(&self, value: u64, description: &str) -> Proposal {
        self.calling(self.store.address(), self.store.set(value).input(), description)
    }

    pub fn propose(&self, proposal: &Proposal) -> MethodCall<Write, Id> {
        let Proposal { targets, values, calldatas, description } = proposal;
        self.governor.propose(targets.as_slice(), values.as_slice(), calldatas.as_slice(), description)
    }

    pub fn queue(&self, proposal: &Proposal) -> MethodCall<Write, Id> {
        let Proposal { targets, values, calldatas, .. } = proposal;
        self.governor.queue(targets, values, calldatas, proposal.description_hash())
    }

    pub fn execute(&self, proposal: &Proposal) -> MethodCall<Payable, Id> {
        let Proposal { targets, values, calldatas, .. } = proposal;
        self.governor.execute(targets, values, calldatas, proposal.description_hash())
    }

    pub fn cancel(&self, proposal: &Proposal) -> MethodCall<Write, Id> {
        let Proposal { targets, values, calldatas, .. } = proposal;
        self.governor.cancel(targets, values, calldatas, proposal.description_hash())
    }

    pub fn state(&self, chain: &mut Chain, id: U256) -> ProposalState {
        chain.read(self.governor.state(id))
    }

    /// Lets blocks pass until voting begins.
    pub fn open(&self, chain: &mut Chain, id: U256) {
        let snapshot = chain.read(self.governor.proposal_snapshot(id));
        pass_until(chain, snapshot + 1);
    }

    /// Lets blocks pass until voting is over.
    pub fn close(&self, chain: &mut Chain, id: U256) {
        let deadline = chain.read(self.governor.proposal_deadline(id));
        pass_until(chain, deadline + 1);
    }

    /// Everything up to where the proposal can be carried out; `by` has votes enough alone.
    pub fn accept(&self, chain: &mut Chain, by: User, proposal: &Proposal) {
        chain.send(by, self.propose(proposal)).succeeds();
        self.open(chain, proposal.id());
        chain.send(by, self.governor.cast_vote(proposal.id(), 1)).succeeds();
        self.close(chain, proposal.id());
        chain.send(by, self.queue(proposal)).succeeds();
        chain.pass(WAITS);
    }
}

fn pass_until(chain: &mut Chain, block: U256) {
    let block = block.to_u64().expect("a block's number");
    chain.pass_blocks(block.saturating_sub(chain.height()));
}

/// A number of votes, blocks or wei.
pub fn number(value: u64) -> U256 {
    U256::from(value)
}

/// Somebody with a key of its own.
pub struct Signer {
    secret: SecretKey,
    pub address: Address,
}

impl Signer {
    pub fn new(seed: u8) -> Self {
        let secret = SecretKey::from_byte_array([seed; 32]).expect("a key");
        let key = secret.public_key(SECP256K1).serialize_uncompressed();
        let hash = crypto::keccak256(&key[1..]).0;
        Self { secret, address: Address(core::array::from_fn(|index| hash[12 + index])) }
    }

    /// Its signature of a vote.
    pub fn votes(&self, governor: Address, proposal_id: U256, support: u8, nonce: u64) -> Vec<u8> {
        let domain = Eip712Domain::new("DAO", "1", esker_sdk_test::CHAIN_ID, governor);
        let ballot = Ballot { proposal_id, support, voter: self.address, nonce: U256::from(nonce) };
        let digest = Message::from_digest(domain.digest(&ballot).0);
        let (id, compact) = SECP256K1.sign_ecdsa_recoverable(digest, &self.secret).serialize_compact();
        let mut signature = compact.to_vec();
        signature.push(27 + i32::from(id) as u8);
        signature
    }
}

/// The other signature that the same key could have made: `s` negated, the other `v`.
pub fn twin(signature: &[u8]) -> Vec<u8> {
    let order = u256!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141);
    let s = U256::from_be_bytes(signature[32..64].try_into().expect("32 bytes"));
    let mut twin = signature.to_vec();
    twin[32..64].copy_from_slice(&(order - s).to_be_bytes());
    twin[64] = 55 - signature[64];
    twin
}
