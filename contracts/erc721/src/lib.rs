//! The standard non-fungible token (ERC-721 with its metadata), with OpenZeppelin's behaviour and the errors of ERC-6093.
#![no_std]
use esker_sdk::prelude::*;

/// What a contract must answer before a safe transfer gives it a token.
#[interface]
pub trait Erc721Receiver {
    /// Accepts a token by returning this function's selector.
    #[name = "onERC721Received"]
    fn on_received(&mut self, operator: Address, from: Address, token_id: U256, data: &[u8]) -> FixedBytes<4>;
}

/// A collection to which its deployer adds tokens.
#[contract]
pub mod erc721 {
    use super::*;

    /// The selector of `onERC721Received`, which is also what it returns.
    const RECEIVED: FixedBytes<4> = Erc721ReceiverHandle::INTERFACE_ID;
    const ERC165: FixedBytes<4> = FixedBytes([0x01, 0xff, 0xc9, 0xa7]);
    const ERC721: FixedBytes<4> = FixedBytes([0x80, 0xac, 0x58, 0xcd]);
    const ERC721_METADATA: FixedBytes<4> = FixedBytes([0x5b, 0x5e, 0x13, 0x9f]);

    /// The collection's state.
    #[storage]
    pub struct Erc721 {
        name: Text,
        symbol: Text,
        owners: Map<U256, Address>,
        balances: Map<Address, U256>,
        token_approvals: Map<U256, Address>,
        operator_approvals: Map<(Address, Address), bool>,
        minter: Cell<Address>,
    }

    /// A token changed hands; the zero address stands for creation.
    #[event]
    pub struct Transfer {
        #[indexed]
        pub from: Address,
        #[indexed]
        pub to: Address,
        #[indexed]
        pub token_id: U256,
    }

    /// `approved` may from now on move the token.
    #[event]
    pub struct Approval {
        #[indexed]
        pub owner: Address,
        #[indexed]
        pub approved: Address,
        #[indexed]
        pub token_id: U256,
    }

    /// `operator` may from now on move all of `owner`'s tokens, or no longer.
    #[event]
    pub struct ApprovalForAll {
        #[indexed]
        pub owner: Address,
        #[indexed]
        pub operator: Address,
        pub approved: bool,
    }

    /// What can go wrong (ERC-6093), and OpenZeppelin's error for callers who are not the owner of the contract.
    #[error]
    pub enum Error {
        ERC721InvalidOwner { owner: Address },
        ERC721NonexistentToken { token_id: U256 },
        ERC721IncorrectOwner { sender: Address, token_id: U256, owner: Address },
        ERC721InvalidSender { sender: Address },
        ERC721InvalidReceiver { receiver: Address },
        ERC721InsufficientApproval { operator: Address, token_id: U256 },
        ERC721InvalidApprover { approver: Address },
        ERC721InvalidOperator { operator: Address },
        OwnableUnauthorizedAccount { account: Address },
    }
    use Error::*;

    impl Erc721 {
        /// Creates an empty collection; its deployer may mint.
        #[constructor]
        pub fn new(&mut self, cx: &mut Context, name: &str, symbol: &str) {
            self.name.set(name);
            self.symbol.set(symbol);
            self.minter.set(cx.sender());
        }

        /// The collection's name.
        pub fn name(&self) -> String {
            self.name.get()
        }

        /// The collection's symbol.
        pub fn symbol(&self) -> String {
            self.symbol.get()
        }

        /// Who may mint.
        pub fn owner(&self) -> Address {
            self.minter.get()
        }

        /// Where a token is described; empty, as OpenZeppelin's is without a base URI.
        #[name = "tokenURI"]
        pub fn token_uri(&self, token_id: U256) -> Result<String, Error> {
            self.owner_of(token_id)?;
            Ok(String::new())
        }

        /// Whether the collection implements an interface (ERC-165).
        pub fn supports_interface(interface_id: FixedBytes<4>) -> bool {
            [ERC165, ERC721, ERC721_METADATA].contains(&interface_id)
        }

        /// How many tokens `owner` has.
        pub fn balance_of(&self, owner: Address) -> Result<U256, Error> {
            ensure!(!owner.is_zero(), ERC721InvalidOwner { owner });
            Ok(self.balances.get(owner))
        }

        /// Who has the token.
        pub fn owner_of(&self, token_id: U256) -> Result<Address, Error> {
            let owner = self.owners.get(token_id);
            ensure!(!owner.is_zero(), ERC721NonexistentToken { token_id });
            Ok(owner)
        }

        /// Who may move the token besides its owner and the owner's operators.
        pub fn get_approved(&self, token_id: U256) -> Result<Address, Error> {
            self.owner_of(token_id)?;
            Ok(self.token_approvals.get(token_id))
        }

