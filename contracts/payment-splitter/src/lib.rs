//! Divides coins and tokens among payees by their shares: OpenZeppelin's `PaymentSplitter`, release 4, the last that has it.
//!
//! Nobody is paid unasked, so a payee that refuses keeps nobody else from theirs.
#![no_std]
use esker_sdk::prelude::*;

/// A token that is divided.
#[interface]
pub trait IToken {
    /// How many tokens `account` has.
    fn balance_of(&self, account: Address) -> U256;
    /// Moves tokens of the caller's.
    fn transfer(&mut self, to: Address, value: U256) -> bool;
}

/// Payees, and what they have got.
#[contract]
pub mod payment_splitter {
    use super::*;

    /// The splitter's state, in the order of OpenZeppelin's.
    #[storage]
    pub struct PaymentSplitter {
        total_shares: Cell<U256>,
        total_released: Cell<U256>,
        shares: Map<Address, U256>,
        released: Map<Address, U256>,
        payees: List<Address>,
        token_total_released: Map<Address, U256>,
        token_released: Map<(Address, Address), U256>,
    }

    /// `account` has `shares` shares.
    #[event]
    #[rustfmt::skip]
    pub struct PayeeAdded { pub account: Address, pub shares: U256 }

    /// `to` got `amount` wei.
    #[event]
    #[rustfmt::skip]
    pub struct PaymentReleased { pub to: Address, pub amount: U256 }

    /// `to` got `amount` tokens.
    #[event]
    #[name = "ERC20PaymentReleased"]
    #[rustfmt::skip]
    pub struct TokenPaymentReleased { #[indexed] pub token: Address, pub to: Address, pub amount: U256 }

    /// `amount` wei came from `from`. Coins may also come without this.
    #[event]
    #[rustfmt::skip]
    pub struct PaymentReceived { pub from: Address, pub amount: U256 }

    impl PaymentSplitter {
        /// Divides among `payees`, each with as many `shares` as stand at its place. Neither changes any more.
        ///
        /// # Errors
        /// Without payees, with the same one twice, and if one has no address or no shares.
        #[constructor]
        #[payable]
        pub fn new(&mut self, cx: &mut Context, payees: &[Address], shares: &[U256]) {
            require!(payees.len() == shares.len(), "PaymentSplitter: payees and shares length mismatch");
            require!(!payees.is_empty(), "PaymentSplitter: no payees");
            for (account, shares) in payees.iter().zip(shares) {
                self.add_payee(cx, *account, *shares);
            }
        }

        /// Takes coins, to divide them.
        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            cx.emit(PaymentReceived { from: cx.sender(), amount: cx.value() });
        }

        fn add_payee(&mut self, cx: &mut Context, account: Address, shares: U256) {
            require!(!account.is_zero(), "PaymentSplitter: account is the zero address");
            require!(shares > 0, "PaymentSplitter: shares are 0");
            require!(self.shares.get(account) == 0, "PaymentSplitter: account already has shares");
            self.payees.push(account);
            self.shares.set(account, shares);
            self.total_shares.add(shares);
            cx.emit(PayeeAdded { account, shares });
        }
    }

    /// What anybody may ask.
    #[rustfmt::skip]
    impl PaymentSplitter {
        /// How many shares there are.
        pub fn total_shares(&self) -> U256 { self.total_shares.get() }
        /// How many shares `account` has.
        pub fn shares(&self, account: Address) -> U256 { self.shares.get(account) }
        /// A payee, from 0 on.
        pub fn payee(&self, index: U256) -> Address { self.payees.get(index.to_u64().unwrap_or(u64::MAX)) }
        /// How many wei were paid out.
        pub fn total_released(&self) -> U256 { self.total_released.get() }
        /// How many tokens were paid out.
        #[name = "totalReleased"]
        pub fn total_released_token(&self, token: Address) -> U256 { self.token_total_released.get(token) }
        /// How many wei `account` got.
        pub fn released(&self, account: Address) -> U256 { self.released.get(account) }
        /// How many tokens `account` got.
        #[name = "released"]
        pub fn released_token(&self, token: Address, account: Address) -> U256 { self.token_released.get((token, account)) }
    }

    impl PaymentSplitter {
        /// How many wei `account` may have now.
        pub fn releasable(&self, cx: &Context, account: Address) -> U256 {
            let received = cx.balance(cx.address()) + self.total_released();
            self.pending(account, received, self.released(account))
        }

        /// How many tokens `account` may have now.
        #[name = "releasable"]
        pub fn releasable_token(&self, cx: &Context, token: Address, account: Address) -> U256 {
            let balance = ITokenHandle::at(token).balance_of(cx.address()).call(cx);
            let received = balance + self.total_released_token(token);
            self.pending(account, received, self.released_token(token, account))
        }

        /// Pays `account` all the coins that it may have. Anybody may ask.
        ///
        /// # Errors
        /// Without shares, with nothing due, and if `account` refuses.
        pub fn release(&mut self, cx: &mut Context, account: Address) {
            self.check_payee(account);
            let amount = self.releasable(cx, account);
            require!(amount != 0, "PaymentSplitter: account is not due payment");
            self.total_released.add(amount);
            self.released.at_mut(account).add(amount);
            let is_paid = cx.send(account, amount).is_ok();
            require!(is_paid, "Address: unable to send value, recipient may have reverted");
            cx.emit(PaymentReleased { to: account, amount });
        }

        /// Pays `account` all the tokens that it may have. Anybody may ask.
        ///
        /// # Errors
        /// Without shares and with nothing due; the token's.
        #[name = "release"]
        pub fn release_token(&mut self, cx: &mut Context, token: Address, account: Address) {
            self.check_payee(account);
            let amount = self.releasable_token(cx, token, account);
            require!(amount != 0, "PaymentSplitter: account is not due payment");
            self.token_total_released.at_mut(token).add(amount);
            self.token_released.at_mut((token, account)).add(amount);
            ITokenHandle::at(token).transfer(account, amount).call_optional(cx);
            cx.emit(TokenPaymentReleased { token, to: account, amount });
        }

        fn check_payee(&self, account: Address) {
            require!(self.shares(account) > 0, "PaymentSplitter: account has no shares");
        }

        /// Rounded down: what does not divide evenly stays until it does. No product overflows, however large shares are: what
        /// came could never be paid out.
        fn pending(&self, account: Address, received: U256, released: U256) -> U256 {
            received.mul_div(self.shares(account), self.total_shares(), Rounding::Floor) - released
        }
    }
}
pub use payment_splitter::*;
