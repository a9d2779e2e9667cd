//! Gives tokens to many for one hash: who is in a Merkle tree takes what it says, once.
//!
//! The tree is that of OpenZeppelin's `StandardMerkleTree` with leaves `(uint256 index, address account, uint256 amount)`:
//! pairs are sorted before they are hashed, and leaves are hashed twice, so that no inner node passes for a leaf.
#![no_std]
use esker_sdk::{abi, prelude::*};

/// The token that is given away.
#[interface]
pub trait IToken {
    /// Moves tokens of the caller's.
    fn transfer(&mut self, to: Address, value: U256) -> bool;
    /// How many tokens `account` has.
    fn balance_of(&self, account: Address) -> U256;
}

/// An airdrop.
#[contract]
pub mod airdrop {
    use super::*;

    /// What is given to whom, as a hash, and who has it.
    #[storage]
    pub struct Airdrop {
        token: Cell<Address>,
        deadline: Cell<u64>,
        owner: Cell<Address>,
        root: Cell<B256>,
        /// A bit for each index, 256 to a slot.
        claimed: Map<U256, U256>,
    }

    /// `account` has what was its.
    #[event]
    #[rustfmt::skip]
    pub struct Claimed { #[indexed] pub index: U256, #[indexed] pub account: Address, pub amount: U256 }

    /// What nobody took went back.
    #[event]
    #[rustfmt::skip]
    pub struct Swept { #[indexed] pub to: Address, pub amount: U256 }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// A deadline lies ahead.
        InvalidDeadline { deadline: u64 },
        /// The deadline has passed.
        Ended { deadline: u64 },
        /// The deadline has not passed.
        NotEnded { deadline: u64 },
        /// Who has that index has its tokens.
        AlreadyClaimed { index: U256 },
        /// The tree does not say so.
        InvalidProof,
        /// Only the owner may.
        NotOwner { caller: Address },
    }
    use Error::*;

    impl Airdrop {
        /// Gives tokens that are sent here to those in the tree with this root, before `deadline`, in seconds. The deployer
        /// gets back what is left.
        #[constructor]
        pub fn new(&mut self, cx: &Context, token: Address, root: B256, deadline: u64) -> Result<(), Error> {
            ensure!(deadline > cx.timestamp(), InvalidDeadline { deadline });
            self.token.set(token);
            self.root.set(root);
            self.deadline.set(deadline);
            self.owner.set(cx.sender());
            Ok(())
        }

        /// The token.
        pub fn token(&self) -> Address {
            self.token.get()
        }

        /// The tree's root.
        pub fn merkle_root(&self) -> B256 {
            self.root.get()
        }

        /// From then on nothing is given any more, in seconds.
        pub fn deadline(&self) -> u64 {
            self.deadline.get()
        }

        /// Who gets back what is left.
        pub fn owner(&self) -> Address {
            self.owner.get()
        }

        /// Whether an index's tokens were given.
        pub fn is_claimed(&self, index: U256) -> bool {
            let (word, bit) = place(index);
            self.claimed.get(word) & bit != 0
        }

        /// Gives `account` the `amount` that the tree has for it at `index`. Anybody may send it: it goes to nobody else.
        pub fn claim(
            &mut self,
            cx: &mut Context,
            index: U256,
            account: Address,
            amount: U256,
            merkle_proof: &[B256],
        ) -> Result<(), Error> {
            let deadline = self.deadline.get();
            ensure!(cx.timestamp() < deadline, Ended { deadline });
            ensure!(!self.is_claimed(index), AlreadyClaimed { index });
            let leaf = leaf(index, account, amount);
            let root = merkle_proof.iter().fold(leaf, |node, sibling| hash_pair(node, *sibling));
            ensure!(root == self.root.get(), InvalidProof);
            let (word, bit) = place(index);
            self.claimed.at_mut(word).update(|bits| bits | bit);
            cx.emit(Claimed { index, account, amount });
            ITokenHandle::at(self.token.get()).transfer(account, amount).call_optional(cx);
            Ok(())
        }

        /// Gives the owner all that is left, after the deadline. Gives how much that is.
        #[returns(amount)]
        pub fn sweep(&mut self, cx: &mut Context) -> Result<U256, Error> {
            let (owner, deadline) = (self.owner.get(), self.deadline.get());
            ensure!(cx.sender() == owner, NotOwner { caller: cx.sender() });
            ensure!(cx.timestamp() >= deadline, NotEnded { deadline });
            let token = ITokenHandle::at(self.token.get());
            let amount = token.balance_of(cx.address()).call(cx);
            cx.emit(Swept { to: owner, amount });
            token.transfer(owner, amount).call_optional(cx);
            Ok(amount)
        }
    }

    /// The word of an index's bit, and the bit.
    fn place(index: U256) -> (U256, U256) {
        (index >> 8, U256::ONE << u32::from(index.to_be_bytes()[31]))
    }
}
pub use airdrop::*;

/// A leaf of the tree: hashed twice, since a leaf's 96 bytes and a pair's 64 might be told apart by their length alone.
#[must_use]
pub fn leaf(index: U256, account: Address, amount: U256) -> B256 {
    crypto::keccak256(&crypto::keccak256(&abi::encode_params(&(index, account, amount))).0)
}

/// The node above two others, in whatever order.
#[must_use]
pub fn hash_pair(a: B256, b: B256) -> B256 {
    let (low, high) = if a.0 <= b.0 { (a, b) } else { (b, a) };
    let mut pair = [0; 64];
    for (to, from) in pair.iter_mut().zip(low.0.iter().chain(&high.0)) {
        *to = *from;
    }
    crypto::keccak256(&pair)
}
