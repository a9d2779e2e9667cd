//! A market for one question, after Gnosis' `ConditionalTokens` and `FixedProductMarketMaker`. What differs:
//!
//! - Positions, shares and market maker are one contract: ids of its ERC-1155 tokens. The outcome is the first argument.
//! - There is no pool of fees: a fee is split into both positions, and these stay with the reserves. So a share is worth more
//!   of both with every trade, and moves with what it earned.
//! - Whoever adds funds pays what the shares cost, which may be less than was offered. The model takes all of it, and what is
//!   lost to rounding is the other providers'. Funds are first added at even odds.
//! - Fees are rounded up, and errors have names.
#![no_std]
use esker_components::tokens::erc1155::{Erc1155, Error as TokenError, IErc1155 as _};
use esker_sdk::prelude::*;

/// What is asked of the collateral. It moves what it says, all of it, and balances change by nothing else.
#[interface]
pub trait IToken {
    /// How many tokens `account` has.
    fn balance_of(&self, account: Address) -> U256;
    /// Moves the caller's tokens.
    fn transfer(&mut self, to: Address, value: U256) -> bool;
    /// Moves `from`'s tokens, out of the caller's allowance.
    fn transfer_from(&mut self, from: Address, to: Address, value: U256) -> bool;
}

/// A unit of collateral is split into a No and a Yes, and both together are a unit again. So the two prices add up to one, and
/// each says how likely traders think it is: with `no` and `yes` in reserve a Yes costs `no / (no + yes)`. Once the question is
/// answered, who has the right position has the collateral.
///
/// Amounts are in the collateral's smallest unit, times in seconds. It is always rounded against the one who calls.
#[contract(erc165)]
pub mod prediction_market {
    use super::*;

    /// The id of the position that pays if the answer is no.
    pub const NO: U256 = U256::ZERO;
    /// The id of the position that pays if the answer is yes.
    pub const YES: U256 = U256::ONE;
    /// The id of a share of the market maker's reserves.
    pub const SHARE: U256 = u256!(2);
    const ONE: U256 = u256!("1e18");
    /// What part of a trade is the providers'.
    const FEE: U256 = u256!("0.02e18");

    /// How the question is answered.
    #[derive(Abi, Clone, Copy, PartialEq, Eq, Debug)]
    pub enum Outcome {
        /// Not yet.
        Open,
        /// A No is worth a unit of collateral.
        No,
        /// A Yes is worth a unit of collateral.
        Yes,
        /// Nobody answered in time: each position is worth half a unit.
        Invalid,
    }

    /// The question, who has what, and what the market maker has.
    #[storage]
    pub struct PredictionMarket {
        #[flatten]
        #[expose]
        tokens: Erc1155,
        question: Text,
        collateral: Cell<Address>,
        closes_at: Cell<u64>,
        outcome: Cell<Outcome>,
        resolver: Cell<Address>,
        resolve_by: Cell<u64>,
        no: Cell<U256>,
        yes: Cell<U256>,
        total_shares: Cell<U256>,
    }

    /// `stakeholder` split `amount` of collateral into positions.
    #[event]
    #[rustfmt::skip]
    pub struct PositionSplit { #[indexed] pub stakeholder: Address, pub amount: U256 }

    /// `stakeholder` merged `amount` of both positions into collateral.
    #[event]
    #[rustfmt::skip]
    pub struct PositionsMerge { #[indexed] pub stakeholder: Address, pub amount: U256 }

    /// The question is answered, or never will be.
    #[event]
    #[rustfmt::skip]
    pub struct ConditionResolution { pub outcome: Outcome }

    /// `redeemer` gave its positions for `payout` of collateral.
    #[event]
    #[rustfmt::skip]
    pub struct PayoutRedemption { #[indexed] pub redeemer: Address, pub payout: U256 }

    /// `funder` added so many No and Yes to the reserves.
    #[event]
    #[rustfmt::skip]
    pub struct FPMMFundingAdded { #[indexed] pub funder: Address, pub amounts_added: Vec<U256>, pub shares_minted: U256 }

    /// `funder` took so many No and Yes out of the reserves.
    #[event]
    #[rustfmt::skip]
    pub struct FPMMFundingRemoved { #[indexed] pub funder: Address, pub amounts_removed: Vec<U256>, pub shares_burnt: U256 }

    /// `buyer` paid `investment_amount`, the fee included.
    #[event]
    pub struct FPMMBuy {
        #[indexed]
        pub buyer: Address,
        pub investment_amount: U256,
        pub fee_amount: U256,
        #[indexed]
        pub outcome_index: U256,
        pub outcome_tokens_bought: U256,
    }

