//! Tokens of which each is one of a kind (ERC-721 with its metadata): OpenZeppelin's `ERC721`, with the errors of
//! ERC-6093.

use esker_sdk::prelude::*;

/// What ERC-721 asks of a collection.
#[interface]
pub trait IErc721 {
    /// What calls are refused with.
    type Error: ContractError;
    /// How many tokens `owner` has.
    fn balance_of(&self, owner: Address) -> Result<U256, Self::Error>;
    /// Who has the token.
    fn owner_of(&self, token_id: U256) -> Result<Address, Self::Error>;
    /// Moves the token; a contract that gets it must accept it.
    fn safe_transfer_from(
        &mut self,
        cx: &mut Context,
        from: Address,
        to: Address,
        token_id: U256,
    ) -> Result<(), Self::Error>;
    /// Moves the token with a message; a contract that gets it must accept it.
    #[name = "safeTransferFrom"]
    fn safe_transfer_from_with_data(
        &mut self,
        cx: &mut Context,
        from: Address,
        to: Address,
        token_id: U256,
        data: &[u8],
    ) -> Result<(), Self::Error>;
    /// Moves the token, also to a contract that does not know what to do with it.
    fn transfer_from(
        &mut self,
        cx: &mut Context,
        from: Address,
        to: Address,
        token_id: U256,
    ) -> Result<(), Self::Error>;
    /// Lets `to` move the token.
    fn approve(&mut self, cx: &mut Context, to: Address, token_id: U256) -> Result<(), Self::Error>;
    /// Lets `operator` move all of the caller's tokens, or no longer.
    fn set_approval_for_all(&mut self, cx: &mut Context, operator: Address, approved: bool) -> Result<(), Self::Error>;
    /// Who may move the token besides its owner and the owner's operators.
    fn get_approved(&self, token_id: U256) -> Result<Address, Self::Error>;
    /// Whether `operator` may move all of `owner`'s tokens.
    fn is_approved_for_all(&self, owner: Address, operator: Address) -> bool;
}

/// What a collection and its tokens are called: ERC-721's extension for metadata.
#[interface]
pub trait IErc721Metadata {
    /// What calls are refused with.
    type Error: ContractError;
    /// The collection's name.
    fn name(&self) -> String;
    /// The collection's symbol.
    fn symbol(&self) -> String;
    /// Where a token is described.
    #[name = "tokenURI"]
    fn token_uri(&self, token_id: U256) -> Result<String, Self::Error>;
}

/// What a contract must answer before a safe transfer gives it a token.
#[interface]
pub trait IErc721Receiver {
    /// Accepts a token by returning this function's selector.
    #[name = "onERC721Received"]
    fn on_received(&mut self, operator: Address, from: Address, token_id: U256, data: &[u8]) -> FixedBytes<4>;
}

/// A collection. A contract that gets a token may pass it on while it is asked whether it accepts: what is kept changes
/// first.
#[component]
pub mod erc721 {
    use super::*;

    /// The selector of `onERC721Received`, which is also what it returns.
    const RECEIVED: FixedBytes<4> = IErc721ReceiverHandle::INTERFACE_ID;

    /// The collection's state.
    #[storage]
    pub struct Erc721 {
        name: Text,
        symbol: Text,
        owners: Map<U256, Address>,
        balances: Map<Address, U256>,
        token_approvals: Map<U256, Address>,
        operator_approvals: Map<(Address, Address), bool>,
    }

    /// A token changed hands; the zero address stands for creation and destruction.
    #[event]
    #[rustfmt::skip]
    pub struct Transfer { #[indexed] pub from: Address, #[indexed] pub to: Address, #[indexed] pub token_id: U256 }

    /// `approved` may from now on move the token.
    #[event]
    #[rustfmt::skip]
    pub struct Approval { #[indexed] pub owner: Address, #[indexed] pub approved: Address, #[indexed] pub token_id: U256 }

