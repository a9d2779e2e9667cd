//! Many tokens in one contract (ERC-1155): OpenZeppelin's `ERC1155`, with the errors of ERC-6093.

use esker_sdk::prelude::*;

/// What ERC-1155 asks of a contract with tokens.
#[interface]
pub trait IErc1155 {
    /// What calls are refused with.
    type Error: ContractError;
    /// How many of `id` an account has.
    fn balance_of(&self, account: Address, id: U256) -> U256;
    /// How many of each id the account in the same place has.
    fn balance_of_batch(&self, accounts: &[Address], ids: &[U256]) -> Result<Vec<U256>, Self::Error>;
    /// Lets `operator` move all that the caller has, or no longer.
    fn set_approval_for_all(&mut self, cx: &mut Context, operator: Address, approved: bool) -> Result<(), Self::Error>;
    /// Whether `operator` may move all that `account` has.
    fn is_approved_for_all(&self, account: Address, operator: Address) -> bool;
    /// Moves tokens of one id, with a message for a contract that gets them.
    fn safe_transfer_from(
        &mut self,
        cx: &mut Context,
        from: Address,
        to: Address,
        id: U256,
        value: U256,
        data: &[u8],
    ) -> Result<(), Self::Error>;
    /// Moves tokens of many ids, with a message for a contract that gets them.
    fn safe_batch_transfer_from(
        &mut self,
        cx: &mut Context,
        from: Address,
        to: Address,
        ids: &[U256],
        values: &[U256],
        data: &[u8],
    ) -> Result<(), Self::Error>;
}

/// Where tokens are described: ERC-1155's extension for metadata.
#[interface]
pub trait IErc1155MetadataUri {
    /// Wallets put the id in the place of `{id}`, as 64 hexadecimal digits.
    fn uri(&self, id: U256) -> String;
}

/// What a contract must answer before it gets tokens.
#[interface]
pub trait IErc1155Receiver {
    /// Accepts tokens of one id by returning this function's selector.
    #[name = "onERC1155Received"]
    fn on_received(&mut self, operator: Address, from: Address, id: U256, value: U256, data: &[u8]) -> FixedBytes<4>;

    /// Accepts tokens of many ids by returning this function's selector.
    #[name = "onERC1155BatchReceived"]
    fn on_batch_received(
        &mut self,
        operator: Address,
        from: Address,
        ids: &[U256],
        values: &[U256],
        data: &[u8],
    ) -> FixedBytes<4>;
}

/// What a receiver of one id answers: the selector of `onERC1155Received`.
pub const RECEIVED: FixedBytes<4> = FixedBytes([0xf2, 0x3a, 0x6e, 0x61]);
/// What a receiver of many ids answers: the selector of `onERC1155BatchReceived`.
pub const BATCH_RECEIVED: FixedBytes<4> = FixedBytes([0xbc, 0x19, 0x7c, 0x81]);

/// Tokens of many ids, of each of which there may be one or many. A contract that gets some has to accept them, and may
/// pass them on at once: what is kept changes before it is asked.
#[component]
pub mod erc1155 {
    #![allow(clippy::type_complexity, reason = "a batch is two lists, and a hook gets both")]
    use super::*;

    /// Who has how many of what, and who moves whose.
    #[storage]
    pub struct Erc1155 {
        balances: Map<(U256, Address), U256>,
        operator_approvals: Map<(Address, Address), bool>,
        uri: Text,
    }

    /// Tokens of one id moved; the zero address stands for creation and destruction.
    #[event]
    pub struct TransferSingle {
        #[indexed]
        pub operator: Address,
        #[indexed]
        pub from: Address,
        #[indexed]
        pub to: Address,
        pub id: U256,
        pub value: U256,
    }

    /// Tokens of many ids moved, or of none.
    #[event]
    pub struct TransferBatch {
        #[indexed]
        pub operator: Address,
        #[indexed]
        pub from: Address,
        #[indexed]
        pub to: Address,
        pub ids: Vec<U256>,
        pub values: Vec<U256>,
    }

    /// `operator` may from now on move all that `account` has, or no longer.
    #[event]
    #[rustfmt::skip]
    pub struct ApprovalForAll { #[indexed] pub account: Address, #[indexed] pub operator: Address, pub approved: bool }