    /// `seller` got `return_amount`, from which the fee was taken before.
    #[event]
    pub struct FPMMSell {
        #[indexed]
        pub seller: Address,
        pub return_amount: U256,
        pub fee_amount: U256,
        #[indexed]
        pub outcome_index: U256,
        pub outcome_tokens_sold: U256,
    }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        #[from] Token(TokenError),
        /// Trading ends in the future, and the answer is due after that.
        InvalidTerms { closes_at: u64, resolve_by: u64 },
        /// Trading has ended.
        Closed { closes_at: u64 },
        /// Trading has not ended.
        NotClosed { closes_at: u64 },
        /// It is too late for an answer.
        TooLate { resolve_by: u64 },
        /// It is not too late for an answer.
        NotTooLate { resolve_by: u64 },
        /// It is decided.
        AlreadyResolved { outcome: Outcome },
        /// Nothing is decided.
        NotResolved,
        /// Only the resolver may.
        NotResolver { caller: Address },
        /// There is 0, No, and 1, Yes.
        NoSuchOutcome { outcome_id: u8 },
        /// The amount is zero, or so small that it is worth nothing.
        NothingMoved,
        /// The market maker has nothing to trade with.
        NoFunding,
        /// The market maker has too little of the other position to pay that.
        InsufficientReserve { reserve: U256, needed: U256 },
        /// The buyer would get fewer than it asked for.
        TooFewTokens { tokens: U256, min_tokens: U256 },
        /// The seller would give more than it offered.
        TooManyTokens { tokens: U256, max_tokens: U256 },
        /// The collateral said that it moved more than came.
        TokensMissing { amount: U256, received: U256 },
    }
    use Error::*;
    type Result<T> = core::result::Result<T, Error>;

    /// What anybody may ask.
    #[rustfmt::skip]
    impl PredictionMarket {
        /// What is asked.
        pub fn question(&self) -> String { self.question.get() }
        /// The token that positions are worth.
        pub fn collateral(&self) -> Address { self.collateral.get() }
        /// Who answers.
        pub fn resolver(&self) -> Address { self.resolver.get() }
        /// From then on nobody trades, and the resolver may answer.
        pub fn closes_at(&self) -> u64 { self.closes_at.get() }
        /// From then on the resolver may no longer answer.
        pub fn resolve_by(&self) -> u64 { self.resolve_by.get() }
        /// How the question is answered.
        pub fn outcome(&self) -> Outcome { self.outcome.get() }
        /// How many of either position the market maker has.
        #[returns(no, yes)]
        pub fn reserves(&self) -> (U256, U256) { (self.no.get(), self.yes.get()) }
        /// How many shares of the reserves there are.
        pub fn total_shares(&self) -> U256 { self.total_shares.get() }
        /// What part of a trade is the providers', in 10^-18.
        pub fn fee() -> U256 { FEE }
    }

    impl PredictionMarket {
        /// A market that trades until `closes_at` and is answered by `resolver` before `resolve_by`.
        #[constructor]
        pub fn new(
            &mut self,
            cx: &Context,
            collateral: Address,
            resolver: Address,
            question: &str,
            closes_at: u64,
            resolve_by: u64,
        ) -> Result<()> {
            let are_ahead = cx.timestamp() < closes_at && closes_at < resolve_by;
            ensure!(are_ahead, InvalidTerms { closes_at, resolve_by });
            self.collateral.set(collateral);
            self.resolver.set(resolver);
            self.question.set(question);
            self.closes_at.set(closes_at);
            self.resolve_by.set(resolve_by);
            Ok(())
        }

        /// Takes `amount` of the caller's collateral for as many of both positions.
        pub fn split(&mut self, cx: &mut Context, amount: U256) -> Result<()> {
            let stakeholder = cx.sender();
            self.take(cx, amount)?;
            cx.emit(PositionSplit { stakeholder, amount });
            self.tokens.mint(cx, stakeholder, &[NO, YES], &[amount, amount], &[])?;
            Ok(())
        }

        /// Takes `amount` of both of the caller's positions for as much collateral, whatever the answer.
        pub fn merge(&mut self, cx: &mut Context, amount: U256) -> Result<()> {
            let stakeholder = cx.sender();
            self.tokens.burn(cx, stakeholder, &[NO, YES], &[amount, amount])?;
            cx.emit(PositionsMerge { stakeholder, amount });
            self.pay(cx, amount);
            Ok(())
        }
    }

