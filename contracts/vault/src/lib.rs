//! A vault that takes tokens and gives shares in all that it holds (ERC-4626): OpenZeppelin's `ERC4626`.
#![no_std]
use esker_components::tokens::erc20::{Erc20, Erc20Handle, Error as TokenError};
use esker_sdk::prelude::*;

/// Shares, which are a token too, in what the vault holds of another token, its asset. Whatever comes in besides
/// belongs to all shares alike. It is always rounded against the one who calls.
#[contract]
pub mod vault {
    use super::*;

    /// By how many decimals shares are finer than the asset. The vault reckons as if it began with one of the asset's
    /// smallest unit and as many shares as go into it, which nobody has: so who makes shares dear by donating, before
    /// others deposit, gives that part of it away.
    const DECIMALS_OFFSET: u8 = 3;
    /// The shares that nobody has.
    const VIRTUAL_SHARES: u128 = 10_u128.pow(DECIMALS_OFFSET as u32);

    /// The shares, and what they are shares in.
    #[storage]
    pub struct Vault {
        #[flatten]
        #[expose]
        shares: Erc20,
        asset: Cell<Address>,
        asset_decimals: Cell<u8>,
    }

    /// `sender` brought `assets`, for which `owner` has `shares`.
    #[event]
    pub struct Deposit {
        #[indexed]
        pub sender: Address,
        #[indexed]
        pub owner: Address,
        pub assets: U256,
        pub shares: U256,
    }

    /// `sender` gave `owner`'s `shares` back, for which `receiver` has `assets`.
    #[event]
    pub struct Withdraw {
        #[indexed]
        pub sender: Address,
        #[indexed]
        pub receiver: Address,
        #[indexed]
        pub owner: Address,
        pub assets: U256,
        pub shares: U256,
    }

