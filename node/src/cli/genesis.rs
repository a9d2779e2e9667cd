//! `esker genesis`: the first block of a network, put together from its founders' files, and shown.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, U256};
use clap::{Args, Subcommand};
use esker_runtime::Genesis;
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::staking::STAKING_ADDRESS;
use esker_runtime::validators::VALIDATORS_MAX;
use serde_json::{Value, json};

use super::answer::{Answer, columns, table};
use super::failure::Failure;
use super::init::{OPERATOR_COINS, begin, begun, check_funded, parse_fund};
use super::staking_args::StakingArgs;
use super::units::{format_amount, format_percent};
use crate::chain::genesis_hash;
use crate::home::network::{self, CHAIN_ID_MAX};
use crate::home::staking::{Outline, outline};
use crate::home::{Founder, layout, upgrade};
use crate::keystore::file;

/// Most accounts that are shown to a reader; a program sees all.
const ACCOUNTS_SHOWN: usize = 50;

/// `esker genesis`.
#[derive(Subcommand, Clone, Debug)]
pub enum GenesisCommand {
    /// Put the genesis of a network together from what its founders' `esker init --founder` wrote
    ///
    /// Every founder then copies the file into its home. All must have the same one: `esker genesis show` prints the
    /// hash of block 0 to compare.
    #[command(after_help = "Examples:\n  \
        esker genesis create alpha.json beta.json --chain-id 7700 --output genesis.json\n  \
        esker genesis create founders/*.json --chain-id 7700 --epoch-length 7200 --staking staking.toml \\\n      \
          --fund 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266=1000000 --output genesis.json")]
    Create(Box<CreateArgs>),

    /// Check a genesis, and show what it begins with
    #[command(after_help = "Examples:\n  \
        esker genesis show genesis.json\n  \
        esker genesis show ~/esker/genesis.json --json")]
    Show(ShowArgs),
}

/// `esker genesis create`.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// The founder.json of each founder
    #[arg(value_name = "FILE", required = true, num_args = 1..)]
    founders: Vec<PathBuf>,

    /// The chain's id, which every founder must have named
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..=CHAIN_ID_MAX))]
    chain_id: u64,

    /// The file to write; it must not be there
    #[arg(long, value_name = "FILE")]
    output: PathBuf,

    /// Gas limit of a block
    #[arg(long, value_name = "GAS", default_value_t = 30_000_000)]
    gas_limit: u64,

    /// Give an account coins; repeatable [default: 10000 coins for each founder's operator]
    #[arg(long, value_name = "ADDRESS=COINS", value_parser = parse_fund)]
    fund: Vec<(Address, u64)>,

    /// Plan that the network passes to a protocol version at a block; with block 0 it begins so; repeatable
    #[arg(long, value_name = "VERSION=BLOCK", value_parser = upgrade::parse)]
    upgrade: Vec<(u32, u64)>,

    #[command(flatten)]
    staking: StakingArgs,
}

/// `esker genesis show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// The genesis
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Does it.
///
/// # Errors
/// If a file is not what it must be, or no network can begin so.
pub fn run(command: &GenesisCommand) -> Result<Answer, Failure> {
    match command {
        GenesisCommand::Create(args) => create(args),
        GenesisCommand::Show(args) => {
            let genesis = network::read_genesis(&args.file)?;
            let (text, json) = describe(&args.file, &genesis)?;
            Ok(Answer::new(text, json))
        }
    }
}

fn create(args: &CreateArgs) -> Result<Answer, Failure> {
    check_funded(&args.fund)?;
    let plan = args.staking.plan()?;
    if args.founders.len() > VALIDATORS_MAX {
        return Err(Failure::usage(format!("{} founders are too many", args.founders.len()))
            .because(format!("a network can begin with {VALIDATORS_MAX} validators"))
            .hint("the others can join once it runs: `esker validator create`"));
    }
    let mut founders = Vec::new();
    let mut files: BTreeMap<(u8, String), &Path> = BTreeMap::new();
    for path in &args.founders {
        let founder = Founder::read(path)?;
        let wrong = |what: String| Failure::usage(format!("{} does not fit", path.display())).because(what);
        if founder.chain_id != args.chain_id {
            return Err(wrong(format!(
                "it is for the chain id {}, --chain-id says {}",
                founder.chain_id, args.chain_id
            ))
            .hint("its operator must make it with the right --chain-id"));
        }
        if founder.self_bond < plan.min_self_bond {
            let (have, least) = (format_amount(founder.self_bond), format_amount(plan.min_self_bond));
            return Err(wrong(format!("its self-bond is {have}, and the least is {least}"))
                .hint("its operator must bond more, or lower --min-self-bond"));
        }
        for (kind, named) in [(0, founder.operator.to_string()), (1, founder.public_key.to_string())] {
            if let Some(other) = files.insert((kind, named.clone()), path) {
                return Err(wrong(format!("{named} is also in {}", other.display())).hint("name each founder once"));
            }
        }
        founders.push(founder.first_validator());
    }
    let operators: Vec<(Address, u64)> = founders.iter().map(|one| (one.operator, OPERATOR_COINS)).collect();
    let funded = if args.fund.is_empty() { &operators } else { &args.fund };
    let genesis = begin(begun(args.chain_id, args.gas_limit, &args.upgrade)?, &plan, &founders, funded)?;
    let (text, json) = describe(&args.output, &genesis)?;
    file::write_new(&args.output, network::genesis_text(&genesis).as_bytes()).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            Failure::usage(format!("{} is there already", args.output.display()))
                .because("nothing is ever overwritten")
                .hint("name another --output, or move it away")
        } else {
            Failure::infrastructure(format!("cannot write {}", args.output.display())).because(error)
        }
    })?;
    let next = format!(
        "Every founder copies it to its home as {}, and compares the hash: `esker genesis show`.",
        layout::GENESIS
    );
    Ok(Answer::new(format!("{text}\n\n{next}"), json))
}

/// What a genesis begins with.
fn describe(path: &Path, genesis: &Genesis) -> Result<(String, Value), Failure> {
    let bad = |reason: String| Failure::usage(format!("no network can begin with {}", path.display())).because(reason);
    let hash = genesis_hash(genesis).map_err(|error| bad(error.to_string()))?;
    let staking = outline(genesis).map_err(bad)?;
    let supply = genesis.alloc.values().fold(U256::ZERO, |sum, account| sum.saturating_add(account.balance));
    let mut rows = vec![
        ("genesis", path.display().to_string()),
        ("chain id", genesis.config.chain_id.to_string()),
        ("hash", hash.to_string()),
        ("gas limit", genesis.gas_limit.to_string()),
        ("accounts", genesis.alloc.len().to_string()),
        ("supply", format_amount(supply)),
    ];
    for one in genesis.config.upgrades.iter() {
        rows.push(("upgrade", format!("to version {} from block {}", one.version, one.height)));
    }
    if !genesis.config.upgrades.is_empty() {
        rows.push(("", "(no part of the hash: all must have the same ones)".to_owned()));
    }
    match &staking {
        None => rows.push(("staking", "none: the validators stay".to_owned())),
        Some(Outline { params, .. }) => rows.extend([
            ("epochs", format!("of {} blocks", params.epochLength)),
            ("unbonding", format!("{} epochs; evidence counts for {}", params.unbondingEpochs, params.evidenceEpochs)),
            (
                "least",
                format!(
                    "self-bond {}, delegation {}",
                    format_amount(params.minSelfBond),
                    format_amount(params.minDelegation)
                ),
            ),
            ("set", format!("at most {} validators", params.maxValidators)),
            ("inflation", format!("{} a block", format_amount(params.inflationPerBlock))),
            (
                "slash",
                format!(
                    "{}; who reports it gets {} of what the operator loses",
                    format_percent(params.slashBps),
                    format_percent(params.reporterBps)
                ),
            ),
            (
                "jail",
                format!(
                    "{} epoch{}, for missing more than {} of its proposer slots in an epoch, and at least {}",
                    params.jailEpochs,
                    if params.jailEpochs == 1 { "" } else { "s" },
                    format_percent(params.missedSlotsBps),
                    params.missedSlotsMin
                ),
            ),
            ("commission", format!("can change by {} an epoch", format_percent(params.maxCommissionStepBps))),
        ]),
    }
    let infos = staking.as_ref().map(|outline| &outline.validators[..]).unwrap_or_default();
    let info = |address: Address| infos.iter().find(|info| info.operator == address);
    let mut lines = vec![["VALIDATOR", "POWER", "SELF-BOND", "COMMISSION"].map(str::to_owned).to_vec()];
    for one in &genesis.validators {
        let (bond, commission) = info(one.address)
            .map_or_else(Default::default, |info| (format_amount(info.selfBond), format_percent(info.commissionBps)));
        lines.push(vec![one.address.to_string(), one.power.to_string(), bond, commission]);
    }
    let validators: Vec<Value> = genesis
        .validators
        .iter()
        .map(|one| {
            let info = info(one.address);
            json!({
                "address": one.address,
                "publicKey": one.public_key,
                "power": one.power,
                "selfBond": info.map(|info| info.selfBond.to_string()),
                "commissionBps": info.map(|info| info.commissionBps),
            })
        })
        .collect();
    let object = json!({
        "genesis": path,
        "chainId": genesis.config.chain_id,
        "hash": hash,
        "timestamp": genesis.timestamp,
        "gasLimit": genesis.gas_limit,
        "upgrades": genesis.config.upgrades,
        "accounts": accounts_json(genesis),
        "supply": supply.to_string(),
        "validators": validators,
        "staking": staking.map(|outline| params_json(&outline.params)),
    });
    Ok((format!("{}\n\n{}\n\n{}", columns(&rows), table(&lines), accounts_text(genesis)), object))
}

/// The accounts by most coins: whoever agrees to a genesis sees who has what.
fn accounts_text(genesis: &Genesis) -> String {
    let mut accounts: Vec<_> = genesis.alloc.iter().collect();
    accounts.sort_by_key(|(address, account)| (Reverse(account.balance), **address));
    let what = |address: Address, account: &GenesisAccount| {
        if genesis.config.staking.is_some() && address == STAKING_ADDRESS {
            "staking contract"
        } else if !account.code.is_empty() {
            "contract"
        } else if genesis.validators.iter().any(|one| one.address == address) {
            "operator of a validator"
        } else {
            ""
        }
    };
    let mut lines = vec![["ACCOUNT", "BALANCE", ""].map(str::to_owned).to_vec()];
    for (address, account) in accounts.iter().take(ACCOUNTS_SHOWN) {
        let balance = format_amount(account.balance);
        lines.push(vec![address.to_string(), balance, what(**address, account).to_owned()]);
    }
    let rest = accounts.len().saturating_sub(ACCOUNTS_SHOWN);
    let more = if rest == 0 { String::new() } else { format!("\n… and {rest} with less: --json has them all") };
    format!("{}{more}", table(&lines))
}

fn accounts_json(genesis: &Genesis) -> Vec<Value> {
    let entry = |(address, account): (&Address, &GenesisAccount)| {
        json!({
            "address": address,
            "balance": account.balance.to_string(),
            "isContract": !account.code.is_empty(),
            "nonce": account.nonce,
            "slots": account.storage.len(),
        })
    };
    genesis.alloc.iter().map(entry).collect()
}

/// The parameters of staking, as `--json` shows them.
#[must_use]
pub fn params_json(params: &crate::staking::Staking::Params) -> Value {
    json!({
        "epochLength": params.epochLength,
        "unbondingEpochs": params.unbondingEpochs,
        "evidenceEpochs": params.evidenceEpochs,
        "maxValidators": params.maxValidators,
        "minSelfBond": params.minSelfBond.to_string(),
        "minDelegation": params.minDelegation.to_string(),
        "slashBps": params.slashBps,
        "reporterBps": params.reporterBps,
        "jailEpochs": params.jailEpochs,
        "missedSlotsBps": params.missedSlotsBps,
        "missedSlotsMin": params.missedSlotsMin,
        "maxCommissionStepBps": params.maxCommissionStepBps,
        "inflationPerBlock": params.inflationPerBlock.to_string(),
    })
}