    /// What providers do.
    impl PredictionMarket {
        /// Splits up to `amount` of the caller's collateral for the reserves, in the proportion that they have, and gives shares
        /// for it. The caller gets the positions that are left over, of the one which is dearer.
        #[returns(shares)]
        pub fn add_funding(&mut self, cx: &mut Context, amount: U256) -> Result<U256> {
            self.check_trading(cx)?;
            let (funder, supply, (no, yes)) = (cx.sender(), self.total_shares(), self.reserves());
            let (shares, added) = if supply == 0 {
                (amount, [amount, amount])
            } else {
                // What shares cost follows from them, and not from the amount: so a share that was made dear costs nobody more
                // than it is worth.
                let shares = amount.mul_div(supply, no.max(yes), Rounding::Floor);
                (shares, [no, yes].map(|reserve| shares.mul_div(reserve, supply, Rounding::Ceil)))
            };
            ensure!(shares > 0, NothingMoved);
            let [no_added, yes_added] = added;
            let sets = no_added.max(yes_added);
            self.take(cx, sets)?;
            self.no.set(no + no_added);
            self.yes.set(yes + yes_added);
            self.total_shares.set(supply + shares);
            cx.emit(FPMMFundingAdded { funder, amounts_added: added.to_vec(), shares_minted: shares });
            let given = [sets - no_added, sets - yes_added, shares];
            self.tokens.mint(cx, funder, &[NO, YES, SHARE], &given, &[])?;
            Ok(shares)
        }

        /// Gives the caller what part of the reserves its `shares` are, as positions. Both together can be merged.
        #[returns(no, yes)]
        pub fn remove_funding(&mut self, cx: &mut Context, shares: U256) -> Result<(U256, U256)> {
            let (funder, supply, (no, yes)) = (cx.sender(), self.total_shares(), self.reserves());
            ensure!(shares > 0, NothingMoved);
            self.tokens.burn(cx, funder, &[SHARE], &[shares])?;
            let removed = [no, yes].map(|reserve| shares.mul_div(reserve, supply, Rounding::Floor));
            let [no_removed, yes_removed] = removed;
            self.no.set(no - no_removed);
            self.yes.set(yes - yes_removed);
            self.total_shares.set(supply - shares);
            cx.emit(FPMMFundingRemoved { funder, amounts_removed: removed.to_vec(), shares_burnt: shares });
            self.tokens.mint(cx, funder, &[NO, YES], &removed, &[])?;
            Ok((no_removed, yes_removed))
        }
    }

    /// What traders do. Of the reserves' product nothing is ever traded away: without the fee it stays what it is, but for
    /// rounding.
    impl PredictionMarket {
        /// How many of an outcome `investment` of collateral buys, the fee included.
        #[returns(tokens)]
        pub fn calc_buy_amount(&self, outcome_id: u8, investment: U256) -> Result<U256> {
            let (bought, other) = self.sides(outcome_id)?;
            let split = investment - fee_on(investment);
            Ok(bought + split - bought.mul_div(other, other + split, Rounding::Ceil))
        }

        /// Buys an outcome for `investment` of the caller's collateral, the fee included: at least `min_tokens`.
        #[returns(tokens)]
        pub fn buy(&mut self, cx: &mut Context, outcome_id: u8, investment: U256, min_tokens: U256) -> Result<U256> {
            self.check_trading(cx)?;
            let (buyer, outcome_index) = (cx.sender(), U256::from(outcome_id));
            let (bought, other) = self.sides(outcome_id)?;
            let tokens = self.calc_buy_amount(outcome_id, investment)?;
            ensure!(tokens > 0, NothingMoved);
            ensure!(tokens >= min_tokens, TooFewTokens { tokens, min_tokens });
            self.take(cx, investment)?;
            self.set_sides(outcome_id, bought + investment - tokens, other + investment);
            cx.emit(FPMMBuy {
                buyer,
                investment_amount: investment,
                fee_amount: fee_on(investment),
                outcome_index,
                outcome_tokens_bought: tokens,
            });
            self.tokens.mint(cx, buyer, &[outcome_index], &[tokens], &[])?;
            Ok(tokens)
        }

        /// How many of an outcome it takes to be paid `return_amount` of collateral, after the fee.
        #[returns(tokens)]
        pub fn calc_sell_amount(&self, outcome_id: u8, return_amount: U256) -> Result<U256> {
            let (sold, other) = self.sides(outcome_id)?;
            let merged = with_fee(return_amount);
            ensure!(merged < other, InsufficientReserve { reserve: other, needed: merged });
            Ok(merged + sold.mul_div(other, other - merged, Rounding::Ceil) - sold)
        }