    /// What can go wrong, besides what can with shares.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// So much is not taken at once.
        ERC4626ExceededMaxDeposit { receiver: Address, assets: U256, max: U256 },
        /// So many shares are not made at once.
        ERC4626ExceededMaxMint { receiver: Address, shares: U256, max: U256 },
        /// The owner's shares are worth less.
        ERC4626ExceededMaxWithdraw { owner: Address, assets: U256, max: U256 },
        /// The owner has fewer shares.
        ERC4626ExceededMaxRedeem { owner: Address, shares: U256, max: U256 },
        /// The asset said that it moved more than came: shares would be of nothing.
        AssetsMissing { assets: U256, received: U256 },
        #[from] Shares(TokenError),
    }
    use Error::*;
    type Result<T> = core::result::Result<T, Error>;

    /// What there is.
    impl Vault {
        /// A vault for `asset`, whose shares have a name and a symbol. An asset that does not tell its decimals is
        /// taken to have 18.
        #[constructor]
        pub fn new(&mut self, cx: &Context, asset: Address, name: &str, symbol: &str) {
            self.shares.init(name, symbol);
            self.asset.set(asset);
            self.asset_decimals.set(Erc20Handle::at(asset).decimals().try_call(cx).unwrap_or(18));
        }

        /// The token that the vault takes.
        pub fn asset(&self) -> Address {
            self.asset.get()
        }

        /// How many decimals a wallet shows of shares.
        #[overrides]
        pub fn decimals(&self) -> u8 {
            self.asset_decimals.get() + DECIMALS_OFFSET
        }

        /// How much of the asset there is for all shares.
        pub fn total_assets(&self, cx: &Context) -> U256 {
            self.token().balance_of(cx.address()).call(cx)
        }

        /// How many shares `assets` are worth, rounded down.
        pub fn convert_to_shares(&self, cx: &Context, assets: U256) -> U256 {
            self.to_shares(assets, self.total_assets(cx), Rounding::Floor)
        }

        /// How much of the asset `shares` are worth, rounded down.
        pub fn convert_to_assets(&self, cx: &Context, shares: U256) -> U256 {
            self.to_assets(shares, self.total_assets(cx), Rounding::Floor)
        }
    }

    /// How much there may be of what, and what would come of it.
    #[rustfmt::skip]
    impl Vault {
        /// The most that may be deposited for `receiver`.
        pub fn max_deposit(_receiver: Address) -> U256 { U256::MAX }
        /// The most shares that may be made for `receiver`.
        pub fn max_mint(_receiver: Address) -> U256 { U256::MAX }
        /// The most that may be taken out for `owner`'s shares.
        pub fn max_withdraw(&self, cx: &Context, owner: Address) -> U256 { self.preview_redeem(cx, self.max_redeem(owner)) }
        /// The most shares that may be given back for `owner`.
        pub fn max_redeem(&self, owner: Address) -> U256 { self.shares.balance_of(owner) }
    }

    impl Vault {
        /// The shares that a deposit of `assets` gives.
        pub fn preview_deposit(&self, cx: &Context, assets: U256) -> U256 {
            self.to_shares(assets, self.total_assets(cx), Rounding::Floor)
        }

        /// What `shares` cost.
        pub fn preview_mint(&self, cx: &Context, shares: U256) -> U256 {
            self.to_assets(shares, self.total_assets(cx), Rounding::Ceil)
        }

        /// The shares that it takes to take `assets` out.
        pub fn preview_withdraw(&self, cx: &Context, assets: U256) -> U256 {
            self.to_shares(assets, self.total_assets(cx), Rounding::Ceil)
        }

        /// What `shares` bring.
        pub fn preview_redeem(&self, cx: &Context, shares: U256) -> U256 {
            self.to_assets(shares, self.total_assets(cx), Rounding::Floor)
        }
    }

    /// What holders do.
    impl Vault {
        /// Takes `assets` of the caller's, and gives `receiver` the shares that these are worth.
        #[returns(shares)]
        pub fn deposit(&mut self, cx: &mut Context, assets: U256, receiver: Address) -> Result<U256> {
            let max = Self::max_deposit(receiver);
            ensure!(assets <= max, ERC4626ExceededMaxDeposit { receiver, assets, max });
            let before = self.total_assets(cx);
            let shares = self.to_shares(assets, before, Rounding::Floor);
            self.take(cx, receiver, before, assets, shares)?;
            Ok(shares)
        }

        /// Gives `receiver` so many shares, and takes of the caller's assets what they cost.
        #[returns(assets)]
        pub fn mint(&mut self, cx: &mut Context, shares: U256, receiver: Address) -> Result<U256> {
            let max = Self::max_mint(receiver);
            ensure!(shares <= max, ERC4626ExceededMaxMint { receiver, shares, max });
            let before = self.total_assets(cx);
            let assets = self.to_assets(shares, before, Rounding::Ceil);
            self.take(cx, receiver, before, assets, shares)?;
            Ok(assets)
        }

        /// Pays `receiver` so much of the asset, for as many of `owner`'s shares as it takes: the caller's own, or out
        /// of its allowance.
        #[returns(shares)]
        pub fn withdraw(&mut self, cx: &mut Context, assets: U256, receiver: Address, owner: Address) -> Result<U256> {
            let max = self.max_withdraw(cx, owner);
            ensure!(assets <= max, ERC4626ExceededMaxWithdraw { owner, assets, max });
            let shares = self.preview_withdraw(cx, assets);
            self.pay(cx, receiver, owner, assets, shares)?;
            Ok(shares)
        }

        /// Takes `owner`'s shares, the caller's own or out of its allowance, and pays `receiver` what they are worth.
        #[returns(assets)]
        pub fn redeem(&mut self, cx: &mut Context, shares: U256, receiver: Address, owner: Address) -> Result<U256> {
            let max = self.max_redeem(owner);
            ensure!(shares <= max, ERC4626ExceededMaxRedeem { owner, shares, max });
            let assets = self.preview_redeem(cx, shares);
            self.pay(cx, receiver, owner, assets, shares)?;
            Ok(assets)
        }
    }

    impl Vault {
        fn token(&self) -> Erc20Handle {
            Erc20Handle::at(self.asset())
        }

        fn to_shares(&self, assets: U256, total_assets: U256, rounding: Rounding) -> U256 {
            assets.mul_div(self.shares.total_supply() + VIRTUAL_SHARES, total_assets + 1, rounding)
        }

        fn to_assets(&self, shares: U256, total_assets: U256, rounding: Rounding) -> U256 {
            shares.mul_div(total_assets + 1, self.shares.total_supply() + VIRTUAL_SHARES, rounding)
        }

        /// Assets come before shares are made: an asset that calls their sender first, as ERC-777 does, shows it the
        /// vault as it was.
        fn take(
            &mut self,
            cx: &mut Context,
            receiver: Address,
            before: U256,
            assets: U256,
            shares: U256,
        ) -> Result<()> {
            let sender = cx.sender();
            self.token().transfer_from(sender, cx.address(), assets).call_optional(cx);
            let received = self.total_assets(cx) - before;
            ensure!(received >= assets, AssetsMissing { assets, received });
            self.shares.mint(cx, receiver, shares)?;
            cx.emit(Deposit { sender, owner: receiver, assets, shares });
            Ok(())
        }

        /// Shares go before assets do: an asset that calls their receiver afterwards shows it the vault as it will be.
        fn pay(
            &mut self,
            cx: &mut Context,
            receiver: Address,
            owner: Address,
            assets: U256,
            shares: U256,
        ) -> Result<()> {
            let sender = cx.sender();
            if sender != owner {
                self.shares.spend_allowance(owner, sender, shares)?;
            }
            self.shares.burn(cx, owner, shares)?;
            self.token().transfer(receiver, assets).call_optional(cx);
            cx.emit(Withdraw { sender, receiver, owner, assets, shares });
            Ok(())
        }
    }
}
pub use vault::*;
