//! Staking: who validates, with whose coins, and what equivocating costs.
//!
//! It stands at [`STAKING`] from the first block on. After each block the runtime tells it, from [`SYSTEM`], who proposed it
//! and what it earned, and asks it for the next set at the end of each epoch. `docs/spec/staking.md` defines it.
#![no_std]
use esker_sdk::prelude::*;

mod bonding;
mod epochs;
pub mod events;
pub mod evidence;
pub mod math;
pub mod params;
mod records;
mod slashing;
mod views;

pub use bonding::{LOTS_MAX, UNBONDINGS_MAX};
pub use math::TOTAL_POWER_MAX;
pub use params::{CANDIDATES_MAX, INFLATION_MAX, Params};
pub use views::{
    DelegationInfo, GenesisValidator, LotInfo, NextValidator, SlashInfo, Totals, UnbondingInfo, ValidatorInfo,
};

const fn reserved(last: u8) -> Address {
    let mut bytes = [0; 20];
    (bytes[18], bytes[19]) = (0x10, last);
    Address(bytes)
}

/// Where the contract stands.
pub const STAKING: Address = reserved(0x01);
/// Who makes the runtime's own calls.
pub const SYSTEM: Address = {
    let mut bytes = [0xff; 20];
    bytes[19] = 0xfe;
    Address(bytes)
};
/// Most bytes of a validator's name.
pub const NAME_MAX: usize = 64;

/// The contract.
#[contract(events(
    events::ValidatorCreated,
    events::ValidatorEdited,
    events::CandidateEntered,
    events::CandidateReplaced,
    events::Delegated,
    events::Undelegated,
    events::Redelegated,
    events::Withdrawn,
    events::RewardsClaimed,
    events::CommissionClaimed,
    events::ReportClaimed,
    events::Unjailed,
    events::Slashed,
    events::SlashSettled,
))]
pub mod staking {
    use super::*;
    use crate::events::*;
    use crate::math::{WHOLE_BPS, amount};
    use crate::params::ParamsStore;
    use crate::records::*;

    /// All that is remembered.
    #[storage]
    pub struct Staking {
        pub(crate) params: ParamsStore,
        pub(crate) totals: TotalsRecord,
        /// Zero before the first block.
        pub(crate) genesis_hash: Cell<B256>,
        pub(crate) validators: Map<Address, ValidatorRecord>,
        /// Whose key this is.
        pub(crate) key_owners: Map<B256, Address>,
        pub(crate) candidates: List<Address>,
        /// The present set, as the runtime was last given it.
        pub(crate) active: List<ActiveRecord>,
        /// By delegator and validator.
        pub(crate) delegations: Map<(Address, Address), DelegationRecord>,
        /// By delegator and validator.
        pub(crate) unbondings: Map<(Address, Address), List<UnbondingRecord>>,
        /// Rewards for evidence.
        pub(crate) reports: Map<Address, u128>,
    }

