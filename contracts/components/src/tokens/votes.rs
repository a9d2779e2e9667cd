//! Votes that are delegated and remembered (ERC-5805 and ERC-6372): OpenZeppelin's `Votes`, as `ERC20Votes` uses it.

use crate::signatures;
use esker_sdk::prelude::*;

/// Votes. Who has units, tokens mostly, names a delegate, perhaps itself, for whom they count from then on. What somebody
/// had at a past block never changes, so nobody votes twice by passing tokens on.
#[component]
pub mod votes {
    use super::*;

    /// Delegates, and how many votes they have had since when.
    #[storage]
    pub struct Votes {
        delegatees: Map<Address, Address>,
        delegate_checkpoints: Map<Address, Trace>,
        total_checkpoints: Trace,
    }

    /// A number over time.
    #[storage(nested)]
    pub struct Trace {
        checkpoints: List<Checkpoint>,
    }

    /// A number since a block: one slot.
    #[derive(Abi, Stored, Clone, Copy)]
    pub struct Checkpoint {
        /// The block, by the contract's clock.
        pub key: Uint<48>,
        /// The number.
        pub value: Uint<208>,
    }

    /// What somebody signs who names a delegate.
    #[derive(Eip712)]
    pub struct Delegation {
        /// Whom the votes go to.
        pub delegatee: Address,
        /// How many messages the signer used before.
        pub nonce: U256,
        /// Until when, as a block's time in seconds.
        pub expiry: U256,
    }

    /// `delegator`'s votes go to `to_delegate` now.
    #[event]
    pub struct DelegateChanged {
        #[indexed]
        pub delegator: Address,
        #[indexed]
        pub from_delegate: Address,
        #[indexed]
        pub to_delegate: Address,
    }

    /// `delegate` has another number of votes now.
    #[event]
    #[rustfmt::skip]
    pub struct DelegateVotesChanged { #[indexed] pub delegate: Address, pub previous_votes: U256, pub new_votes: U256 }

    /// What can go wrong, besides what is wrong with a signature.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// The block is not past.
        ERC5805FutureLookup { timepoint: U256, clock: Uint<48> },
        /// Whoever changes the clock has to change its description too.
        ERC6372InconsistentClock,
        /// Checkpoints do not hold as much.
        ERC20ExceededSafeSupply { increased_supply: U256, cap: U256 },
        /// The clock went backwards.
        CheckpointUnorderedInsertion,
        /// It was valid until `expiry`.
        VotesExpiredSignature { expiry: U256 },
        /// It is no signature.
        #[from] Signature(signatures::SignatureError),
    }
    use Error::*;
    type Result<T> = core::result::Result<T, Error>;

    /// What the contract has to say.
    impl Votes {
        /// How many units `account` has.
        #[hook]
        fn units(&self, account: Address) -> U256 {
            panic!("the contract has no hook votes.units")
        }

        /// The domain that delegations are signed for.
        #[hook]
        fn domain(&self, cx: &Context) -> Eip712Domain {
            panic!("the contract has no hook votes.domain")
        }

        /// Uses `signer`'s next number, which has to be `nonce`.
        #[hook]
        fn use_nonce(&mut self, signer: Address, nonce: U256) {
            panic!("the contract has no hook votes.use_nonce");
        }

        /// What time it is: the block's number. A contract with another clock overrides `clock_mode` too.
        #[hook]
        fn now(&self, cx: &Context) -> u64 {
            cx.block_number()
        }
    }

    /// What anybody may ask.
    impl Votes {
        /// What time it is, by the clock of what is remembered.
        pub fn clock(&self, cx: &Context) -> Uint<48> {
            key(self.now(cx))
        }

        /// What the clock shows (ERC-6372).
        #[name = "CLOCK_MODE"]
        pub fn clock_mode(&self, cx: &Context) -> Result<&'static str> {
            ensure!(self.now(cx) == cx.block_number(), ERC6372InconsistentClock);
            Ok("mode=blocknumber&from=default")
        }

        /// How many votes `account` has.
        pub fn get_votes(&self, account: Address) -> U256 {
            self.delegate_checkpoints.at(account).latest()
        }

        /// How many votes `account` had at the end of a past block.
        pub fn get_past_votes(&self, cx: &Context, account: Address, timepoint: U256) -> Result<U256> {
            let past = self.past(cx, timepoint)?;
            Ok(self.delegate_checkpoints.at(account).lookup(past))
        }

        /// How many units there were at the end of a past block, delegated or not.
        pub fn get_past_total_supply(&self, cx: &Context, timepoint: U256) -> Result<U256> {
            let past = self.past(cx, timepoint)?;
            Ok(self.total_checkpoints.lookup(past))
        }

        /// Whom `account`'s votes go to; the zero address stands for nobody.
        pub fn delegates(&self, account: Address) -> Address {
            self.delegatees.get(account)
        }

        /// How often `account`'s votes have changed, counting a block once.
        pub fn num_checkpoints(&self, account: Address) -> u32 {
            self.delegate_checkpoints.at(account).checkpoints.len() as u32
        }