    /// `operator` may from now on move all of `owner`'s tokens, or no longer.
    #[event]
    #[rustfmt::skip]
    pub struct ApprovalForAll { #[indexed] pub owner: Address, #[indexed] pub operator: Address, pub approved: bool }

    /// What can go wrong (ERC-6093).
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// Nobody owns from there.
        ERC721InvalidOwner { owner: Address },
        /// There is no such token.
        ERC721NonexistentToken { token_id: U256 },
        /// The token is another's.
        ERC721IncorrectOwner { sender: Address, token_id: U256, owner: Address },
        /// There is such a token already.
        ERC721InvalidSender { sender: Address },
        /// Nobody receives there, or who does has not accepted.
        ERC721InvalidReceiver { receiver: Address },
        /// `operator` may not move the token.
        ERC721InsufficientApproval { operator: Address, token_id: U256 },
        /// Who approves neither has the token nor moves all of its owner's.
        ERC721InvalidApprover { approver: Address },
        /// Nobody is approved there.
        ERC721InvalidOperator { operator: Address },
    }
    use Error::*;
    type Result<T> = core::result::Result<T, Error>;

    impl IErc721Metadata for Erc721 {
        type Error = Error;

        fn name(&self) -> String {
            self.name.get()
        }

        fn symbol(&self) -> String {
            self.symbol.get()
        }

        fn token_uri(&self, token_id: U256) -> Result<String> {
            self.owner_of(token_id)?;
            Ok(String::new())
        }
    }

    impl IErc721 for Erc721 {
        type Error = Error;

        fn balance_of(&self, owner: Address) -> Result<U256> {
            ensure!(!owner.is_zero(), ERC721InvalidOwner { owner });
            Ok(self.balances.get(owner))
        }

        fn owner_of(&self, token_id: U256) -> Result<Address> {
            let owner = self.owners.get(token_id);
            ensure!(!owner.is_zero(), ERC721NonexistentToken { token_id });
            Ok(owner)
        }

        #[reentrant]
        fn safe_transfer_from(&mut self, cx: &mut Context, from: Address, to: Address, token_id: U256) -> Result<()> {
            self.safe_transfer_from_with_data(cx, from, to, token_id, &[])
        }

        #[reentrant]
        fn safe_transfer_from_with_data(
            &mut self,
            cx: &mut Context,
            from: Address,
            to: Address,
            token_id: U256,
            data: &[u8],
        ) -> Result<()> {
            self.transfer_from(cx, from, to, token_id)?;
            check_accepted(cx, from, to, token_id, data)
        }

        #[reentrant]
        fn transfer_from(&mut self, cx: &mut Context, from: Address, to: Address, token_id: U256) -> Result<()> {
            ensure!(!to.is_zero(), ERC721InvalidReceiver { receiver: to });
            let owner = self.update(cx, to, token_id, cx.sender())?;
            ensure!(owner == from, ERC721IncorrectOwner { sender: from, token_id, owner });
            Ok(())
        }

        #[reentrant]
        fn approve(&mut self, cx: &mut Context, to: Address, token_id: U256) -> Result<()> {
            let (owner, approver) = (self.owner_of(token_id)?, cx.sender());
            let may = approver.is_zero() || approver == owner || self.is_approved_for_all(owner, approver);
            ensure!(may, ERC721InvalidApprover { approver });
            cx.emit(Approval { owner, approved: to, token_id });
            self.token_approvals.set(token_id, to);
            Ok(())
        }

        #[reentrant]
        fn set_approval_for_all(&mut self, cx: &mut Context, operator: Address, approved: bool) -> Result<()> {
            ensure!(!operator.is_zero(), ERC721InvalidOperator { operator });
            let owner = cx.sender();
            self.operator_approvals.set((owner, operator), approved);
            cx.emit(ApprovalForAll { owner, operator, approved });
            Ok(())
        }

