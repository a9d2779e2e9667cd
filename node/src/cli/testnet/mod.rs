//! `esker testnet`: a whole network on this machine.

mod children;
mod live;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use alloy_primitives::U256;
use clap::Args;
use esker_vm::EngineKind;
use serde_json::json;

use super::answer::{Answer, columns};
use super::failure::Failure;
use super::init::check_self_bond;
use super::staking_args::StakingArgs;
use super::units::parse_amount;
use crate::home::config;
use crate::home::network::CHAIN_ID_MAX;
use crate::home::pace;
use crate::home::testnet::{COMPOSE, FULL_NODES_MAX, GENESIS, NETWORK, START, Testnet, TestnetPlan};
use crate::home::upgrade;

/// `esker testnet`.
#[derive(Args, Clone, Debug)]
pub struct TestnetArgs {
    /// Nodes that validate, with equal voting power
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100))]
    validators: u64,

    /// The folder to write, empty or not there
    #[arg(long, value_name = "DIR")]
    output: PathBuf,

    /// Nodes that only follow, numbered after the validators
    #[arg(long, value_name = "K", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=FULL_NODES_MAX as u64))]
    full_nodes: u64,

    /// Pace of blocks, such as 200ms or 1s
    #[arg(long, value_name = "TIME", value_parser = pace::parse, default_value = "1s")]
    block_time: Duration,

    /// Pace of blocks while no transaction waits [default: 10s, or the block time if that is more]
    #[arg(long, value_name = "TIME", value_parser = pace::parse)]
    idle_block_time: Option<Duration>,

    /// The chain's id
    #[arg(long, value_name = "ID", default_value_t = 31_337)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=CHAIN_ID_MAX))]
    chain_id: u64,

    /// The first port to try; ports in use are passed over, and every node needs three
    #[arg(long, value_name = "PORT", default_value_t = 27_000, value_parser = clap::value_parser!(u16).range(1..))]
    base_port: u16,

    /// Gas limit of a block
    #[arg(long, value_name = "GAS", default_value_t = 30_000_000)]
    gas_limit: u64,

    /// What each validator bonds: a coin is one unit of voting power
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount, default_value = "100ether")]
    self_bond: U256,

    #[command(flatten)]
    staking: StakingArgs,

    /// Plan that the network passes to a protocol version at a block; with block 0 it begins so; repeatable
    #[arg(long, value_name = "VERSION=BLOCK", value_parser = upgrade::parse)]
    upgrade: Vec<(u32, u64)>,

    /// What runs contract code on one node, by its number from 0: cranelift or pulley; repeatable
    #[arg(long, value_name = "NODE=ENGINE", value_parser = parse_engine)]
    engine_of: Vec<(usize, EngineKind)>,

    /// Start all nodes and show how they are, until ctrl-C
    #[arg(long)]
    run: bool,
}

fn parse_engine(text: &str) -> Result<(usize, EngineKind), String> {
    let (index, engine) =
        text.split_once('=').ok_or_else(|| format!("{text:?} has no \"=\"; write it like 3=pulley"))?;
    let index = index.parse().map_err(|_| format!("{index:?} is no node's number; write it like 3=pulley"))?;
    Ok((index, engine.parse().map_err(|error: esker_vm::UnknownEngine| error.to_string())?))
}

impl TestnetArgs {
    /// Whether the command goes on until it is stopped.
    #[must_use]
    pub const fn is_server(&self) -> bool {
        self.run
    }

    fn plan(&self) -> Result<TestnetPlan, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::infrastructure("the system does not say where this program is").because(error))?;
        let mut engines = BTreeMap::new();
        for (index, engine) in &self.engine_of {
            if engines.insert(*index, *engine).is_some() {
                return Err(Failure::usage(format!("node {index} is given an engine twice"))
                    .hint("name each node once with --engine-of"));
            }
        }
        let staking = self.staking.plan()?;
        check_self_bond(self.self_bond, &staking, false)?;
        Ok(TestnetPlan {
            // Both are at most 100.
            full_nodes: self.full_nodes as usize,
            chain_id: self.chain_id,
            gas_limit: self.gas_limit,
            block_time: self.block_time,
            idle_block_time: self.idle_block_time.unwrap_or_else(|| config::idle_block_time(self.block_time)),
            engines,
            base_port: self.base_port,
            upgrades: self.upgrade.clone(),
            staking,
            self_bond: self.self_bond,
            ..TestnetPlan::new(self.output.clone(), self.validators as usize, program)
        })
    }
}

/// Writes the network, and runs it if that is asked for.
///
/// # Errors
/// If the network cannot be written; while it runs, if all its nodes end by themselves.
pub fn run(args: &TestnetArgs, json: bool) -> Result<ExitCode, Failure> {
    let plan = args.plan()?;
    let network = plan.write()?;
    answer(args, &network).print(json)?;
    if !args.run {
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::infrastructure("the system gives no threads").because(error))?;
    runtime.block_on(live::run(&plan.program, &network))?;
    Ok(ExitCode::SUCCESS)
}

fn answer(args: &TestnetArgs, network: &Testnet) -> Answer {
    let mut json = network.network_json();
    if let Some(members) = json.as_object_mut() {
        let path = |name: &str| json!(network.folder.join(name));
        members.insert("folder".to_owned(), json!(network.folder));
        for (member, file) in [("genesis", GENESIS), ("start", START), ("compose", COMPOSE), ("network", NETWORK)] {
            members.insert(member.to_owned(), path(file));
        }
    }
    let nodes = network.nodes.iter().map(|node| {
        let role = if node.validator.is_some() { "validates" } else { "follows" };
        (node.name.as_str(), format!("{}  {role}, {}", node.rpc_url(), node.engine))
    });
    let rows: Vec<(&str, String)> = nodes.collect();
    let mut text = format!(
        "{}\n\nA network with the chain id {} is in {}.\n\
         The ten accounts of the well-known test mnemonic have 10000 coins each.\n\
         The nodes' keys are encrypted lightly, with passwords beside them: for tests only.",
        columns(&rows),
        network.chain_id,
        network.folder.display()
    );
    if !args.run {
        let start = network.folder.join(START);
        text.push_str(&format!("\nStart all nodes with {}; ctrl-C ends them.", start.display()));
    }
    Answer::new(text, json)
}
