//! The parameters of staking in a new network, from flags and a file.

use std::path::PathBuf;

use alloy_primitives::U256;
use clap::Args;
use serde::{Deserialize, Deserializer, de};

use super::failure::Failure;
use super::units::{parse_amount, parse_percent};
use crate::home::layout::read_settings;
use crate::home::staking::StakingPlan;

/// How validators of a new network are chosen and paid. Flags go before the file.
#[derive(Args, Clone, Debug, Default)]
pub struct StakingArgs {
    /// Take the parameters of staking from this TOML file; docs/running-a-node.md names them
    #[arg(long, value_name = "FILE", help_heading = "Staking, fixed for ever")]
    staking: Option<PathBuf>,

    /// Blocks of an epoch: after each the validators and their powers follow the stake [default: 600]
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u32).range(1..))]
    #[arg(help_heading = "Staking, fixed for ever")]
    epoch_length: Option<u32>,

    /// Coins that come into being with each block, for its proposer's validator [default: 0.001ether]
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount, help_heading = "Staking, fixed for ever")]
    inflation: Option<U256>,

    /// Least stake of an operator in its own validator; at least a coin [default: 1ether]
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount, help_heading = "Staking, fixed for ever")]
    min_self_bond: Option<U256>,

    /// Most validators of the set, from 1 to 100 [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    #[arg(help_heading = "Staking, fixed for ever")]
    max_validators: Option<u16>,
}

/// The file: whatever is left out has its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StakingFile {
    epoch_length: Option<u32>,
    unbonding_epochs: Option<u32>,
    evidence_epochs: Option<u32>,
    max_validators: Option<u16>,
    #[serde(deserialize_with = "amount")]
    min_self_bond: Option<U256>,
    #[serde(deserialize_with = "amount")]
    min_delegation: Option<U256>,
    #[serde(deserialize_with = "percent")]
    slash: Option<u16>,
    #[serde(deserialize_with = "percent")]
    reporter: Option<u16>,
    jail_epochs: Option<u32>,
    #[serde(deserialize_with = "percent")]
    missed_slots: Option<u16>,
    missed_slots_min: Option<u32>,
    #[serde(deserialize_with = "percent")]
    max_commission_step: Option<u16>,
    #[serde(deserialize_with = "amount")]
    inflation_per_block: Option<U256>,
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<U256>, D::Error> {
    parse_amount(&String::deserialize(deserializer)?).map(Some).map_err(de::Error::custom)
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    parse_percent(&String::deserialize(deserializer)?).map(Some).map_err(de::Error::custom)
}

impl StakingFile {
    fn plan(self) -> StakingPlan {
        let usual = StakingPlan::default();
        StakingPlan {
            epoch_length: self.epoch_length.unwrap_or(usual.epoch_length),
            unbonding_epochs: self.unbonding_epochs.unwrap_or(usual.unbonding_epochs),
            evidence_epochs: self.evidence_epochs.unwrap_or(usual.evidence_epochs),
            max_validators: self.max_validators.unwrap_or(usual.max_validators),
            min_self_bond: self.min_self_bond.unwrap_or(usual.min_self_bond),
            min_delegation: self.min_delegation.unwrap_or(usual.min_delegation),
            slash_bps: self.slash.unwrap_or(usual.slash_bps),
            reporter_bps: self.reporter.unwrap_or(usual.reporter_bps),
            jail_epochs: self.jail_epochs.unwrap_or(usual.jail_epochs),
            missed_slots_bps: self.missed_slots.unwrap_or(usual.missed_slots_bps),
            missed_slots_min: self.missed_slots_min.unwrap_or(usual.missed_slots_min),
            max_commission_step_bps: self.max_commission_step.unwrap_or(usual.max_commission_step_bps),
            inflation_per_block: self.inflation_per_block.unwrap_or(usual.inflation_per_block),
        }
    }
}

impl StakingArgs {
    /// The parameters.
    ///
    /// # Errors
    /// If the file cannot be read or names something else, or no network can have the parameters.
    pub fn plan(&self) -> Result<StakingPlan, Failure> {
        let file = match &self.staking {
            None => StakingFile::default(),
            Some(path) => toml::from_str(&read_settings(path)?).map_err(|error| {
                Failure::usage(format!("{} holds no parameters of staking", path.display()))
                    .because(error.to_string().trim_end())
                    .hint("docs/running-a-node.md names them; amounts and percentages are texts: \"1ether\", \"5%\"")
            })?,
        };
        let mut plan = file.plan();
        plan.epoch_length = self.epoch_length.unwrap_or(plan.epoch_length);
        plan.inflation_per_block = self.inflation.unwrap_or(plan.inflation_per_block);
        plan.min_self_bond = self.min_self_bond.unwrap_or(plan.min_self_bond);
        plan.max_validators = self.max_validators.unwrap_or(plan.max_validators);
        plan.check().map_err(|reason| {
            let next = match &self.staking {
                Some(path) => format!("correct {} or the command line", path.display()),
                None => "correct the command line".to_owned(),
            };
            Failure::usage("no network can have these parameters of staking").because(reason).hint(next)
        })?;
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_name_all_parameters_and_flags_go_before_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("staking.toml");
        let text = "epoch_length = 20\nunbonding_epochs = 3\nevidence_epochs = 2\nmax_validators = 7\n\
            min_self_bond = \"5ether\"\nmin_delegation = \"1gwei\"\nslash = \"10%\"\nreporter = \"1%\"\njail_epochs = 4\n\
            missed_slots = \"30%\"\nmissed_slots_min = 3\nmax_commission_step = \"2.5%\"\ninflation_per_block = \"9\"\n";
        std::fs::write(&path, text).expect("writable");
        let args = StakingArgs { staking: Some(path.clone()), epoch_length: Some(30), ..StakingArgs::default() };
        let expected = StakingPlan {
            epoch_length: 30,
            unbonding_epochs: 3,
            evidence_epochs: 2,
            max_validators: 7,
            min_self_bond: U256::from(5_000_000_000_000_000_000u64),
            min_delegation: U256::from(1_000_000_000),
            slash_bps: 1_000,
            reporter_bps: 100,
            jail_epochs: 4,
            missed_slots_bps: 3_000,
            missed_slots_min: 3,
            max_commission_step_bps: 250,
            inflation_per_block: U256::from(9),
        };
        assert_eq!(args.plan().expect("they are right"), expected);
        assert_eq!(StakingArgs::default().plan().expect("they are right"), StakingPlan::default());

        for (text, words) in [
            ("epoch = 5", "unknown field `epoch`"),
            ("slash = 5", "invalid type"),
            ("slash = \"101%\"", "is no percentage"),
            ("min_self_bond = \"1 dollar\"", "is no unit"),
            ("unbonding_epochs = 3", "more epochs than evidence"),
            ("epoch_length = 0\n", "at least one block"),
        ] {
            std::fs::write(&path, text).expect("writable");
            let args = StakingArgs { staking: Some(path.clone()), ..StakingArgs::default() };
            let error = args.plan().expect_err(text).to_string();
            assert!(error.contains(words) && error.contains("staking.toml"), "{text}: {error}");
        }
    }
}