        /// Sells so many of an outcome that the caller is paid `return_amount` of collateral: at most `max_tokens`.
        #[returns(tokens)]
        pub fn sell(
            &mut self,
            cx: &mut Context,
            outcome_id: u8,
            return_amount: U256,
            max_tokens: U256,
        ) -> Result<U256> {
            self.check_trading(cx)?;
            let (seller, outcome_index) = (cx.sender(), U256::from(outcome_id));
            let (sold, other) = self.sides(outcome_id)?;
            let tokens = self.calc_sell_amount(outcome_id, return_amount)?;
            ensure!(tokens > 0, NothingMoved);
            ensure!(tokens <= max_tokens, TooManyTokens { tokens, max_tokens });
            self.tokens.burn(cx, seller, &[outcome_index], &[tokens])?;
            self.set_sides(outcome_id, sold + tokens - return_amount, other - return_amount);
            cx.emit(FPMMSell {
                seller,
                return_amount,
                fee_amount: with_fee(return_amount) - return_amount,
                outcome_index,
                outcome_tokens_sold: tokens,
            });
            self.pay(cx, return_amount);
            Ok(tokens)
        }
    }

    /// How it ends.
    impl PredictionMarket {
        /// Answers the question, once; for the resolver, after trading.
        pub fn resolve(&mut self, cx: &mut Context, yes: bool) -> Result<()> {
            let (now, closes_at, resolve_by) = (cx.timestamp(), self.closes_at(), self.resolve_by());
            ensure!(cx.sender() == self.resolver(), NotResolver { caller: cx.sender() });
            ensure!(now >= closes_at, NotClosed { closes_at });
            ensure!(now < resolve_by, TooLate { resolve_by });
            self.decide(cx, if yes { Outcome::Yes } else { Outcome::No })
        }

        /// Makes each position worth half, once the resolver let its time pass; for anybody.
        pub fn void(&mut self, cx: &mut Context) -> Result<()> {
            let resolve_by = self.resolve_by();
            ensure!(cx.timestamp() >= resolve_by, NotTooLate { resolve_by });
            self.decide(cx, Outcome::Invalid)
        }

        /// Takes all positions of the caller for what they are worth.
        #[returns(payout)]
        pub fn redeem(&mut self, cx: &mut Context) -> Result<U256> {
            let redeemer = cx.sender();
            let [no, yes] = [NO, YES].map(|id| self.tokens.balance_of(redeemer, id));
            let payout = match self.outcome() {
                Outcome::Open => return Err(NotResolved),
                Outcome::No => no,
                Outcome::Yes => yes,
                Outcome::Invalid => no.min(yes) + no.abs_diff(yes) / 2,
            };
            ensure!(payout > 0, NothingMoved);
            self.tokens.burn(cx, redeemer, &[NO, YES], &[no, yes])?;
            cx.emit(PayoutRedemption { redeemer, payout });
            self.pay(cx, payout);
            Ok(payout)
        }

        fn decide(&mut self, cx: &mut Context, outcome: Outcome) -> Result<()> {
            let before = self.outcome.replace(outcome);
            ensure!(before == Outcome::Open, AlreadyResolved { outcome: before });
            cx.emit(ConditionResolution { outcome });
            Ok(())
        }

        fn check_trading(&self, cx: &Context) -> Result<()> {
            let closes_at = self.closes_at();
            ensure!(cx.timestamp() < closes_at, Closed { closes_at });
            Ok(())
        }

        /// What the market maker has of an outcome, and of the other one. It has something of both or of none.
        fn sides(&self, outcome_id: u8) -> Result<(U256, U256)> {
            let (no, yes) = self.reserves();
            ensure!(outcome_id <= 1, NoSuchOutcome { outcome_id });
            ensure!(no > 0, NoFunding);
            Ok(if outcome_id == 0 { (no, yes) } else { (yes, no) })
        }

        fn set_sides(&mut self, outcome_id: u8, this: U256, other: U256) {
            let (no, yes) = if outcome_id == 0 { (this, other) } else { (other, this) };
            self.no.set(no);
            self.yes.set(yes);
        }

        /// Collateral comes before anything is given for it.
        fn take(&self, cx: &mut Context, amount: U256) -> Result<()> {
            let (token, this) = (ITokenHandle::at(self.collateral()), cx.address());
            let before = token.balance_of(this).call(cx);
            token.transfer_from(cx.sender(), this, amount).call_optional(cx);
            let received = token.balance_of(this).call(cx).saturating_sub(before);
            ensure!(received >= amount, TokensMissing { amount, received });
            Ok(())
        }

        /// Collateral goes to the caller when everything else is done.
        fn pay(&self, cx: &mut Context, amount: U256) {
            ITokenHandle::at(self.collateral()).transfer(cx.sender(), amount).call_optional(cx);
        }
    }

    /// What of an investment is the fee.
    fn fee_on(investment: U256) -> U256 {
        investment.mul_div(FEE, ONE, Rounding::Ceil)
    }

    /// What has to be merged so that `amount` is left after the fee.
    fn with_fee(amount: U256) -> U256 {
        amount.mul_div(ONE, ONE - FEE, Rounding::Ceil)
    }
}
pub use prediction_market::*;