        /// One change of `account`'s votes.
        pub fn checkpoints(&self, account: Address, pos: u32) -> Checkpoint {
            self.delegate_checkpoints.at(account).checkpoints.get(pos.into())
        }
    }

    /// What holders do.
    impl Votes {
        /// Gives the caller's votes to `delegatee`.
        pub fn delegate(&mut self, cx: &mut Context, delegatee: Address) -> Result<()> {
            self.set_delegate(cx, cx.sender(), delegatee)
        }

        /// Gives the votes of whoever signed it to `delegatee`.
        pub fn delegate_by_sig(
            &mut self,
            cx: &mut Context,
            delegatee: Address,
            nonce: U256,
            expiry: U256,
            v: u8,
            r: B256,
            s: B256,
        ) -> Result<()> {
            ensure!(U256::from(cx.timestamp()) <= expiry, VotesExpiredSignature { expiry });
            let message = Delegation { delegatee, nonce, expiry };
            let signer = signatures::recover(self.domain(cx), &message, v, r, s)?;
            self.use_nonce(signer, nonce);
            self.set_delegate(cx, signer, delegatee)
        }
    }

    /// What the contract does.
    impl Votes {
        /// Moves votes as `value` units move; the zero address stands for creation and destruction. For after the move.
        ///
        /// # Errors
        /// `ERC20ExceededSafeSupply` if there were more than 2^208 - 1 units.
        #[internal]
        pub fn transfer_units(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> Result<()> {
            let now = self.clock(cx);
            if from.is_zero() {
                self.total_checkpoints.push(now, |supply| supply + value)?;
            }
            if to.is_zero() {
                self.total_checkpoints.push(now, |supply| supply - value)?;
            }
            self.move_votes(cx, self.delegates(from), self.delegates(to), value)
        }

        /// Gives `account`'s votes to `delegatee`, whoever calls.
        ///
        /// # Errors
        /// `CheckpointUnorderedInsertion` by a clock that goes backwards.
        #[internal]
        pub fn set_delegate(&mut self, cx: &mut Context, account: Address, delegatee: Address) -> Result<()> {
            let from_delegate = self.delegatees.at_mut(account).replace(delegatee);
            cx.emit(DelegateChanged { delegator: account, from_delegate, to_delegate: delegatee });
            self.move_votes(cx, from_delegate, delegatee, self.units(account))
        }

        fn move_votes(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> Result<()> {
            if from == to || value == 0 {
                return Ok(());
            }
            let now = self.clock(cx);
            if !from.is_zero() {
                let votes = self.delegate_checkpoints.at_mut(from).push(now, |votes| votes - value)?;
                cx.emit(DelegateVotesChanged { delegate: from, previous_votes: votes.0, new_votes: votes.1 });
            }
            if !to.is_zero() {
                let votes = self.delegate_checkpoints.at_mut(to).push(now, |votes| votes + value)?;
                cx.emit(DelegateVotesChanged { delegate: to, previous_votes: votes.0, new_votes: votes.1 });
            }
            Ok(())
        }

        /// The block asked for, which has to be past: the present one may still change.
        fn past(&self, cx: &Context, timepoint: U256) -> Result<u64> {
            let now = self.now(cx);
            let past = u64::try_from(timepoint).ok().filter(|past| *past < now);
            past.ok_or(ERC5805FutureLookup { timepoint, clock: key(now) })
        }
    }

    impl Trace {
        /// The number now.
        fn latest(&self) -> U256 {
            let length = self.checkpoints.len();
            if length == 0 { U256::ZERO } else { self.value(length - 1) }
        }

        /// The number at the end of block `timepoint`, found by halving.
        fn lookup(&self, timepoint: u64) -> U256 {
            let (mut low, mut high) = (0, self.checkpoints.len());
            while low < high {
                let middle = low + (high - low) / 2;
                if self.checkpoints.at(middle).key.get() > key(timepoint) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            if low == 0 { U256::ZERO } else { self.value(low - 1) }
        }

        fn value(&self, index: u64) -> U256 {
            self.checkpoints.at(index).value.get().get()
        }

        /// Changes the number from `now` on: gives what it was and is.
        fn push(&mut self, now: Uint<48>, change: impl FnOnce(U256) -> U256) -> Result<(U256, U256)> {
            let before = self.latest();
            let after = change(before);
            let cap = Uint::<208>::max_value().get();
            let value = Uint::new(after).ok_or(ERC20ExceededSafeSupply { increased_supply: after, cap })?;
            let length = self.checkpoints.len();
            let last = if length == 0 { None } else { Some(self.checkpoints.at(length - 1).key.get()) };
            if last == Some(now) {
                self.checkpoints.at_mut(length - 1).value.set(value);
            } else {
                ensure!(last.is_none_or(|last| last < now), CheckpointUnorderedInsertion);
                self.checkpoints.push(Checkpoint { key: now, value });
            }
            Ok((before, after))
        }
    }

    /// A time as checkpoints hold it: 48 bits are eight million years of seconds.
    fn key(time: u64) -> Uint<48> {
        Uint::new(U256::from(time)).unwrap_or(Uint::max_value())
    }
}
pub use votes::*;
