//! A pool that lends one token against another. There is no single model: shares with virtual ones as in Morpho, a rate with
//! a kink as in Compound, liquidation with a bonus as in both.
//!
//! What the pool has is what it wrote down, not its balance, so nobody changes a rate or a share's worth by sending tokens.
#![no_std]
use esker_components::access::ownable::{Error as OwnerError, Ownable};
use esker_sdk::prelude::*;

pub mod rates;

/// What is asked of either token. It moves what it says, all of it.
#[interface]
pub trait IToken {
    /// How many tokens `account` has.
    fn balance_of(&self, account: Address) -> U256;
    /// Moves the caller's tokens.
    fn transfer(&mut self, to: Address, value: U256) -> bool;
    /// Moves `from`'s tokens, out of the caller's allowance.
    fn transfer_from(&mut self, from: Address, to: Address, value: U256) -> bool;
}

/// Says what the collateral is worth.
#[interface]
pub trait IOracle {
    /// What 10^36 of the collateral's smallest units are worth, in the asset's smallest units, and since when that is
    /// known, as a block's time in seconds.
    #[returns(price, updated_at)]
    fn price(&self) -> (U256, u64);
}

/// Lenders supply the asset and have shares in all that is there and owed; borrowers bring collateral and take of the asset
/// less than it is worth. Rates and parts are in 10^-18, times in seconds. It is always rounded against the one who calls.
#[contract]
pub mod lending_pool {
    use super::{
        rates::{WAD, interest, utilization, yearly_rate},
        *,
    };

    /// What may be borrowed against collateral, as a part of its worth.
    const LOAN_TO_VALUE: U256 = u256!("0.75e18");
    /// A debt above this part of the collateral's worth may be liquidated. With the bonus it stays below one, so that a
    /// liquidation leaves the rest of the debt better covered than it was.
    const LIQUIDATION_THRESHOLD: U256 = u256!("0.8e18");
    /// What liquidators get for each unit that they repay, in collateral.
    const LIQUIDATION_INCENTIVE: U256 = u256!("1.05e18");
    /// What part of a debt is liquidated at once, while its health is not below [`CRITICAL_HEALTH`].
    const CLOSE_FACTOR: U256 = u256!("0.5e18");
    /// With less health a debt may be liquidated whole.
    const CRITICAL_HEALTH: U256 = u256!("0.95e18");
    /// What part of the interest is the owner's.
    const RESERVE_FACTOR: U256 = u256!("0.1e18");
    /// How old a price may be.
    const PRICE_LIFETIME: u64 = 60 * 60;
    /// In which part prices are told.
    const PRICE_SCALE: U256 = u256!("1e36");
    /// Shares that nobody has, for the one unit of the asset that the pool reckons it began with: who makes shares dear
    /// before others come gives that much of it away.
    const VIRTUAL_SHARES: u128 = 1_000_000;

    /// Who has and owes what.
    #[storage]
    pub struct LendingPool {
        #[flatten]
        #[expose]
        ownable: Ownable,
        asset: Cell<Address>,
        collateral: Cell<Address>,
        oracle: Cell<Address>,
        cash: Cell<U256>,
        debt: Cell<U256>,
        reserves: Cell<U256>,
        accrued_at: Cell<u64>,
        /// What is left over of a unit of interest.
        left_over: Cell<Uint<96>>,
        supply_shares: Cell<U256>,
        debt_shares: Cell<U256>,
        suppliers: Map<Address, U256>,
        borrowers: Map<Address, Position>,
    }

    /// What somebody brought and owes.
    #[storage(nested)]
    pub struct Position {
        collateral: Cell<U256>,
        debt_shares: Cell<U256>,
    }

