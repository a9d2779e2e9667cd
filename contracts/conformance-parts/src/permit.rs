//! Allowances by signature (ERC-2612), as a component that knows no token: whoever has both puts them together.

use esker_sdk::{Eip712Domain, prelude::*};

/// Approvals that their owners sign.
#[component]
pub mod permit {
    use super::*;

    /// How many of its messages an owner has used.
    #[storage]
    pub struct Permit {
        nonces: Map<Address, U256>,
    }

    /// What an owner signs.
    #[derive(Eip712)]
    #[name = "Permit"]
    pub struct Message {
        /// Whose tokens.
        pub owner: Address,
        /// Who may move them.
        pub spender: Address,
        /// How many.
        pub value: U256,
        /// How many messages the owner used before.
        pub nonce: U256,
        /// Until when, as a block's time.
        pub deadline: U256,
    }

    /// What can go wrong (ERC-2612, as OpenZeppelin's contracts say it).
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        ERC2612ExpiredSignature { deadline: U256 },
        ERC2612InvalidSigner { signer: Address, owner: Address },
    }

    impl Permit {
        /// For which contract messages are signed.
        #[hook]
        fn domain(&self, cx: &Context) -> Eip712Domain {
            Eip712Domain::here(cx, "", "1")
        }

        /// Called when `owner` has signed.
        #[hook]
        fn permitted(&mut self, cx: &mut Context, owner: Address, spender: Address, value: U256) {}

        /// How many messages `owner` has used: the number of the next one.
        pub fn nonces(&self, owner: Address) -> U256 {
            self.nonces.get(owner)
        }

        /// The hash of the domain that messages are signed for.
        #[name = "DOMAIN_SEPARATOR"]
        pub fn domain_separator(&self, cx: &Context) -> B256 {
            self.domain(cx).separator()
        }

        /// Lets `spender` move `value` of the tokens of `owner`, who signed it.
        pub fn permit(
            &mut self,
            cx: &mut Context,
            owner: Address,
            spender: Address,
            value: U256,
            deadline: U256,
            v: u8,
            r: B256,
            s: B256,
        ) -> Result<(), Error> {
            ensure!(U256::from(cx.timestamp()) <= deadline, Error::ERC2612ExpiredSignature { deadline });
            let nonce = self.nonces.get(owner);
            self.nonces.set(owner, nonce + 1);
            let message = Message { owner, spender, value, nonce, deadline };
            let signer = self.domain(cx).recover(&message, v, r, s).unwrap_or(Address::ZERO);
            ensure!(signer == owner && !owner.is_zero(), Error::ERC2612InvalidSigner { signer, owner });
            self.permitted(cx, owner, spender, value);
            Ok(())
        }
    }
}
