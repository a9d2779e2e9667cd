//! Holds a price until buyer and seller agree, or the arbiter whom they both accepted decides.
//!
//! Whose coins they are is decided in one call, and they are paid in another, by whoever gets them: nobody can keep a deal
//! open by refusing coins.
#![no_std]
use esker_sdk::prelude::*;

/// Deals, and what they left to whom.
#[contract]
pub mod escrow {
    use super::*;

    /// Where a deal stands.
    #[derive(Abi, Clone, Copy, Debug, PartialEq, Eq)]
    pub enum DealState {
        /// Nothing is decided.
        Open,
        /// The price is the seller's.
        Released,
        /// The price is the buyer's again.
        Refunded,
    }

    /// A deal.
    #[derive(Abi, Stored)]
    pub struct Deal {
        /// Who paid.
        pub buyer: Address,
        /// From then on the buyer may take the price back, in seconds.
        pub deadline: u64,
        /// Who delivers.
        pub seller: Address,
        /// Where it stands.
        pub state: DealState,
        /// Who decides if they do not agree.
        pub arbiter: Address,
        /// How much was paid, in wei.
        pub price: U256,
    }

    /// All deals, and what everybody may withdraw.
    #[storage]
    pub struct Escrow {
        deals: List<Deal>,
        credits: Map<Address, U256>,
    }

    /// A buyer paid for something.
    #[event]
    pub struct Opened {
        #[indexed]
        pub id: u64,
        #[indexed]
        pub buyer: Address,
        #[indexed]
        pub seller: Address,
        pub arbiter: Address,
        pub price: U256,
        pub deadline: u64,
    }

    /// The price is the seller's, as `by` says.
    #[event]
    #[rustfmt::skip]
    pub struct Released { #[indexed] pub id: u64, #[indexed] pub by: Address }

    /// The price is the buyer's again, as `by` says.
    #[event]
    #[rustfmt::skip]
    pub struct Refunded { #[indexed] pub id: u64, #[indexed] pub by: Address }

    /// `account` had `amount` wei of its own paid to `to`.
    #[event]
    #[rustfmt::skip]
    pub struct Withdrawn { #[indexed] pub account: Address, #[indexed] pub to: Address, pub amount: U256 }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// There is no such deal.
        NoDeal { id: u64 },
        /// Something is paid, to somebody else, before a deadline, and a third one decides.
        InvalidTerms,
        /// It was decided.
        Decided { id: u64, state: DealState },
        /// The caller has no say in that, or not yet.
        NotAllowed { id: u64, caller: Address },
        /// Nothing is due to the caller.
        NothingDue { account: Address },
        /// The receiver did not take the coins.
        NotTaken { receiver: Address },
    }
    use Error::*;

    impl Escrow {
        /// Pays what is sent along for something of the seller's. Gives the deal's id.
        #[payable]
        #[returns(id)]
        pub fn open(
            &mut self,
            cx: &mut Context,
            seller: Address,
            arbiter: Address,
            deadline: u64,
        ) -> Result<u64, Error> {
            let (buyer, price) = (cx.sender(), cx.value());
            let are_three = buyer != seller && buyer != arbiter && seller != arbiter;
            let are_known = !seller.is_zero() && !arbiter.is_zero();
            ensure!(are_three && are_known && price > 0 && deadline > cx.timestamp(), InvalidTerms);
            let id = self.deals.len();
            self.deals.push(Deal { buyer, deadline, seller, state: DealState::Open, arbiter, price });
            cx.emit(Opened { id, buyer, seller, arbiter, price, deadline });
            Ok(id)
        }

        /// Makes the price the seller's: the buyer has what was paid for, or the arbiter thinks so.
        pub fn release(&mut self, cx: &mut Context, id: u64) -> Result<(), Error> {
            let (deal, by) = (self.undecided(id)?, cx.sender());
            ensure!(by == deal.buyer || by == deal.arbiter, NotAllowed { id, caller: by });
            self.decide(id, DealState::Released, deal.seller, deal.price);
            cx.emit(Released { id, by });
            Ok(())
        }

        /// Makes the price the buyer's again: the seller or the arbiter wants it so, or nobody decided before the deadline.
        pub fn refund(&mut self, cx: &mut Context, id: u64) -> Result<(), Error> {
            let (deal, by) = (self.undecided(id)?, cx.sender());
            let is_late = by == deal.buyer && cx.timestamp() >= deal.deadline;
            ensure!(by == deal.seller || by == deal.arbiter || is_late, NotAllowed { id, caller: by });
            self.decide(id, DealState::Refunded, deal.buyer, deal.price);
            cx.emit(Refunded { id, by });
            Ok(())
        }

        /// Pays `to` all that is the caller's. Gives how much that is, in wei.
        #[returns(amount)]
        pub fn withdraw(&mut self, cx: &mut Context, to: Address) -> Result<U256, Error> {
            let account = cx.sender();
            let amount = self.credits.at_mut(account).replace(U256::ZERO);
            ensure!(amount > 0, NothingDue { account });
            cx.emit(Withdrawn { account, to, amount });
            cx.send(to, amount).map_err(|_| NotTaken { receiver: to })?;
            Ok(amount)
        }

        /// How many deals there are; their ids begin with 0.
        pub fn count(&self) -> u64 {
            self.deals.len()
        }

        /// A deal as it stands.
        pub fn deal(&self, id: u64) -> Result<Deal, Error> {
            ensure!(id < self.deals.len(), NoDeal { id });
            Ok(self.deals.get(id))
        }

        /// How much `account` may withdraw, in wei.
        pub fn credit_of(&self, account: Address) -> U256 {
            self.credits.get(account)
        }

        fn undecided(&self, id: u64) -> Result<Deal, Error> {
            let deal = self.deal(id)?;
            ensure!(deal.state == DealState::Open, Decided { id, state: deal.state });
            Ok(deal)
        }

        fn decide(&mut self, id: u64, state: DealState, to: Address, price: U256) {
            self.deals.at_mut(id).state.set(state);
            self.credits.at_mut(to).add(price);
        }
    }
}
pub use escrow::*;