    /// What can go wrong (ERC-6093).
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// `sender` has fewer of these.
        ERC1155InsufficientBalance { sender: Address, balance: U256, needed: U256, token_id: U256 },
        /// Nobody sends from there.
        ERC1155InvalidSender { sender: Address },
        /// Nobody receives there, or who does has not accepted.
        ERC1155InvalidReceiver { receiver: Address },
        /// `owner` has not approved `operator`.
        ERC1155MissingApprovalForAll { operator: Address, owner: Address },
        /// Nobody is approved there.
        ERC1155InvalidOperator { operator: Address },
        /// Two lists belong together and are not equally long.
        ERC1155InvalidArrayLength { ids_length: U256, values_length: U256 },
    }
    use Error::*;
    type Result<T> = core::result::Result<T, Error>;

    impl IErc1155MetadataUri for Erc1155 {
        fn uri(&self, _id: U256) -> String {
            self.uri.get()
        }
    }

    impl IErc1155 for Erc1155 {
        type Error = Error;

        fn balance_of(&self, account: Address, id: U256) -> U256 {
            self.balances.get((id, account))
        }

        fn balance_of_batch(&self, accounts: &[Address], ids: &[U256]) -> Result<Vec<U256>> {
            same_length(ids, accounts.len())?;
            Ok(accounts.iter().zip(ids).map(|(account, id)| self.balance_of(*account, *id)).collect())
        }

        fn is_approved_for_all(&self, account: Address, operator: Address) -> bool {
            self.operator_approvals.get((account, operator))
        }
        #[reentrant]
        fn set_approval_for_all(&mut self, cx: &mut Context, operator: Address, approved: bool) -> Result<()> {
            ensure!(!operator.is_zero(), ERC1155InvalidOperator { operator });
            let account = cx.sender();
            self.operator_approvals.set((account, operator), approved);
            cx.emit(ApprovalForAll { account, operator, approved });
            Ok(())
        }

        #[reentrant]
        fn safe_transfer_from(
            &mut self,
            cx: &mut Context,
            from: Address,
            to: Address,
            id: U256,
            value: U256,
            data: &[u8],
        ) -> Result<()> {
            self.transfer(cx, from, to, &[id], &[value], Asked::Once(data))
        }

        #[reentrant]
        fn safe_batch_transfer_from(
            &mut self,
            cx: &mut Context,
            from: Address,
            to: Address,
            ids: &[U256],
            values: &[U256],
            data: &[u8],
        ) -> Result<()> {
            self.transfer(cx, from, to, ids, values, Asked::AsBatch(data))
        }
    }

