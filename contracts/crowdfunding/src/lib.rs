//! Collects coins for campaigns: one that reaches its goal in time is paid out, and one that does not pays everybody back.
#![no_std]
use esker_sdk::prelude::*;

/// Campaigns, and who gave how much to which.
#[contract]
pub mod crowdfunding {
    use super::*;

    /// A campaign. Amounts are in wei, times in seconds.
    #[derive(Abi, Stored)]
    pub struct Campaign {
        /// Who gets the coins if the goal is reached.
        pub creator: Address,
        /// From then on nobody gives any more, and it is decided.
        pub deadline: u64,
        /// Whether the creator has the coins.
        pub is_paid: bool,
        /// What must be pledged before the deadline.
        pub goal: U256,
        /// What is pledged.
        pub pledged: U256,
    }

    /// All campaigns.
    #[storage]
    pub struct Crowdfunding {
        campaigns: List<Campaign>,
        pledges: Map<(u64, Address), U256>,
    }

    /// A campaign began.
    #[event]
    #[rustfmt::skip]
    pub struct Launched { #[indexed] pub id: u64, #[indexed] pub creator: Address, pub goal: U256, pub deadline: u64 }

    /// Somebody gave `amount` wei.
    #[event]
    #[rustfmt::skip]
    pub struct Pledged { #[indexed] pub id: u64, #[indexed] pub by: Address, pub amount: U256 }

    /// Somebody took `amount` wei back: before the deadline, or because the goal was missed.
    #[event]
    #[rustfmt::skip]
    pub struct TakenBack { #[indexed] pub id: u64, #[indexed] pub by: Address, pub amount: U256 }

    /// The creator was paid `amount` wei.
    #[event]
    #[rustfmt::skip]
    pub struct PaidOut { #[indexed] pub id: u64, pub amount: U256 }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// There is no such campaign.
        NoCampaign { id: u64 },
        /// A goal is more than nothing, and a deadline lies ahead.
        InvalidTerms { goal: U256, deadline: u64 },
        /// The deadline has passed.
        Ended { deadline: u64 },
        /// The deadline has not passed.
        NotEnded { deadline: u64 },
        /// The goal was reached: the coins are the creator's.
        Reached { goal: U256, pledged: U256 },
        /// The goal was missed: the coins are their givers'.
        Missed { goal: U256, pledged: U256 },
        /// Only the creator may.
        NotCreator { caller: Address },
        /// The creator has been paid.
        AlreadyPaid { id: u64 },
        /// The caller gave less than that.
        TooLittle { pledged: U256, amount: U256 },
        /// The receiver did not take the coins.
        NotTaken { receiver: Address },
    }
    use Error::*;

    impl Crowdfunding {
        /// Begins a campaign that wants `goal` wei before `deadline`, in seconds; gives its id.
        #[returns(id)]
        pub fn launch(&mut self, cx: &mut Context, goal: U256, deadline: u64) -> Result<u64, Error> {
            ensure!(goal > 0 && deadline > cx.timestamp(), InvalidTerms { goal, deadline });
            let (id, creator) = (self.campaigns.len(), cx.sender());
            self.campaigns.push(Campaign { creator, deadline, is_paid: false, goal, pledged: U256::ZERO });
            cx.emit(Launched { id, creator, goal, deadline });
            Ok(id)
        }

        /// Gives what is sent along. More than the goal is welcome.
        #[payable]
        pub fn pledge(&mut self, cx: &mut Context, id: u64) -> Result<(), Error> {
            self.check_running(cx, id)?;
            let (by, amount) = (cx.sender(), cx.value());
            self.campaigns.at_mut(id).pledged.add(amount);
            self.pledges.at_mut((id, by)).add(amount);
            cx.emit(Pledged { id, by, amount });
            Ok(())
        }

        /// Takes back `amount` wei of what one gave, before the deadline.
        pub fn unpledge(&mut self, cx: &mut Context, id: u64, amount: U256) -> Result<(), Error> {
            self.check_running(cx, id)?;
            self.give_back(cx, id, amount)
        }

        /// Pays the creator, once, if the goal was reached by the deadline.
        pub fn claim(&mut self, cx: &mut Context, id: u64) -> Result<(), Error> {
            let Campaign { creator, is_paid, goal, pledged, .. } = self.ended(cx, id)?;
            ensure!(cx.sender() == creator, NotCreator { caller: cx.sender() });
            ensure!(pledged >= goal, Missed { goal, pledged });
            ensure!(!is_paid, AlreadyPaid { id });
            self.campaigns.at_mut(id).is_paid.set(true);
            cx.emit(PaidOut { id, amount: pledged });
            cx.send(creator, pledged).map_err(|_| NotTaken { receiver: creator })
        }

        /// Takes back all that one gave, if the goal was missed.
        pub fn refund(&mut self, cx: &mut Context, id: u64) -> Result<(), Error> {
            let Campaign { goal, pledged, .. } = self.ended(cx, id)?;
            ensure!(pledged < goal, Reached { goal, pledged });
            self.give_back(cx, id, self.pledges.get((id, cx.sender())))
        }

        /// How many campaigns there are; their ids begin with 0.
        pub fn count(&self) -> u64 {
            self.campaigns.len()
        }

        /// A campaign as it stands.
        pub fn campaign(&self, id: u64) -> Result<Campaign, Error> {
            ensure!(id < self.campaigns.len(), NoCampaign { id });
            Ok(self.campaigns.get(id))
        }

        /// What somebody has in a campaign, in wei.
        pub fn pledge_of(&self, id: u64, account: Address) -> U256 {
            self.pledges.get((id, account))
        }

        fn check_running(&self, cx: &Context, id: u64) -> Result<(), Error> {
            let deadline = self.campaign(id)?.deadline;
            ensure!(cx.timestamp() < deadline, Ended { deadline });
            Ok(())
        }

        fn ended(&self, cx: &Context, id: u64) -> Result<Campaign, Error> {
            let campaign = self.campaign(id)?;
            ensure!(cx.timestamp() >= campaign.deadline, NotEnded { deadline: campaign.deadline });
            Ok(campaign)
        }

        /// What is kept changes before anybody is called, so calling back gains nothing.
        fn give_back(&mut self, cx: &mut Context, id: u64, amount: U256) -> Result<(), Error> {
            let by = cx.sender();
            let left = self.pledges.at_mut((id, by)).try_sub(amount);
            left.map_err(|pledged| TooLittle { pledged, amount })?;
            self.campaigns.at_mut(id).pledged.sub(amount);
            cx.emit(TakenBack { id, by, amount });
            cx.send(by, amount).map_err(|_| NotTaken { receiver: by })
        }
    }
}
pub use self::crowdfunding::*;
