//! One who may do what others may not, and who hands that over in two steps: OpenZeppelin's `Ownable2Step`.

use esker_sdk::prelude::*;

/// An owner. The next one has to accept, so that a mistyped address owns nothing.
#[component]
pub mod ownable {
    use super::*;

    /// Who owns the contract, and whom it is offered to; the zero address stands for nobody.
    #[storage]
    pub struct Ownable {
        owner: Cell<Address>,
        pending_owner: Cell<Address>,
    }

    /// `new_owner` may accept.
    #[event]
    #[rustfmt::skip]
    pub struct OwnershipTransferStarted { #[indexed] pub previous_owner: Address, #[indexed] pub new_owner: Address }

    /// `new_owner` owns the contract now.
    #[event]
    #[rustfmt::skip]
    pub struct OwnershipTransferred { #[indexed] pub previous_owner: Address, #[indexed] pub new_owner: Address }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// Only the owner may, or only the one to whom the contract is offered.
        OwnableUnauthorizedAccount { account: Address },
        /// Nobody begins as the owner.
        OwnableInvalidOwner { owner: Address },
    }
    use Error::*;

    impl Ownable {
        /// The owner.
        pub fn owner(&self) -> Address {
            self.owner.get()
        }

        /// Who may accept the contract.
        pub fn pending_owner(&self) -> Address {
            self.pending_owner.get()
        }

        /// Offers the contract to `new_owner`, in place of whom it was offered to before; nobody withdraws the offer.
        #[only(owner)]
        pub fn transfer_ownership(&mut self, cx: &mut Context, new_owner: Address) {
            self.pending_owner.set(new_owner);
            cx.emit(OwnershipTransferStarted { previous_owner: self.owner(), new_owner });
        }

        /// Takes the contract over.
        pub fn accept_ownership(&mut self, cx: &mut Context) -> Result<(), Error> {
            let account = cx.sender();
            ensure!(account == self.pending_owner(), OwnableUnauthorizedAccount { account });
            self.hand_over(cx, account);
            Ok(())
        }

        /// Leaves the contract without an owner, for ever.
        #[only(owner)]
        pub fn renounce_ownership(&mut self, cx: &mut Context) {
            self.hand_over(cx, Address::ZERO);
        }

        /// Names the first owner; for the constructor.
        ///
        /// # Errors
        /// `OwnableInvalidOwner` of the zero address.
        #[internal]
        pub fn init(&mut self, cx: &mut Context, owner: Address) -> Result<(), Error> {
            ensure!(!owner.is_zero(), OwnableInvalidOwner { owner });
            self.hand_over(cx, owner);
            Ok(())
        }

        /// Makes `new_owner` the owner without asking, and drops an offer.
        #[internal]
        pub fn hand_over(&mut self, cx: &mut Context, new_owner: Address) {
            self.pending_owner.clear();
            let previous_owner = self.owner.replace(new_owner);
            cx.emit(OwnershipTransferred { previous_owner, new_owner });
        }

        /// Guards what is the owner's: `#[only(ownable.owner)]`.
        ///
        /// # Errors
        /// `OwnableUnauthorizedAccount`.
        #[internal]
        pub fn only_owner(&self, cx: &Context) -> Result<(), Error> {
            ensure!(cx.sender() == self.owner(), OwnableUnauthorizedAccount { account: cx.sender() });
            Ok(())
        }
    }
}
pub use ownable::*;