        /// Whether `operator` may move all of `owner`'s tokens.
        pub fn is_approved_for_all(&self, owner: Address, operator: Address) -> bool {
            self.operator_approvals.get((owner, operator))
        }

        /// Creates a token for `to`. Only the owner of the contract may.
        pub fn mint(&mut self, cx: &mut Context, to: Address, token_id: U256) -> Result<(), Error> {
            let account = cx.sender();
            ensure!(account == self.minter.get(), OwnableUnauthorizedAccount { account });
            ensure!(!to.is_zero(), ERC721InvalidReceiver { receiver: to });
            let before = self.update(cx, to, token_id, Address::ZERO)?;
            ensure!(before.is_zero(), ERC721InvalidSender { sender: Address::ZERO });
            Ok(())
        }

        /// Lets `to` move the token.
        #[reentrant]
        pub fn approve(&mut self, cx: &mut Context, to: Address, token_id: U256) -> Result<(), Error> {
            let owner = self.owner_of(token_id)?;
            let approver = cx.sender();
            let may = approver.is_zero() || approver == owner || self.is_approved_for_all(owner, approver);
            ensure!(may, ERC721InvalidApprover { approver });
            cx.emit(Approval { owner, approved: to, token_id });
            self.token_approvals.set(token_id, to);
            Ok(())
        }

        /// Lets `operator` move all of the caller's tokens, or no longer.
        #[reentrant]
        pub fn set_approval_for_all(
            &mut self,
            cx: &mut Context,
            operator: Address,
            approved: bool,
        ) -> Result<(), Error> {
            ensure!(!operator.is_zero(), ERC721InvalidOperator { operator });
            let owner = cx.sender();
            self.operator_approvals.set((owner, operator), approved);
            cx.emit(ApprovalForAll { owner, operator, approved });
            Ok(())
        }

        /// Moves the token, also to a contract that does not know what to do with it.
        #[reentrant]
        pub fn transfer_from(
            &mut self,
            cx: &mut Context,
            from: Address,
            to: Address,
            token_id: U256,
        ) -> Result<(), Error> {
            ensure!(!to.is_zero(), ERC721InvalidReceiver { receiver: to });
            let owner = self.update(cx, to, token_id, cx.sender())?;
            ensure!(owner == from, ERC721IncorrectOwner { sender: from, token_id, owner });
            Ok(())
        }

        /// Moves the token; a contract that gets it must accept it.
        #[reentrant]
        #[name = "safeTransferFrom"]
        pub fn safe_transfer_from(
            &mut self,
            cx: &mut Context,
            from: Address,
            to: Address,
            token_id: U256,
        ) -> Result<(), Error> {
            self.safe_transfer_from_with_data(cx, from, to, token_id, &[])
        }

        /// Moves the token with a message; a contract that gets it must accept it.
        #[reentrant]
        #[name = "safeTransferFrom"]
        pub fn safe_transfer_from_with_data(
            &mut self,
            cx: &mut Context,
            from: Address,
            to: Address,
            token_id: U256,
            data: &[u8],
        ) -> Result<(), Error> {
            self.transfer_from(cx, from, to, token_id)?;
            let operator = cx.sender();
            match Erc721ReceiverHandle::at(to).on_received(operator, from, token_id, data).try_call(cx) {
                Ok(RECEIVED) | Err(CallError::NoCode) => Ok(()),
                // The receiver's own reason tells more than ours.
                Err(CallError::Revert(reason)) if !reason.is_empty() => CallError::Revert(reason).raise(),
                _ => Err(ERC721InvalidReceiver { receiver: to }),
            }
        }

        /// Refuses an operator who may not move `owner`'s token.
        fn check_authorized(&self, owner: Address, operator: Address, token_id: U256) -> Result<(), Error> {
            let may = operator == owner
                || self.is_approved_for_all(owner, operator)
                || self.token_approvals.get(token_id) == operator;
            ensure!(may || !owner.is_zero(), ERC721NonexistentToken { token_id });
            ensure!(may, ERC721InsufficientApproval { operator, token_id });
            Ok(())
        }

        /// Gives the token to `to` and returns who had it before: the zero address creates it. Asks whether `operator` may,
        /// unless that is the zero address, as OpenZeppelin does: nobody can send a transaction from there.
        fn update(
            &mut self,
            cx: &mut Context,
            to: Address,
            token_id: U256,
            operator: Address,
        ) -> Result<Address, Error> {
            let from = self.owners.get(token_id);
            if !operator.is_zero() {
                self.check_authorized(from, operator, token_id)?;
            }
            if !from.is_zero() {
                self.token_approvals.set(token_id, Address::ZERO);
                self.balances.at_mut(from).sub(1);
            }
            self.balances.at_mut(to).add(1);
            self.owners.set(token_id, to);
            cx.emit(Transfer { from, to, token_id });
            Ok(from)
        }
    }
}
pub use erc721::*;