    /// Why a call is refused.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        NotSystem {},
        BadParameters {},
        WrongValue { have: U256, want: U256 },
        NoValidator { validator: Address },
        ValidatorExists { operator: Address },
        KeyTaken { public_key: B256 },
        BadKey { public_key: B256 },
        BadProof {},
        CommissionTooHigh { commission_bps: u16 },
        CommissionStepTooLarge { from_bps: u16, to_bps: u16, most_bps: u16 },
        NameTooLong {},
        SelfBondTooSmall { have: U256, want: U256 },
        DelegationTooSmall { have: U256, want: U256 },
        Tombstoned { validator: Address },
        NoAmount {},
        InsufficientStake { have: U256, want: U256 },
        StakeAtRisk { free: U256, want: U256 },
        SameValidator {},
        TooManyLots {},
        TooManyUnbondings {},
        NothingMatured {},
        NothingToClaim {},
        PaymentRefused { to: Address },
        NotJailed {},
        StillJailed { until: u64 },
        NotEligible { validator: Address },
        AlreadyCandidate { validator: Address },
        CandidatesFull { have: U256, least: U256 },
        NotEvidence {},
        OtherChain {},
        EvidenceFromTheFuture { epoch: u64 },
        EvidenceTooOld { epoch: u64 },
        BadSignature {},
    }
    use Error::*;

    /// What the runtime calls.
    impl Staking {
        /// Runs in block 0. The value must be the sum of the self-bonds.
        #[constructor]
        #[payable]
        pub fn new(&mut self, cx: &mut Context, params: Params, validators: &[GenesisValidator]) -> Result<(), Error> {
            ensure!(params.are_sound() && validators.len() <= usize::from(CANDIDATES_MAX), BadParameters {});
            self.params.set(&params);
            let mut sum = U256::ZERO;
            for GenesisValidator { operator, public_key, commission_bps, self_bond } in validators {
                ensure!(!operator.is_zero(), BadParameters {});
                let bond = amount(*self_bond);
                sum += *self_bond;
                self.register(*operator, *public_key, *commission_bps, "")?;
                self.add_first_bond(*operator, bond)?;
                self.join_candidates(*operator)?;
            }
            ensure!(cx.value() == sum, WrongValue { have: cx.value(), want: sum });
            self.choose_set();
            Ok(())
        }

        /// Ends a block: its rewards, already part of the balance, go to its proposer; `missed` are those who should have
        /// proposed it in earlier rounds.
        pub fn end_block(
            &mut self,
            cx: &Context,
            beneficiary: Address,
            rewards: U256,
            _round: u64,
            missed: &[Address],
        ) -> Result<(), Error> {
            only_system(cx)?;
            let now = self.now(cx);
            // In block 1; should that fail, a later block still knows it.
            if self.genesis_hash.get().is_zero() {
                self.genesis_hash.set(cx.block_hash(0));
            }
            self.distribute(beneficiary, amount(rewards), now);
            self.count_slots(beneficiary, missed, now);
            Ok(())
        }

        /// Ends an epoch, in its last block: jails, and chooses the next set. If that is empty, the present one stays.
        pub fn end_epoch(&mut self, cx: &Context) -> Result<Vec<NextValidator>, Error> {
            only_system(cx)?;
            let now = self.now(cx);
            let present = self.active_set();
            self.jail_absent(&present, now);
            Ok(self.choose_set())
        }
    }

    /// What operators call.
    impl Staking {
        /// Makes the caller a validator with the value as its own stake.
        ///
        /// `proof` is the key's signature of `esker/possession/1` ‖ chain id ‖ contract ‖ operator ‖ key.
        #[payable]
        pub fn create_validator(
            &mut self,
            cx: &mut Context,
            public_key: B256,
            proof: &[u8],
            commission_bps: u16,
            name: &str,
        ) -> Result<(), Error> {
            let (operator, stake) = (cx.sender(), Self::received(cx));
            let message = evidence::possession(cx.chain_id(), cx.address(), operator, &public_key);
            ensure!(Self::has_signed(&public_key, proof, &message), BadProof {});
            self.register(operator, public_key, commission_bps, name)?;
            self.add_first_bond(operator, stake)?;
            cx.emit(ValidatorCreated { operator, public_key, commission_bps, name: name.into(), stake: stake.into() });
            self.try_to_join(cx, operator);
            Ok(())
        }

        /// Renames the caller's validator and sets its commission from the next epoch on.
        pub fn edit_validator(&mut self, cx: &mut Context, name: &str, commission_bps: u16) -> Result<(), Error> {
            let operator = cx.sender();
            let now = self.now(cx);
            let most_bps = self.params.max_commission_step_bps();
            let mut record = self.validators.at_mut(operator);
            ensure!(record.exists(), NoValidator { validator: operator });
            check_profile(name, commission_bps)?;
            let from_bps = record.commission_in(now);
            ensure!(
                from_bps.abs_diff(commission_bps) <= most_bps,
                CommissionStepTooLarge { from_bps, to_bps: commission_bps, most_bps }
            );
            record.commission_bps.set(from_bps);
            record.next_commission_bps.set(commission_bps);
            record.next_commission_epoch.set(now + 1);
            record.name.set(name);
            cx.emit(ValidatorEdited { operator, name: name.into(), commission_bps, epoch: now + 1 });
            Ok(())
        }

        /// Lets the caller's validator out of jail, once its time is over, and makes it a candidate if there is room.
        pub fn unjail(&mut self, cx: &mut Context) -> Result<(), Error> {
            let operator = cx.sender();
            let now = self.now(cx);
            let mut record = self.validators.at_mut(operator);
            ensure!(record.is_jailed.get(), NotJailed {});
            let until = record.jailed_until.get();
            ensure!(now >= until, StillJailed { until });
            record.is_jailed.set(false);
            record.jailed_until.set(0u64);
            cx.emit(Unjailed { operator });
            self.try_to_join(cx, operator);
            Ok(())
        }

        /// Makes a validator with enough stake a candidate. Anybody may.
        pub fn enter(&mut self, cx: &mut Context, validator: Address) -> Result<(), Error> {
            let replaced = self.join_candidates(validator)?;
            announce(cx, validator, replaced);
            Ok(())
        }

        /// Pays the caller its validator's commission.
        pub fn claim_commission(&mut self, cx: &mut Context) -> Result<(), Error> {
            let operator = cx.sender();
            let coins = self.validators.at_mut(operator).commission.replace(0u128);
            ensure!(coins > 0, NothingToClaim {});
            self.totals.commissions.sub(coins);
            cx.emit(CommissionClaimed { operator, amount: coins.into() });
            Self::pay(cx, operator, coins)
        }
    }

    /// What delegators call.
    impl Staking {
        /// Bonds the value to a validator.
        #[payable]
        pub fn delegate(&mut self, cx: &mut Context, validator: Address) -> Result<(), Error> {
            let (delegator, coins) = (cx.sender(), Self::received(cx));
            self.ensure_bondable(validator)?;
            let least = self.params.min_delegation();
            ensure!(coins >= least, DelegationTooSmall { have: coins.into(), want: least.into() });
            self.add_stake(delegator, validator, coins, self.now(cx));
            cx.emit(Delegated { delegator, validator, amount: coins.into() });
            Ok(())
        }

        /// Begins to take coins out of a validator.
        pub fn undelegate(&mut self, cx: &mut Context, validator: Address, amount: U256) -> Result<(), Error> {
            let (delegator, now) = (cx.sender(), self.now(cx));
            self.begin_unbonding(delegator, validator, math::amount(amount), now)?;
            cx.emit(Undelegated { delegator, validator, amount, matures: self.params.matures(now) });
            Ok(())
        }

        /// Moves bonded coins from one validator to another, at once.
        pub fn redelegate(&mut self, cx: &mut Context, from: Address, to: Address, amount: U256) -> Result<(), Error> {
            let (delegator, now) = (cx.sender(), self.now(cx));
            self.move_stake(delegator, (from, to), math::amount(amount), now)?;
            cx.emit(Redelegated { delegator, from, to, amount });
            Ok(())
        }

        /// Pays the caller what it took out of a validator and has matured.
        pub fn withdraw(&mut self, cx: &mut Context, validator: Address) -> Result<(), Error> {
            let (delegator, now) = (cx.sender(), self.now(cx));
            let coins = self.take_matured(delegator, validator, now)?;
            cx.emit(Withdrawn { delegator, validator, amount: coins.into() });
            Self::pay(cx, delegator, coins)
        }

        /// Pays the caller its rewards from a validator.
        pub fn claim_rewards(&mut self, cx: &mut Context, validator: Address) -> Result<(), Error> {
            let (delegator, now) = (cx.sender(), self.now(cx));
            let coins = self.take_rewards(delegator, validator, now);
            ensure!(coins > 0, NothingToClaim {});
            cx.emit(RewardsClaimed { delegator, validator, amount: coins.into() });
            Self::pay(cx, delegator, coins)
        }
    }

    /// What anybody may call to have offences punished.
    impl Staking {
        /// Slashes and puts out for ever a validator that signed two messages that exclude each other. The reward for it
        /// goes to `beneficiary`, so that who sends evidence need not be who is paid; the zero address means the caller.
        pub fn submit_evidence(
            &mut self,
            cx: &mut Context,
            first: &[u8],
            first_signature: &[u8],
            second: &[u8],
            second_signature: &[u8],
            beneficiary: Address,
        ) -> Result<(), Error> {
            let now = self.now(cx);
            let reporter = if beneficiary.is_zero() { cx.sender() } else { beneficiary };
            let signed = [(first, first_signature), (second, second_signature)];
            let (validator, epoch) = self.judge(cx, signed, now)?;
            let slash = self.punish(validator, epoch, reporter);
            let (amount, reward) = (slash.amount.into(), slash.reward.into());
            cx.emit(Slashed { validator, reporter, epoch: slash.epoch, amount, reward });
            Ok(())
        }

        /// Applies slashes to what a delegator has in a validator or took out of it. Does nothing if there are none.
        pub fn settle(&mut self, cx: &mut Context, delegator: Address, validator: Address) {
            let taken = self.apply_slashes(delegator, validator, self.now(cx));
            if taken > 0 {
                cx.emit(SlashSettled { delegator, validator, amount: taken.into() });
            }
        }

        /// Pays the caller its rewards for evidence.
        pub fn claim_report(&mut self, cx: &mut Context) -> Result<(), Error> {
            let reporter = cx.sender();
            let coins = self.reports.at_mut(reporter).replace(0u128);
            ensure!(coins > 0, NothingToClaim {});
            self.totals.reports.sub(coins);
            cx.emit(ReportClaimed { reporter, amount: coins.into() });
            Self::pay(cx, reporter, coins)
        }
    }

    /// What anybody may ask.
    impl Staking {
        /// The parameters.
        pub fn params(&self) -> Params {
            self.params.get()
        }

        /// The epoch of the block.
        pub fn epoch(&self, cx: &Context) -> u64 {
            self.now(cx)
        }

        /// The hash of block 0, or zero before block 1 has ended.
        pub fn genesis_hash(&self) -> B256 {
            self.genesis_hash.get()
        }

        /// Everything about a validator.
        pub fn validator(&self, cx: &Context, operator: Address) -> Result<ValidatorInfo, Error> {
            self.validator_info(operator, self.now(cx))
        }

        /// Whose validator has this key; the zero address if nobody's.
        pub fn key_owner(&self, public_key: B256) -> Address {
            self.key_owners.get(public_key)
        }

        /// Who may be chosen at the end of the epoch.
        pub fn candidates(&self) -> Vec<Address> {
            self.candidates.to_vec()
        }

        /// The present set, as chosen at the end of the last epoch.
        pub fn validator_set(&self) -> Vec<NextValidator> {
            self.present_set()
        }

        /// What somebody has in a validator.
        pub fn delegation(&self, cx: &Context, delegator: Address, validator: Address) -> DelegationInfo {
            self.delegation_info(delegator, validator, self.now(cx))
        }

        /// Rewards that somebody can claim from a validator.
        pub fn rewards_of(&self, cx: &Context, delegator: Address, validator: Address) -> U256 {
            self.position(delegator, validator, self.now(cx)).unpaid.into()
        }

        /// Rewards for evidence that somebody can claim.
        pub fn report_of(&self, reporter: Address) -> U256 {
            self.reports.get(reporter).into()
        }

        /// What somebody took out of a validator and did not withdraw.
        pub fn unbondings(&self, cx: &Context, delegator: Address, validator: Address) -> Vec<UnbondingInfo> {
            self.unbonding_infos(delegator, validator, self.now(cx))
        }

        /// Whether and how a validator was slashed.
        pub fn slash_of(&self, validator: Address) -> SlashInfo {
            self.slash_info(validator)
        }

        /// Where the contract's coins are.
        pub fn totals(&self) -> Totals {
            self.all_totals()
        }
    }

    impl Staking {
        /// Keeps a new validator, without stake.
        fn register(&mut self, operator: Address, key: B256, commission_bps: u16, name: &str) -> Result<(), Error> {
            ensure!(!Self::is_weak(&key), BadKey { public_key: key });
            check_profile(name, commission_bps)?;
            ensure!(!self.validators.at(operator).exists(), ValidatorExists { operator });
            ensure!(self.key_owners.get(key).is_zero(), KeyTaken { public_key: key });
            self.key_owners.set(key, operator);
            let mut record = self.validators.at_mut(operator);
            record.public_key.set(key);
            record.commission_bps.set(commission_bps);
            record.next_commission_bps.set(commission_bps);
            record.name.set(name);
            Ok(())
        }

        /// An operator's stake in its new validator.
        fn add_first_bond(&mut self, operator: Address, coins: u128) -> Result<(), Error> {
            let least = self.params.min_self_bond();
            ensure!(coins >= least, SelfBondTooSmall { have: coins.into(), want: least.into() });
            self.add_stake(operator, operator, coins, 0);
            Ok(())
        }

        /// Makes a validator a candidate if it may be one and there is room; else `enter` does, later.
        fn try_to_join(&mut self, cx: &mut Context, operator: Address) {
            if let Ok(replaced) = self.join_candidates(operator) {
                announce(cx, operator, replaced);
            }
        }
    }

    fn announce(cx: &mut Context, validator: Address, replaced: Option<Address>) {
        if let Some(replaced) = replaced {
            cx.emit(CandidateReplaced { validator: replaced, by: validator });
        }
        cx.emit(CandidateEntered { validator });
    }

    fn only_system(cx: &Context) -> Result<(), Error> {
        ensure!(cx.sender() == SYSTEM, NotSystem {});
        Ok(())
    }

    fn check_profile(name: &str, commission_bps: u16) -> Result<(), Error> {
        ensure!(commission_bps <= WHOLE_BPS, CommissionTooHigh { commission_bps });
        ensure!(name.len() <= NAME_MAX, NameTooLong {});
        Ok(())
    }
}
pub use staking::*;