    /// What all have and owe together, in the asset's smallest units.
    #[derive(Abi, Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Totals {
        /// What is there to be withdrawn and borrowed.
        pub cash: U256,
        /// What borrowers owe.
        pub debt: U256,
        /// What of both is the owner's.
        pub reserves: U256,
        /// What of both is the lenders'.
        pub assets: U256,
    }

    /// Debts have grown by `interest`, of which `reserved` is the owner's.
    #[event]
    #[rustfmt::skip]
    pub struct Accrued { pub interest: U256, pub reserved: U256 }

    /// `account` supplied `assets` for `shares`.
    #[event]
    #[rustfmt::skip]
    pub struct Supplied { #[indexed] pub account: Address, pub assets: U256, pub shares: U256 }

    /// `account` gave `shares` back for `assets`.
    #[event]
    #[rustfmt::skip]
    pub struct Withdrawn { #[indexed] pub account: Address, pub assets: U256, pub shares: U256 }

    /// `account` brought `amount` of the collateral.
    #[event]
    #[rustfmt::skip]
    pub struct CollateralAdded { #[indexed] pub account: Address, pub amount: U256 }

    /// `account` took `amount` of the collateral back.
    #[event]
    #[rustfmt::skip]
    pub struct CollateralRemoved { #[indexed] pub account: Address, pub amount: U256 }

    /// `account` borrowed `assets`.
    #[event]
    #[rustfmt::skip]
    pub struct Borrowed { #[indexed] pub account: Address, pub assets: U256 }

    /// `payer` paid `assets` of `account`'s debt back.
    #[event]
    #[rustfmt::skip]
    pub struct Repaid { #[indexed] pub payer: Address, #[indexed] pub account: Address, pub assets: U256 }

    /// `liquidator` paid `assets` of `account`'s debt back and took `seized` of its collateral.
    #[event]
    pub struct Liquidated {
        #[indexed]
        pub liquidator: Address,
        #[indexed]
        pub account: Address,
        pub assets: U256,
        pub seized: U256,
    }

    /// `account` has no collateral left for this debt: nobody will pay it. The owner's part bears it, and then the lenders.
    #[event]
    #[rustfmt::skip]
    pub struct BadDebt { #[indexed] pub account: Address, pub assets: U256 }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// The amount is zero, or so small that it is worth nothing.
        NothingMoved,
        /// The pool has lent out the rest.
        NotEnoughCash { cash: U256, needed: U256 },
        /// The account has fewer shares, or less collateral.
        NotEnough { has: U256, needed: U256 },
        /// The debt would be too large for its collateral.
        Undercollateralized { debt: U256, limit: U256 },
        /// The debt is covered.
        Healthy { account: Address, health: U256 },
        /// The liquidator would get less than it asked for.
        TooLittleSeized { seized: U256, least: U256 },
        /// The oracle tells no price, or one that is too old or of the future.
        InvalidPrice { price: U256, updated_at: u64 },
        /// The token said that it moved more than came.
        TokensMissing { amount: U256, received: U256 },
    }
    use Error::*;
    type Result<T> = core::result::Result<T, Error>;

    /// What there is, with interest until now.
    #[rustfmt::skip]
    impl LendingPool {
        /// What is lent.
        pub fn asset(&self) -> Address { self.asset.get() }
        /// What is lent against.
        pub fn collateral(&self) -> Address { self.collateral.get() }
        /// Who says what the collateral is worth.
        pub fn oracle(&self) -> Address { self.oracle.get() }
        /// What all have and owe together.
        pub fn totals(&self, cx: &Context) -> Totals { self.accrued(cx).0 }
        /// All lenders' shares.
        pub fn total_shares(&self) -> U256 { self.supply_shares.get() }
        /// A lender's shares.
        pub fn shares_of(&self, account: Address) -> U256 { self.suppliers.get(account) }
        /// What a borrower brought.
        pub fn collateral_of(&self, account: Address) -> U256 { self.borrowers.at(account).collateral.get() }
        /// What a borrower owes.
        pub fn debt_of(&self, cx: &Context, account: Address) -> U256 { self.owed(account, self.totals(cx).debt) }
        /// What part of a debt a year costs now.
        pub fn borrow_rate(&self, cx: &Context) -> U256 { yearly_rate(self.utilization(cx)) }
    }

    impl LendingPool {
        /// A pool that lends `asset` against `collateral`, which `oracle` values. `owner` has a part of the interest, and no
        /// other power.
        #[constructor]
        pub fn new(
            &mut self,
            cx: &mut Context,
            asset: Address,
            collateral: Address,
            oracle: Address,
            owner: Address,
        ) -> core::result::Result<(), OwnerError> {
            self.asset.set(asset);
            self.collateral.set(collateral);
            self.oracle.set(oracle);
            self.accrued_at.set(cx.timestamp());
            self.ownable.init(cx, owner)
        }

        /// What a lender's shares are worth.
        pub fn balance_of(&self, cx: &Context, account: Address) -> U256 {
            self.to_assets(self.shares_of(account), self.totals(cx).assets, Rounding::Floor)
        }

        /// What part of what lenders have is lent.
        pub fn utilization(&self, cx: &Context) -> U256 {
            let totals = self.totals(cx);
            utilization(totals.debt, totals.assets)
        }

        /// What part of what lenders have a year brings them now.
        pub fn supply_rate(&self, cx: &Context) -> U256 {
            let used = self.borrow_rate(cx).mul_div(self.utilization(cx), WAD, Rounding::Floor);
            used.mul_div(WAD - RESERVE_FACTOR, WAD, Rounding::Floor)
        }

        /// How well a debt is covered: below 10^18 it may be liquidated. Without a debt it is the largest number.
        pub fn health_factor(&self, cx: &Context, account: Address) -> Result<U256> {
            let debt = self.debt_of(cx, account);
            if debt == 0 { Ok(U256::MAX) } else { self.health(cx, account, debt) }
        }

        /// Adds the interest until now to debts. Everything that depends on it does so itself.
        pub fn accrue(&mut self, cx: &mut Context) {
            self.settle(cx);
        }
    }

    /// What lenders do.
    impl LendingPool {
        /// Takes `assets` of the caller's for shares.
        #[returns(shares)]
        pub fn supply(&mut self, cx: &mut Context, assets: U256) -> Result<U256> {
            let account = cx.sender();
            let totals = self.settle(cx);
            let shares = self.to_shares(assets, totals.assets, Rounding::Floor);
            ensure!(shares > 0, NothingMoved);
            take(cx, self.asset(), assets)?;
            self.cash.add(assets);
            self.suppliers.at_mut(account).add(shares);
            self.supply_shares.add(shares);
            cx.emit(Supplied { account, assets, shares });
            Ok(shares)
        }

        /// Pays the caller `assets`, for as many shares as it takes.
        #[returns(shares)]
        pub fn withdraw(&mut self, cx: &mut Context, assets: U256) -> Result<U256> {
            let totals = self.settle(cx);
            let shares = self.to_shares(assets, totals.assets, Rounding::Ceil);
            self.give_back(cx, assets, shares)?;
            Ok(shares)
        }

        /// Takes `shares` of the caller's and pays what they are worth.
        #[returns(assets)]
        pub fn redeem(&mut self, cx: &mut Context, shares: U256) -> Result<U256> {
            let totals = self.settle(cx);
            let assets = self.to_assets(shares, totals.assets, Rounding::Floor);
            self.give_back(cx, assets, shares)?;
            Ok(assets)
        }
    }

    /// What borrowers do.
    impl LendingPool {
        /// Takes `amount` of the collateral from the caller.
        pub fn add_collateral(&mut self, cx: &mut Context, amount: U256) -> Result<()> {
            let account = cx.sender();
            ensure!(amount > 0, NothingMoved);
            take(cx, self.collateral(), amount)?;
            self.borrowers.at_mut(account).collateral.add(amount);
            cx.emit(CollateralAdded { account, amount });
            Ok(())
        }

        /// Gives the caller `amount` of its collateral back, if the rest covers its debt.
        pub fn remove_collateral(&mut self, cx: &mut Context, amount: U256) -> Result<()> {
            let account = cx.sender();
            let has = self.collateral_of(account);
            ensure!(amount > 0, NothingMoved);
            ensure!(amount <= has, NotEnough { has, needed: amount });
            let totals = self.settle(cx);
            self.borrowers.at_mut(account).collateral.set(has - amount);
            self.check_covered(cx, account, totals.debt)?;
            cx.emit(CollateralRemoved { account, amount });
            pay(cx, self.collateral(), account, amount);
            Ok(())
        }

        /// Lends the caller `assets`, if its collateral covers them.
        pub fn borrow(&mut self, cx: &mut Context, assets: U256) -> Result<()> {
            let account = cx.sender();
            ensure!(assets > 0, NothingMoved);
            let totals = self.settle(cx);
            ensure!(assets <= totals.cash, NotEnoughCash { cash: totals.cash, needed: assets });
            let shares = self.to_debt_shares(assets, totals.debt, Rounding::Ceil);
            self.borrowers.at_mut(account).debt_shares.add(shares);
            self.debt_shares.add(shares);
            self.debt.add(assets);
            self.cash.sub(assets);
            self.check_covered(cx, account, self.debt.get())?;
            cx.emit(Borrowed { account, assets });
            pay(cx, self.asset(), account, assets);
            Ok(())
        }

        /// Pays `assets` of `account`'s debt back, or all of it if that is less. Gives what was paid.
        #[returns(paid)]
        pub fn repay(&mut self, cx: &mut Context, account: Address, assets: U256) -> Result<U256> {
            let totals = self.settle(cx);
            let paid = assets.min(self.owed(account, totals.debt));
            ensure!(paid > 0, NothingMoved);
            take(cx, self.asset(), paid)?;
            self.pay_off(account, paid, totals.debt);
            cx.emit(Repaid { payer: cx.sender(), account, assets: paid });
            Ok(paid)
        }

        /// Pays `assets` of the debt of `account`, which is not covered, or as much as is liquidated at once if that is less:
        /// so a borrower who pays a unit back just before keeps nobody from it. Takes collateral worth 5 % more, at least
        /// `least`. Where the collateral is worth less than that, it takes all of it and pays accordingly less. What is then
        /// left of the debt nobody will pay. Gives what was paid and what was taken.
        #[returns(paid, seized)]
        pub fn liquidate(
            &mut self,
            cx: &mut Context,
            account: Address,
            assets: U256,
            least: U256,
        ) -> Result<(U256, U256)> {
            let totals = self.settle(cx);
            let owed = self.owed(account, totals.debt);
            let health = if owed == 0 { U256::MAX } else { self.health(cx, account, owed)? };
            ensure!(health < WAD, Healthy { account, health });
            let part = if health < CRITICAL_HEALTH { WAD } else { CLOSE_FACTOR };
            let assets = assets.min(owed.mul_div(part, WAD, Rounding::Ceil));
            ensure!(assets > 0, NothingMoved);
            let price = self.price(cx)?;
            let has = self.collateral_of(account);
            let wanted = assets.mul_div(LIQUIDATION_INCENTIVE, WAD, Rounding::Floor);
            let wanted = wanted.mul_div(PRICE_SCALE, price, Rounding::Floor);
            let (paid, seized) = if wanted <= has {
                (assets, wanted)
            } else {
                let worth = has.mul_div(price, PRICE_SCALE, Rounding::Ceil);
                (worth.mul_div(WAD, LIQUIDATION_INCENTIVE, Rounding::Ceil).min(assets), has)
            };
            ensure!(seized >= least, TooLittleSeized { seized, least });
            take(cx, self.asset(), paid)?;
            self.pay_off(account, paid, totals.debt);
            self.borrowers.at_mut(account).collateral.set(has - seized);
            cx.emit(Liquidated { liquidator: cx.sender(), account, assets: paid, seized });
            if seized == has {
                self.write_off(cx, account);
            }
            pay(cx, self.collateral(), cx.sender(), seized);
            Ok((paid, seized))
        }
    }

    impl LendingPool {
        /// Pays the owner's part of the interest out.
        #[only(ownable.owner)]
        pub fn collect_reserves(&mut self, cx: &mut Context, to: Address, assets: U256) -> Result<()> {
            let totals = self.settle(cx);
            ensure!(assets <= totals.reserves, NotEnough { has: totals.reserves, needed: assets });
            ensure!(assets <= totals.cash, NotEnoughCash { cash: totals.cash, needed: assets });
            self.reserves.sub(assets);
            self.cash.sub(assets);
            pay(cx, self.asset(), to, assets);
            Ok(())
        }

        /// What all have and owe with interest until now, the interest since it was written down, and what is left over of a
        /// unit of it.
        fn accrued(&self, cx: &Context) -> (Totals, Accrued, U256) {
            let (cash, debt, reserves) = (self.cash.get(), self.debt.get(), self.reserves.get());
            let seconds = cx.timestamp().saturating_sub(self.accrued_at.get());
            let rate = yearly_rate(utilization(debt, (cash + debt).saturating_sub(reserves)));
            let (interest, left) = interest(debt, rate, seconds, self.left_over.get().get());
            let reserved = interest.mul_div(RESERVE_FACTOR, WAD, Rounding::Floor);
            let (debt, reserves) = (debt + interest, reserves + reserved);
            let totals = Totals { cash, debt, reserves, assets: (cash + debt).saturating_sub(reserves) };
            (totals, Accrued { interest, reserved }, left)
        }

        /// Writes the interest until now down.
        fn settle(&mut self, cx: &mut Context) -> Totals {
            let (totals, accrued, left) = self.accrued(cx);
            self.accrued_at.set(cx.timestamp());
            self.left_over.set(Uint::new(left).unwrap_or_default());
            if accrued.interest > 0 {
                self.debt.set(totals.debt);
                self.reserves.set(totals.reserves);
                cx.emit(accrued);
            }
            totals
        }

        fn to_shares(&self, assets: U256, all: U256, rounding: Rounding) -> U256 {
            assets.mul_div(self.supply_shares.get() + VIRTUAL_SHARES, all + 1, rounding)
        }

        fn to_assets(&self, shares: U256, all: U256, rounding: Rounding) -> U256 {
            shares.mul_div(all + 1, self.supply_shares.get() + VIRTUAL_SHARES, rounding)
        }

        fn to_debt_shares(&self, assets: U256, debt: U256, rounding: Rounding) -> U256 {
            assets.mul_div(self.debt_shares.get() + VIRTUAL_SHARES, debt + 1, rounding)
        }

        /// What `account` owes of all debts.
        fn owed(&self, account: Address, debt: U256) -> U256 {
            let shares = self.borrowers.at(account).debt_shares.get();
            shares.mul_div(debt + 1, self.debt_shares.get() + VIRTUAL_SHARES, Rounding::Ceil)
        }

        fn price(&self, cx: &Context) -> Result<U256> {
            let (price, updated_at) = IOracleHandle::at(self.oracle()).price().call(cx);
            let now = cx.timestamp();
            let is_fresh = updated_at <= now && now - updated_at <= PRICE_LIFETIME;
            ensure!(price > 0 && is_fresh, InvalidPrice { price, updated_at });
            Ok(price)
        }

        /// What `account`'s collateral is worth.
        fn worth(&self, cx: &Context, account: Address) -> Result<U256> {
            Ok(self.collateral_of(account).mul_div(self.price(cx)?, PRICE_SCALE, Rounding::Floor))
        }

        fn health(&self, cx: &Context, account: Address, owed: U256) -> Result<U256> {
            Ok(self.worth(cx, account)?.mul_div(LIQUIDATION_THRESHOLD, owed, Rounding::Floor))
        }

        /// Refuses a debt that is too large for its collateral; none needs no price.
        fn check_covered(&self, cx: &Context, account: Address, all: U256) -> Result<()> {
            let debt = self.owed(account, all);
            if debt > 0 {
                let limit = self.worth(cx, account)?.mul_div(LOAN_TO_VALUE, WAD, Rounding::Floor);
                ensure!(debt <= limit, Undercollateralized { debt, limit });
            }
            Ok(())
        }

        fn give_back(&mut self, cx: &mut Context, assets: U256, shares: U256) -> Result<()> {
            let account = cx.sender();
            let (has, cash) = (self.shares_of(account), self.cash.get());
            ensure!(assets > 0 && shares > 0, NothingMoved);
            ensure!(shares <= has, NotEnough { has, needed: shares });
            ensure!(assets <= cash, NotEnoughCash { cash, needed: assets });
            self.suppliers.set(account, has - shares);
            self.supply_shares.sub(shares);
            self.cash.set(cash - assets);
            cx.emit(Withdrawn { account, assets, shares });
            pay(cx, self.asset(), account, assets);
            Ok(())
        }

        /// Takes what came in off a debt. Debts are rounded up, so all of them together may be a little more than what is
        /// written down of them.
        fn pay_off(&mut self, account: Address, paid: U256, debt: U256) {
            let has = self.borrowers.at(account).debt_shares.get();
            let is_whole = paid == self.owed(account, debt);
            let shares = if is_whole { has } else { self.to_debt_shares(paid, debt, Rounding::Floor).min(has) };
            self.borrowers.at_mut(account).debt_shares.set(has - shares);
            self.debt_shares.sub(shares);
            self.set_debt(debt.saturating_sub(paid));
            self.cash.add(paid);
        }

        /// What the virtual shares owe nobody pays: with the last borrower it is forgotten.
        fn set_debt(&mut self, debt: U256) {
            self.debt.set(if self.debt_shares.get() == 0 { U256::ZERO } else { debt });
        }

        /// Forgets what is left of a debt without collateral.
        fn write_off(&mut self, cx: &mut Context, account: Address) {
            let debt = self.debt.get();
            let assets = self.owed(account, debt).min(debt);
            let shares = self.borrowers.at(account).debt_shares.get();
            if shares > 0 {
                self.borrowers.at_mut(account).debt_shares.clear();
                self.debt_shares.sub(shares);
                self.set_debt(debt - assets);
                self.reserves.update(|reserves| reserves.saturating_sub(assets));
                cx.emit(BadDebt { account, assets });
            }
        }
    }

    /// Tokens come before anything is given for them.
    fn take(cx: &mut Context, token: Address, amount: U256) -> Result<()> {
        let (token, this) = (ITokenHandle::at(token), cx.address());
        let before = token.balance_of(this).call(cx);
        token.transfer_from(cx.sender(), this, amount).call_optional(cx);
        let received = token.balance_of(this).call(cx).saturating_sub(before);
        ensure!(received >= amount, TokensMissing { amount, received });
        Ok(())
    }

    /// Tokens go when everything else is done.
    fn pay(cx: &mut Context, token: Address, to: Address, amount: U256) {
        ITokenHandle::at(token).transfer(to, amount).call_optional(cx);
    }
}
pub use lending_pool::*;
