//! `esker validator show`.

use alloy_primitives::{Address, U64};
use clap::Args;
use serde_json::{Value, json};

use super::super::abi::values::parse_address;
use super::super::answer::{Answer, columns, printable};
use super::super::failure::Failure;
use super::super::genesis::params_json;
use super::super::rpc::RpcArgs;
use super::super::units::{format_amount, format_percent};
use super::chain::StakingChain;
use super::list::{candidate_json, commission, epoch_json};
use super::outlook::{Hindrance, state};
use crate::staking::report::{Candidate, Candidates};

/// `esker validator show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// The validator's address; or its name, if it is in the set or a candidate and no other is called so
    #[arg(value_name = "ADDRESS|NAME")]
    validator: String,

    #[command(flatten)]
    rpc: RpcArgs,
}

/// Shows a validator.
///
/// # Errors
/// If there is none so called, or several.
pub async fn run(args: &ShowArgs) -> Result<Answer, Failure> {
    let chain = StakingChain::open(&args.rpc).await?;
    let known: Candidates = chain.report("esker_candidates", &[json!("latest")]).await?;
    let one = find(&chain, &known, &args.validator).await?;
    let epoch = &known.epoch;
    let standing = &one.standing;
    let next = chain.beginning_after(epoch.number.to::<u64>(), 1);
    let matures = chain.beginning_after(chain.next_epoch(), chain.params.unbondingEpochs);
    let unjail = standing.jailed_until.map(|until| chain.beginning(until.to()));
    let power = |power: U64, total: U64| match (power.to::<u64>(), total.to::<u64>()) {
        (0, _) => "not in the set".to_owned(),
        (power, total) => {
            let bps = u128::from(power) * 10_000 / u128::from(total.max(1));
            format!("{power} of {total} ({})", format_percent(u16::try_from(bps).unwrap_or(10_000)))
        }
    };
    let mut rows = vec![
        ("validator", one.address.to_string()),
        ("name", if standing.name.is_empty() { "none".to_owned() } else { printable(&standing.name) }),
        ("public key", one.public_key.to_string()),
        ("state", state(&one, &known, &chain.params)),
        ("power", power(one.power, known.total_power)),
        ("next", format!("{}, as things stand, in {}", power(one.next_power, known.next_total_power), next.text())),
        ("stake", format_amount(standing.stake)),
        (
            "self-bond",
            format!("{} (at least {})", format_amount(standing.self_bond), format_amount(chain.params.minSelfBond)),
        ),
        (
            "commission",
            format!(
                "{}; it can change by {} an epoch",
                commission(standing),
                format_percent(chain.params.maxCommissionStepBps)
            ),
        ),
        ("unclaimed", format!("{} of commission", format_amount(standing.commission))),
        ("slots", slots(&chain, &one, epoch.number.to())),
    ];
    if let Some(why) = Hindrance::of(&one, &known, &chain.params) {
        rows.push(("why", why.text(one.address)));
    }
    if let Some(unjail) = unjail {
        rows.push(("jailed", format!("`esker validator unjail` brings it back in {}", unjail.text())));
    }
    if let Some(offence) = standing.offence_epoch {
        rows.push((
            "slashed",
            format!("{} of all, for an offence in epoch {offence}", format_percent(chain.params.slashBps)),
        ));
    }
    rows.push(("unbonding", format!("what is undelegated now can be withdrawn in {}", matures.text())));
    let mut object = candidate_json(&one);
    object["block"] = json!(known.block.to::<u64>());
    object["epoch"] = epoch_json(epoch);
    object["totalPower"] = json!(known.total_power.to::<u64>());
    object["nextTotalPower"] = json!(known.next_total_power.to::<u64>());
    object["next"] = next.json();
    object["matures"] = matures.json();
    object["unjail"] = unjail.map_or(Value::Null, |moment| moment.json());
    object["params"] = params_json(&chain.params);
    Ok(Answer::new(columns(&rows), object))
}

fn slots(chain: &StakingChain, one: &Candidate, epoch: u64) -> String {
    let params = &chain.params;
    format!(
        "{} of {} missed in epoch {epoch}; jail is for more than {} and at least {}",
        one.standing.missed,
        one.standing.slots,
        format_percent(params.missedSlotsBps),
        params.missedSlotsMin
    )
}

/// Finds a validator by its address or its name.
async fn find(chain: &StakingChain, known: &Candidates, text: &str) -> Result<Candidate, Failure> {
    let looks_like_address = text.starts_with("0x") && text.len() == 42;
    if looks_like_address {
        let address = parse_address(text).map_err(Failure::usage)?;
        if let Some(one) = known.candidates.iter().find(|one| one.address == address) {
            return Ok(one.clone());
        }
        // Jailed, slashed, or pushed out: no list has it, but the contract knows it.
        return Ok(Candidate::outside(chain.validator(address).await?));
    }
    let mut named = known.candidates.iter().filter(|one| one.standing.name == text);
    match (named.next(), named.next()) {
        (Some(one), None) => Ok(one.clone()),
        (None, _) => Err(Failure::failed(format!("nobody in the set or among the candidates is called {text:?}"))
            .hint("`esker validator list` shows them; others are known by their address only")),
        (Some(first), Some(second)) => {
            let all: Vec<Address> = [first, second].into_iter().chain(named).map(|one| one.address).collect();
            let listed: Vec<String> = all.iter().map(ToString::to_string).collect();
            Err(Failure::failed(format!("{} validators are called {text:?}", all.len()))
                .because(format!("they are {}: anybody can choose any name", listed.join(", ")))
                .hint("name the one you mean by its address"))
        }
    }
}
