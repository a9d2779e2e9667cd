//! Several owners and one purse: a call is made when enough of them have confirmed it. After Gnosis's `MultiSigWallet`, with
//! its names.
//!
//! Unlike there, a call that fails is undone and may be tried again, and whenever owners change all confirmations are void:
//! who confirms knows with whom.
#![no_std]
use esker_sdk::prelude::*;

/// Transactions of several owners.
#[contract]
pub mod multisig {
    use super::*;

    /// Most owners that there may be.
    const MOST_OWNERS: u64 = 50;

    /// A call that an owner wants made.
    #[derive(Abi, Stored)]
    pub struct Transaction {
        /// Whom.
        pub destination: Address,
        /// Whether it was made.
        pub executed: bool,
        /// With how many wei.
        pub value: U256,
        /// With what.
        pub data: Bytes,
    }

    /// Owners, and what they want.
    #[storage]
    pub struct Multisig {
        transactions: List<Transaction>,
        owners: List<Address>,
        is_owner: Map<Address, bool>,
        required: Cell<u64>,
        /// How often owners changed: confirmations of another term are void.
        term: Cell<u64>,
        confirmed: Map<(u64, u64, Address), bool>,
        confirmations: Map<(u64, u64), u64>,
    }

    /// `sender` wants the transaction made.
    #[event]
    #[rustfmt::skip]
    pub struct Confirmation { #[indexed] pub sender: Address, #[indexed] pub transaction_id: u64 }

    /// `sender` does not want it any more.
    #[event]
    #[rustfmt::skip]
    pub struct Revocation { #[indexed] pub sender: Address, #[indexed] pub transaction_id: u64 }

    /// There is a new transaction.
    #[event]
    #[rustfmt::skip]
    pub struct Submission { #[indexed] pub transaction_id: u64 }

    /// The transaction was made.
    #[event]
    #[rustfmt::skip]
    pub struct Execution { #[indexed] pub transaction_id: u64 }

    /// `value` wei came.
    #[event]
    #[rustfmt::skip]
    pub struct Deposit { #[indexed] pub sender: Address, pub value: U256 }

    /// `owner` is one now.
    #[event]
    #[rustfmt::skip]
    pub struct OwnerAddition { #[indexed] pub owner: Address }

    /// `owner` is none any more.
    #[event]
    #[rustfmt::skip]
    pub struct OwnerRemoval { #[indexed] pub owner: Address }

    /// Transactions need `required` confirmations now.
    #[event]
    #[rustfmt::skip]
    pub struct RequirementChange { pub required: u64 }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// Only an owner may.
        NotOwner { account: Address },
        /// Only the owners together may: the contract calls itself.
        NotSelf { caller: Address },
        /// There is no such transaction.
        NoTransaction { transaction_id: u64 },
        /// It was made.
        AlreadyExecuted { transaction_id: u64 },
        /// The caller confirmed it.
        AlreadyConfirmed { transaction_id: u64 },
        /// The caller did not confirm it, or owners changed since.
        NotConfirmed { transaction_id: u64 },
        /// More have to confirm it.
        TooFewConfirmations { confirmations: u64, required: u64 },
        /// No owner is the zero address, the contract itself, or there twice.
        InvalidOwner { owner: Address },
        /// At least one of the owners is required, and at most all of 50.
        InvalidRequirement { owners: u64, required: u64 },
        /// The call failed without saying why.
        FailedCall,
    }
    use Error::*;

    impl Multisig {
        /// Transactions need `required` of the `owners`.
        #[constructor]
        #[payable]
        pub fn new(&mut self, cx: &mut Context, owners: &[Address], required: u64) -> Result<(), Error> {
            for owner in owners {
                self.add(cx, *owner)?;
            }
            self.require(cx, required)
        }

        /// Takes coins.
        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            cx.emit(Deposit { sender: cx.sender(), value: cx.value() });
        }
    }

    /// What anybody may ask.
    #[rustfmt::skip]
    impl Multisig {
        /// All owners.
        pub fn get_owners(&self) -> Vec<Address> { self.owners.to_vec() }
        /// Whether `account` is an owner.
        pub fn is_owner(&self, account: Address) -> bool { self.is_owner.get(account) }
        /// How many confirmations a transaction needs.
        pub fn required(&self) -> u64 { self.required.get() }
        /// How many transactions there are; their ids begin with 0.
        pub fn transaction_count(&self) -> u64 { self.transactions.len() }
        /// Whether enough owners have confirmed a transaction.
        pub fn is_confirmed(&self, transaction_id: u64) -> bool {
            self.get_confirmation_count(transaction_id) >= self.required()
        }
        /// How many owners have confirmed a transaction.
        pub fn get_confirmation_count(&self, transaction_id: u64) -> u64 {
            self.confirmations.get((transaction_id, self.term.get()))
        }
        /// Whether `owner` has confirmed a transaction.
        pub fn confirmations(&self, transaction_id: u64, owner: Address) -> bool {
            self.confirmed.get((transaction_id, self.term.get(), owner))
        }
    }

    /// What owners do.
    impl Multisig {
        /// A transaction as it stands.
        pub fn transactions(&self, transaction_id: u64) -> Result<Transaction, Error> {
            ensure!(transaction_id < self.transactions.len(), NoTransaction { transaction_id });
            Ok(self.transactions.get(transaction_id))
        }

        /// Wants `destination` called with `value` wei and `data`, and confirms it. Gives the transaction's id.
        #[returns(transactionId)]
        #[only(owner)]
        pub fn submit_transaction(
            &mut self,
            cx: &mut Context,
            destination: Address,
            value: U256,
            data: Bytes,
        ) -> Result<u64, Error> {
            let transaction_id = self.transactions.len();
            self.transactions.push(Transaction { destination, executed: false, value, data });
            cx.emit(Submission { transaction_id });
            self.confirm_transaction(cx, transaction_id)?;
            Ok(transaction_id)
        }

