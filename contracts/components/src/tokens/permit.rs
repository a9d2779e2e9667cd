//! Allowances by signature (ERC-2612): OpenZeppelin's `ERC20Permit`.

use crate::{nonces::Nonces, signatures};
use esker_sdk::prelude::*;

/// Allowances that owners sign and anybody sends.
#[component]
pub mod permit {
    use super::*;

    /// The version in the domain of what is signed.
    const VERSION: &str = "1";

    /// The numbers of what is signed; other parts may use them too.
    #[storage]
    pub struct Permit {
        #[flatten]
        #[expose]
        /// Numbers of messages.
        pub nonces: Nonces,
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
        /// Until when, as a block's time in seconds.
        pub deadline: U256,
    }

    /// What can go wrong, besides what is wrong with a signature.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// It was valid until `deadline`.
        ERC2612ExpiredSignature { deadline: U256 },
        /// It is not the owner's, or not for this number, domain or message.
        ERC2612InvalidSigner { signer: Address, owner: Address },
        /// It is no signature.
        #[from] Signature(signatures::SignatureError),
    }
    use Error::*;

    impl Permit {
        /// The token's name, for the domain of what is signed.
        #[hook]
        fn domain_name(&self) -> String {
            panic!("the contract has no hook permit.domain_name")
        }

        /// Called when `owner` has signed: `spender` may move `value` tokens.
        #[hook]
        fn allow(&mut self, cx: &mut Context, owner: Address, spender: Address, value: U256) {
            panic!("the contract has no hook permit.allow");
        }

        /// The hash of the domain that messages are signed for.
        #[name = "DOMAIN_SEPARATOR"]
        pub fn domain_separator(&self, cx: &Context) -> B256 {
            self.domain(cx).separator()
        }

        /// The domain's members (ERC-5267): which there are, name, version, chain and contract; no salt and no
        /// extensions.
        #[name = "eip712Domain"]
        #[returns(fields, name, version, chainId, verifyingContract, salt, extensions)]
        pub fn eip712_domain(&self, cx: &Context) -> (FixedBytes<1>, String, String, U256, Address, B256, Vec<U256>) {
            let chain = U256::from(cx.chain_id());
            let (name, version) = (self.domain_name(), VERSION.to_owned());
            (FixedBytes([0x0f]), name, version, chain, cx.address(), B256::ZERO, Vec::new())
        }

        /// Lets `spender` move `value` of the tokens of `owner`, who signed it. Whoever sends it: to send it first harms
        /// nobody.
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
            ensure!(U256::from(cx.timestamp()) <= deadline, ERC2612ExpiredSignature { deadline });
            let nonce = self.nonces.use_nonce(owner);
            let message = Message { owner, spender, value, nonce, deadline };
            let signer = signatures::recover(self.domain(cx), &message, v, r, s)?;
            ensure!(signer == owner, ERC2612InvalidSigner { signer, owner });
            self.allow(cx, owner, spender, value);
            Ok(())
        }

        /// The domain that messages are signed for.
        #[internal]
        pub fn domain(&self, cx: &Context) -> Eip712Domain {
            Eip712Domain::here(cx, &self.domain_name(), VERSION)
        }
    }
}
pub use permit::*;