        fn get_approved(&self, token_id: U256) -> Result<Address> {
            self.owner_of(token_id)?;
            Ok(self.token_approvals.get(token_id))
        }

        fn is_approved_for_all(&self, owner: Address, operator: Address) -> bool {
            self.operator_approvals.get((owner, operator))
        }
    }

    /// What the contract does.
    impl Erc721 {
        /// Called after a token changed hands, before a receiver is asked; the zero address stands for creation and
        /// destruction.
        #[hook]
        fn after_update(&mut self, cx: &mut Context, from: Address, to: Address, token_id: U256) {}

        /// Names the collection; for the constructor.
        #[internal]
        pub fn init(&mut self, name: &str, symbol: &str) {
            self.name.set(name);
            self.symbol.set(symbol);
        }

        /// Creates a token for `to`; a contract must accept it.
        ///
        /// # Errors
        /// `ERC721InvalidReceiver` of the zero address and of a contract that does not accept, and
        /// `ERC721InvalidSender` if there is such a token.
        #[internal]
        pub fn safe_mint(&mut self, cx: &mut Context, to: Address, token_id: U256, data: &[u8]) -> Result<()> {
            ensure!(!to.is_zero(), ERC721InvalidReceiver { receiver: to });
            let before = self.update(cx, to, token_id, Address::ZERO)?;
            ensure!(before.is_zero(), ERC721InvalidSender { sender: Address::ZERO });
            check_accepted(cx, Address::ZERO, to, token_id, data)
        }

        /// Destroys a token that the caller may move.
        ///
        /// # Errors
        /// `ERC721NonexistentToken` and `ERC721InsufficientApproval`.
        #[internal]
        pub fn burn(&mut self, cx: &mut Context, token_id: U256) -> Result<()> {
            self.update(cx, Address::ZERO, token_id, cx.sender()).map(drop)
        }

        /// Gives the token to `to` and returns who had it before. Asks whether `operator` may, unless that is the zero
        /// address, as OpenZeppelin does: nobody can send a transaction from there.
        fn update(&mut self, cx: &mut Context, to: Address, token_id: U256, operator: Address) -> Result<Address> {
            let from = self.owners.get(token_id);
            if !operator.is_zero() {
                self.check_authorized(from, operator, token_id)?;
            }
            if !from.is_zero() {
                self.token_approvals.at_mut(token_id).clear();
                self.balances.at_mut(from).sub(1);
            }
            if !to.is_zero() {
                self.balances.at_mut(to).add(1);
            }
            self.owners.set(token_id, to);
            cx.emit(Transfer { from, to, token_id });
            self.after_update(cx, from, to, token_id);
            Ok(from)
        }

        fn check_authorized(&self, owner: Address, operator: Address, token_id: U256) -> Result<()> {
            ensure!(!owner.is_zero(), ERC721NonexistentToken { token_id });
            let may = operator == owner
                || self.is_approved_for_all(owner, operator)
                || self.token_approvals.get(token_id) == operator;
            ensure!(may, ERC721InsufficientApproval { operator, token_id });
            Ok(())
        }
    }

    /// Asks a contract whether it accepts what it got.
    fn check_accepted(cx: &mut Context, from: Address, to: Address, token_id: U256, data: &[u8]) -> Result<()> {
        if cx.code_size(to) == 0 {
            return Ok(());
        }
        match IErc721ReceiverHandle::at(to).on_received(cx.sender(), from, token_id, data).try_call(cx) {
            Ok(answer) if answer == RECEIVED => Ok(()),
            // The receiver's own reason tells more than ours.
            Err(CallError::Revert(reason)) if !reason.is_empty() => CallError::Revert(reason).raise(),
            // An answer that is no bytes4 fails while it is decoded, outside what Solidity's `try` catches.
            Err(CallError::BadOutput) => CallError::BadOutput.raise(),
            _ => Err(ERC721InvalidReceiver { receiver: to }),
        }
    }
}
pub use erc721::*;