        /// Confirms a transaction.
        #[only(owner)]
        pub fn confirm_transaction(&mut self, cx: &mut Context, transaction_id: u64) -> Result<(), Error> {
            self.check_pending(transaction_id)?;
            let (sender, term) = (cx.sender(), self.term.get());
            let was_confirmed = self.confirmed.at_mut((transaction_id, term, sender)).replace(true);
            ensure!(!was_confirmed, AlreadyConfirmed { transaction_id });
            self.confirmations.at_mut((transaction_id, term)).add(1);
            cx.emit(Confirmation { sender, transaction_id });
            Ok(())
        }

        /// Takes a confirmation back.
        #[only(owner)]
        pub fn revoke_confirmation(&mut self, cx: &mut Context, transaction_id: u64) -> Result<(), Error> {
            self.check_pending(transaction_id)?;
            let (sender, term) = (cx.sender(), self.term.get());
            let was_confirmed = self.confirmed.at_mut((transaction_id, term, sender)).replace(false);
            ensure!(was_confirmed, NotConfirmed { transaction_id });
            self.confirmations.at_mut((transaction_id, term)).sub(1);
            cx.emit(Revocation { sender, transaction_id });
            Ok(())
        }

        /// Makes a transaction that enough owners have confirmed.
        #[only(owner)]
        pub fn execute_transaction(&mut self, cx: &mut Context, transaction_id: u64) -> Result<(), Error> {
            self.check_pending(transaction_id)?;
            let (confirmations, required) = (self.get_confirmation_count(transaction_id), self.required());
            ensure!(confirmations >= required, TooFewConfirmations { confirmations, required });
            self.transactions.at_mut(transaction_id).executed.set(true);
            let Transaction { destination, value, data, .. } = self.transactions.get(transaction_id);
            match cx.call(destination, value, u64::MAX, &data) {
                Err(CallError::Revert(why)) if why.is_empty() => return Err(FailedCall),
                Err(CallError::Halt | CallError::BadOutput) => return Err(FailedCall),
                Err(error) => error.raise(),
                Ok(_) => {}
            }
            cx.emit(Execution { transaction_id });
            Ok(())
        }
    }

    /// What the owners do together: by a transaction that calls the contract itself.
    impl Multisig {
        /// Adds an owner.
        #[only(self_called)]
        pub fn add_owner(&mut self, cx: &mut Context, owner: Address) -> Result<(), Error> {
            self.begin_term();
            self.add(cx, owner)
        }

        /// Removes an owner. If fewer are left than are required, all that are left are required.
        #[only(self_called)]
        pub fn remove_owner(&mut self, cx: &mut Context, owner: Address) -> Result<(), Error> {
            self.begin_term();
            self.remove(cx, owner)?;
            let owners = self.owners.len();
            if self.required() > owners { self.require(cx, owners) } else { Ok(()) }
        }

        /// Puts one owner in another's place.
        #[only(self_called)]
        pub fn replace_owner(&mut self, cx: &mut Context, owner: Address, new_owner: Address) -> Result<(), Error> {
            self.begin_term();
            self.remove(cx, owner)?;
            self.add(cx, new_owner)
        }

        /// Changes how many confirmations a transaction needs.
        #[only(self_called)]
        pub fn change_requirement(&mut self, cx: &mut Context, required: u64) -> Result<(), Error> {
            self.begin_term();
            self.require(cx, required)
        }
    }

    impl Multisig {
        fn only_owner(&self, cx: &Context) -> Result<(), Error> {
            ensure!(self.is_owner(cx.sender()), NotOwner { account: cx.sender() });
            Ok(())
        }

        fn only_self_called(&self, cx: &Context) -> Result<(), Error> {
            ensure!(cx.sender() == cx.address(), NotSelf { caller: cx.sender() });
            Ok(())
        }

        fn check_pending(&self, transaction_id: u64) -> Result<(), Error> {
            ensure!(transaction_id < self.transactions.len(), NoTransaction { transaction_id });
            ensure!(!self.transactions.at(transaction_id).executed.get(), AlreadyExecuted { transaction_id });
            Ok(())
        }

        fn add(&mut self, cx: &mut Context, owner: Address) -> Result<(), Error> {
            let is_new = !self.is_owner.at_mut(owner).replace(true);
            ensure!(is_new && !owner.is_zero() && owner != cx.address(), InvalidOwner { owner });
            self.owners.push(owner);
            cx.emit(OwnerAddition { owner });
            self.check_requirement(self.required())
        }

        fn remove(&mut self, cx: &mut Context, owner: Address) -> Result<(), Error> {
            let place = self.owners.iter().position(|other| other == owner).ok_or(NotOwner { account: owner })?;
            self.owners.swap_remove(place as u64);
            self.is_owner.set(owner, false);
            cx.emit(OwnerRemoval { owner });
            Ok(())
        }

        fn require(&mut self, cx: &mut Context, required: u64) -> Result<(), Error> {
            ensure!(required > 0, InvalidRequirement { owners: self.owners.len(), required });
            self.check_requirement(required)?;
            self.required.set(required);
            cx.emit(RequirementChange { required });
            Ok(())
        }

        fn check_requirement(&self, required: u64) -> Result<(), Error> {
            let owners = self.owners.len();
            ensure!(required <= owners && owners <= MOST_OWNERS, InvalidRequirement { owners, required });
            Ok(())
        }

        fn begin_term(&mut self) {
            self.term.add(1);
        }
    }
}
pub use multisig::*;