    /// How a receiver is asked, and with which message. A batch of one token is a batch to it, though not in the event.
    #[derive(Clone, Copy)]
    enum Asked<'a> {
        Once(&'a [u8]),
        AsBatch(&'a [u8]),
    }

    /// What the contract does.
    impl Erc1155 {
        /// Called after balances have changed, before a receiver is asked; the zero address stands for creation and
        /// destruction.
        #[hook]
        fn after_update(&mut self, cx: &mut Context, from: Address, to: Address, ids: &[U256], values: &[U256]) {}

        /// Says where tokens are described.
        #[internal]
        pub fn set_uri(&mut self, uri: &str) {
            self.uri.set(uri);
        }

        /// Creates tokens for `to`, with a message for a contract, which is asked about a batch unless it is one id.
        ///
        /// # Errors
        /// `ERC1155InvalidReceiver` of the zero address and of a contract that does not accept, and
        /// `ERC1155InvalidArrayLength`.
        #[internal]
        pub fn mint(
            &mut self,
            cx: &mut Context,
            to: Address,
            ids: &[U256],
            values: &[U256],
            data: &[u8],
        ) -> Result<()> {
            let asked = if ids.len() == 1 { Asked::Once(data) } else { Asked::AsBatch(data) };
            self.create(cx, to, ids, values, asked)
        }

        /// Creates tokens for `to`, with a message for a contract, which is asked about a batch also if it is one id.
        ///
        /// # Errors
        /// Those of [`Erc1155::mint`].
        #[internal]
        pub fn mint_batch(
            &mut self,
            cx: &mut Context,
            to: Address,
            ids: &[U256],
            values: &[U256],
            data: &[u8],
        ) -> Result<()> {
            self.create(cx, to, ids, values, Asked::AsBatch(data))
        }

        /// Destroys tokens.
        ///
        /// # Errors
        /// `ERC1155InvalidSender` of the zero address, `ERC1155InsufficientBalance` and `ERC1155InvalidArrayLength`.
        #[internal]
        pub fn burn(&mut self, cx: &mut Context, from: Address, ids: &[U256], values: &[U256]) -> Result<()> {
            ensure!(!from.is_zero(), ERC1155InvalidSender { sender: from });
            self.update(cx, from, Address::ZERO, ids, values)
        }

        /// Refuses a caller who may not move what `owner` has.
        ///
        /// # Errors
        /// `ERC1155MissingApprovalForAll`.
        #[internal]
        pub fn check_approved(&self, cx: &Context, owner: Address) -> Result<()> {
            let operator = cx.sender();
            let may = operator == owner || self.is_approved_for_all(owner, operator);
            ensure!(may, ERC1155MissingApprovalForAll { operator, owner });
            Ok(())
        }

        fn transfer(
            &mut self,
            cx: &mut Context,
            from: Address,
            to: Address,
            ids: &[U256],
            values: &[U256],
            asked: Asked<'_>,
        ) -> Result<()> {
            self.check_approved(cx, from)?;
            ensure!(!to.is_zero(), ERC1155InvalidReceiver { receiver: to });
            ensure!(!from.is_zero(), ERC1155InvalidSender { sender: from });
            self.update(cx, from, to, ids, values)?;
            check_accepted(cx, from, to, ids, values, asked)
        }

        fn create(
            &mut self,
            cx: &mut Context,
            to: Address,
            ids: &[U256],
            values: &[U256],
            asked: Asked<'_>,
        ) -> Result<()> {
            ensure!(!to.is_zero(), ERC1155InvalidReceiver { receiver: to });
            self.update(cx, Address::ZERO, to, ids, values)?;
            check_accepted(cx, Address::ZERO, to, ids, values, asked)
        }

        fn update(
            &mut self,
            cx: &mut Context,
            from: Address,
            to: Address,
            ids: &[U256],
            values: &[U256],
        ) -> Result<()> {
            same_length(ids, values.len())?;
            for (&token_id, &value) in ids.iter().zip(values) {
                if !from.is_zero() {
                    let left = self.balances.at_mut((token_id, from)).try_sub(value);
                    let (sender, needed) = (from, value);
                    left.map_err(|balance| ERC1155InsufficientBalance { sender, balance, needed, token_id })?;
                }
                if !to.is_zero() {
                    self.balances.at_mut((token_id, to)).add(value);
                }
            }
            let operator = cx.sender();
            match (ids, values) {
                ([id], [value]) => cx.emit(TransferSingle { operator, from, to, id: *id, value: *value }),
                _ => cx.emit(TransferBatch { operator, from, to, ids: ids.to_vec(), values: values.to_vec() }),
            }
            self.after_update(cx, from, to, ids, values);
            Ok(())
        }
    }

    fn same_length(ids: &[U256], values: usize) -> Result<()> {
        let (ids_length, values_length) = (U256::from(ids.len()), U256::from(values));
        ensure!(ids_length == values_length, ERC1155InvalidArrayLength { ids_length, values_length });
        Ok(())
    }

    /// Asks a contract whether it accepts what it got.
    fn check_accepted(
        cx: &mut Context,
        from: Address,
        to: Address,
        ids: &[U256],
        values: &[U256],
        asked: Asked<'_>,
    ) -> Result<()> {
        if cx.code_size(to) == 0 {
            return Ok(());
        }
        let (operator, receiver) = (cx.sender(), IErc1155ReceiverHandle::at(to));
        let (answer, accepted) = match (asked, ids, values) {
            (Asked::Once(data), [id], [value]) => {
                (receiver.on_received(operator, from, *id, *value, data).try_call(cx), RECEIVED)
            }
            (Asked::Once(data) | Asked::AsBatch(data), ..) => {
                (receiver.on_batch_received(operator, from, ids, values, data).try_call(cx), BATCH_RECEIVED)
            }
        };
        match answer {
            Ok(answer) if answer == accepted => Ok(()),
            // The receiver's own reason tells more than ours.
            Err(CallError::Revert(reason)) if !reason.is_empty() => CallError::Revert(reason).raise(),
            // An answer that is no bytes4 fails while it is decoded, outside what Solidity's `try` catches.
            Err(CallError::BadOutput) => CallError::BadOutput.raise(),
            _ => Err(ERC1155InvalidReceiver { receiver: to }),
        }
    }
}
pub use erc1155::*;
