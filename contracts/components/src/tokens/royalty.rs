//! What of each sale is somebody else's (ERC-2981): OpenZeppelin's `ERC2981`.

use esker_sdk::prelude::*;

/// What a market asks.
#[interface]
pub trait IErc2981 {
    /// Who gets what of a sale for `sale_price`, in the unit of the price.
    #[returns(receiver, royaltyAmount)]
    fn royalty_info(&self, token_id: U256, sale_price: U256) -> (Address, U256);
}

/// Parts of prices, in ten-thousandths: of all tokens alike, or of single ones. Whether a market pays them is up to it.
#[component]
pub mod royalty {
    use super::*;

    /// A whole price, in the unit of the parts.
    const DENOMINATOR: u128 = 10_000;

    /// Who gets how much.
    #[storage]
    pub struct Royalty {
        default_royalty: RoyaltyInfo,
        token_royalties: Map<U256, RoyaltyInfo>,
    }

    /// A part of a price, and whose it is: one slot.
    #[storage(nested)]
    pub struct RoyaltyInfo {
        receiver: Cell<Address>,
        fraction: Cell<Uint<96>>,
    }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// More than the price.
        ERC2981InvalidDefaultRoyalty { numerator: U256, denominator: U256 },
        /// Nobody receives there.
        ERC2981InvalidDefaultRoyaltyReceiver { receiver: Address },
        /// More than the price.
        ERC2981InvalidTokenRoyalty { token_id: U256, numerator: U256, denominator: U256 },
        /// Nobody receives there.
        ERC2981InvalidTokenRoyaltyReceiver { token_id: U256, receiver: Address },
    }
    use Error::*;

    impl IErc2981 for Royalty {
        fn royalty_info(&self, token_id: U256, sale_price: U256) -> (Address, U256) {
            let own = self.token_royalties.at(token_id);
            let (mut receiver, mut fraction) = (own.receiver.get(), own.fraction.get());
            if receiver.is_zero() {
                (receiver, fraction) = (self.default_royalty.receiver.get(), self.default_royalty.fraction.get());
            }
            (receiver, sale_price.mul_div(fraction.get(), U256::from(DENOMINATOR), Rounding::Floor))
        }
    }

    impl Royalty {
        /// Gives `receiver` so many ten-thousandths of each price.
        ///
        /// # Errors
        /// `ERC2981InvalidDefaultRoyalty` and `ERC2981InvalidDefaultRoyaltyReceiver`.
        #[internal]
        pub fn set_default_royalty(&mut self, receiver: Address, fee_numerator: Uint<96>) -> Result<(), Error> {
            let (numerator, denominator) = (fee_numerator.get(), U256::from(DENOMINATOR));
            ensure!(numerator <= denominator, ERC2981InvalidDefaultRoyalty { numerator, denominator });
            ensure!(!receiver.is_zero(), ERC2981InvalidDefaultRoyaltyReceiver { receiver });
            self.default_royalty.receiver.set(receiver);
            self.default_royalty.fraction.set(fee_numerator);
            Ok(())
        }

        /// Gives nobody a part of prices, but of tokens that have their own.
        #[internal]
        pub fn delete_default_royalty(&mut self) {
            self.default_royalty.clear();
        }

        /// Gives `receiver` so many ten-thousandths of this token's price, in place of what all have.
        ///
        /// # Errors
        /// `ERC2981InvalidTokenRoyalty` and `ERC2981InvalidTokenRoyaltyReceiver`.
        #[internal]
        pub fn set_token_royalty(
            &mut self,
            token_id: U256,
            receiver: Address,
            fee_numerator: Uint<96>,
        ) -> Result<(), Error> {
            let (numerator, denominator) = (fee_numerator.get(), U256::from(DENOMINATOR));
            ensure!(numerator <= denominator, ERC2981InvalidTokenRoyalty { token_id, numerator, denominator });
            ensure!(!receiver.is_zero(), ERC2981InvalidTokenRoyaltyReceiver { token_id, receiver });
            let mut own = self.token_royalties.at_mut(token_id);
            own.receiver.set(receiver);
            own.fraction.set(fee_numerator);
            Ok(())
        }

        /// Gives of this token's price what is given of all.
        #[internal]
        pub fn reset_token_royalty(&mut self, token_id: U256) {
            self.token_royalties.at_mut(token_id).clear();
        }
    }
}
pub use royalty::*;
