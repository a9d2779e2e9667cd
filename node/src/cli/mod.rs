//! The command line of `esker`.
//!
//! A command returns an [`Answer`] or a [`Failure`]; only this module prints them and chooses the exit code: 0 success,
//! 1 the transaction or check failed, 2 wrong usage, 3 infrastructure.

pub mod abi;
pub mod answer;
mod bar;
pub mod call;
pub mod completions;
pub mod contract;
pub mod demo;
pub mod deploy;
pub mod dev;
pub mod failure;
pub mod genesis;
pub mod home;
pub mod init;
pub mod key;
pub mod node;
mod place;
pub mod proof;
pub mod replay;
pub mod rpc;
pub mod send;
pub mod simulate;
pub mod staking_args;
pub mod state;
pub mod status;
pub mod testnet;
pub mod transact;
pub mod units;
pub mod upgrade;
pub mod validator;
pub mod verify_header;

use std::ffi::OsString;
use std::future::Future;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use self::answer::{Answer, print_json, remark};
use self::failure::Failure;

const ABOUT: &str = "Esker: a smart-contract virtual machine and the node around it";

const LONG_ABOUT: &str = "Esker: a smart-contract virtual machine and the node around it.\n\n\
    Ethereum outside, WebAssembly inside: contracts are written in Rust, and every Ethereum client can use them.";

const EXIT_CODES: &str = "Exit codes:\n  \
    0  success\n  \
    1  the transaction, call or check failed\n  \
    2  wrong usage\n  \
    3  infrastructure: a server, file or device did not do its part\n\n\
    Environment:\n  \
    ESKER_RPC_URL            the JSON-RPC server, where a command has --rpc-url\n  \
    ESKER_PRIVATE_KEY        the private key to sign with, where none is named\n  \
    ESKER_KEYSTORE_DIR       the folder of keystores\n  \
    ESKER_KEYSTORE_PASSWORD  the password of keystores\n  \
    RUST_LOG                 what is logged to standard error, before -v and -q";

/// The whole command line.
#[derive(Parser, Clone, Debug)]
#[command(name = "esker", version, about = ABOUT, long_about = LONG_ABOUT, after_long_help = EXIT_CODES)]
#[command(propagate_version = true, max_term_width = 110, subcommand_value_name = "COMMAND")]
pub struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
struct GlobalArgs {
    /// Print one JSON object to standard output; when something fails it has the member "error"
    #[arg(long, global = true, display_order = 900)]
    json: bool,

    /// Log more to standard error; twice for still more
    #[arg(short, long, global = true, display_order = 901, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,

    /// Log errors only
    #[arg(short, long, global = true, display_order = 902)]
    quiet: bool,
}

/// The commands.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Show the whole: build contracts, run four validators, transact, kill one, confirm every block on a second engine
    ///
    /// Builds ERC-20 and ERC-721 from source, starts four validators as processes (one of them interprets code), deploys
    /// both, sends signed transfers over JSON-RPC, kills a validator in the middle, goes on without it, starts it again and
    /// waits until it has caught up; compares every block of all four, then executes all blocks again from genesis on the
    /// second engine and compares every root and gas figure.
    #[command(after_help = "Examples:\n  esker demo\n  esker demo --transfers 2000 --json")]
    Demo(demo::DemoArgs),

    /// Run a development chain: instant blocks, ten accounts with 10,000 coins each
    #[command(after_help = "Examples:\n  \
        esker dev\n  \
        esker dev --state ./chain --port 8600\n  \
        esker dev --port 0 --block-time 2 --engine pulley")]
    Dev(dev::DevArgs),

    /// Make the home of a node: settings, keys, genesis
    ///
    /// Without --genesis it begins a network with this node as its only validator; with --genesis it joins that network,
    /// as a full node until `esker validator create`; with --founder it begins one together with others.
    /// docs/running-a-node.md tells all of it.
    #[command(after_help = "Examples:\n  \
        esker init --home ~/esker --chain-id 7700\n  \
        esker init --home ~/esker --genesis genesis.json --peer node1.example.org:27000 \\\n      \
          --gossip-peer node1.example.org:27001\n  \
        esker init --home ./follower --genesis genesis.json --full-node --json\n  \
        esker init --home ~/esker --founder --chain-id 7700 --self-bond 5000ether --commission 5%")]
    Init(init::InitArgs),

    /// Put the first block of a network together, or show one
    #[command(subcommand, arg_required_else_help = true)]
    #[command(after_help = "Examples:\n  \
        esker genesis create alpha.json beta.json --chain-id 7700 --output genesis.json\n  \
        esker genesis show genesis.json")]
    Genesis(genesis::GenesisCommand),

    /// Make a whole network on this machine, and run it if asked to
    ///
    /// Writes a home for each node, the genesis, network.json, start.sh and compose.yaml. The ten accounts of the
    /// well-known test mnemonic have 10,000 coins each.
    #[command(after_help = "Examples:\n  \
        esker testnet --validators 4 --output ./net --run\n  \
        esker testnet --validators 4 --output ./net --block-time 200ms --engine-of 3=pulley\n  \
        esker testnet --validators 7 --full-nodes 1 --output ./net --json")]
    Testnet(testnet::TestnetArgs),

    /// Say how a node and its network are
    #[command(after_help = "Examples:\n  \
        esker status\n  \
        esker status --rpc-url http://127.0.0.1:27000 --json")]
    Status(status::StatusArgs),

    /// Follow a chain without executing it: prove a block and accounts in it
    ///
    /// From a block that you trust it follows the validator sets, epoch by epoch, to the wanted block: each block needs the
    /// signatures of more than two thirds of the voting power, each next set a Merkle proof. Accounts and storage are then
    /// proven under the block's state root. The server that is asked need not be trusted. docs/light-client.md tells more.
    #[command(after_help = "Examples:\n  \
        esker verify-header --genesis genesis.json --rpc-url https://rpc.example.org --state light.json\n  \
        esker verify-header --state light.json --account 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --json\n  \
        esker verify-header --trust 0x3ac2… --genesis genesis.json --block 86400 \\\n      \
          --account 0x0000000000000000000000000000000000001000 --slot 0\n  \
        esker verify-header --genesis genesis.json --light-blocks blocks.json --proof proof.json")]
    VerifyHeader(verify_header::VerifyHeaderArgs),

    /// Run a node of a network, in the foreground until SIGTERM
    ///
    /// A node with a consensus key votes while its validator is in the set; one without follows the chain. Exit code 3 says
    /// that it could not go on; its last line says why and what to do.
    #[command(after_help = "Examples:\n  \
        esker node --home ./node0\n  \
        esker node --home ./node0 --rpc 127.0.0.1:8600 --password-file ./secret")]
    Node(node::NodeArgs),

    /// Plan when a later protocol version begins, in the home of a stopped node
    ///
    /// All nodes of a network need the same plan before its block; a node that is too old, or was not told, stops there with
    /// exit code 3 and says what to do. Without --version it tells the plan. docs/running-a-node.md tells all of it.
    #[command(disable_version_flag = true)]
    #[command(after_help = "Examples:\n  \
        esker upgrade --home ./node0\n  \
        esker upgrade --home ./node0 --version 2 --height 1200000\n  \
        esker upgrade --home ./node0 --version 2 --remove --json")]
    Upgrade(upgrade::UpgradeArgs),

    /// Be a validator, delegate to one, and see who validates
    #[command(subcommand, arg_required_else_help = true)]
    #[command(after_help = "Examples:\n  \
        esker validator list\n  \
        esker validator create --home ~/esker --self-bond 5000ether --commission 5%\n  \
        esker validator delegate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 50ether --keystore alice")]
    Validator(Box<validator::ValidatorCommand>),

    /// Create a contract from an artifact
    #[command(after_help = "Examples:\n  \
        esker deploy Erc20 \"My Token\" MTK 1000000ether --unlocked\n  \
        esker deploy artifacts/Erc20.json \"My Token\" MTK 1e24 \\\n      \
          --keystore alice --rpc-url https://rpc.example.org")]
    Deploy(deploy::DeployArgs),

    /// Ask a contract, without a transaction
    #[command(after_help = "Examples:\n  \
        esker call 0x5FbDB2315678afecb367f032d93F642f64180aa3 \\\n      \
          \"balanceOf(address)(uint256)\" 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n  \
        esker call 0x5FbDB2315678afecb367f032d93F642f64180aa3 name --artifact Erc20 --json")]
    Call(call::CallArgs),

    /// Send a transaction and wait for its receipt
    #[command(after_help = "Examples:\n  \
        esker send 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --value 1ether --unlocked\n  \
        esker send 0x5FbDB2315678afecb367f032d93F642f64180aa3 \"transfer(address,uint256)\" \\\n      \
          0x70997970C51812dc3A010C7d01b50e0d17dc79C8 5ether --keystore alice\n  \
        esker send 0x5FbDB2315678afecb367f032d93F642f64180aa3 transfer --artifact Erc20 \\\n      \
          0x70997970C51812dc3A010C7d01b50e0d17dc79C8 5ether --unlocked --json")]
    Send(send::SendArgs),

    /// Say what a transaction would do, the chain unchanged
    ///
    /// Shows status, results, gas, logs, calls and state changes, also when it fails. On servers without
    /// `esker_simulate` it shows what eth_call and eth_estimateGas can tell.
    #[command(after_help = "Examples:\n  \
        esker simulate 0x5FbDB2315678afecb367f032d93F642f64180aa3 transfer --artifact Erc20 \\\n      \
          0x70997970C51812dc3A010C7d01b50e0d17dc79C8 5ether \\\n      \
          --from 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n  \
        esker simulate --create Erc20 \"My Token\" MTK 1e24 \\\n      \
          --from 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --json\n  \
        esker simulate 0x5FbDB2315678afecb367f032d93F642f64180aa3 \"totalSupply()(uint256)\" \\\n      \
          --state ./chain\n  \
        esker simulate --raw 0x02f8… --abi \"error Broke(uint256)\"")]
    Simulate(simulate::SimulateArgs),

    /// Write, build and examine contracts
    #[command(after_help = "Examples:\n  \
        esker contract new counter\n  \
        esker contract build contracts/erc20\n  \
        esker contract check artifacts/Erc20.json")]
    Contract(contract::ContractArgs),

    /// Keep private keys in encrypted files
    #[command(subcommand, arg_required_else_help = true)]
    #[command(after_help = "Examples:\n  esker key new alice\n  esker key list")]
    Key(key::KeyCommand),

    /// Export, import and check the state of a stopped node
    #[command(subcommand, arg_required_else_help = true)]
    #[command(after_help = "Examples:\n  \
        esker state export --home node0 --output chain.snapshot\n  \
        esker state verify --state ./chain")]
    State(state::StateCommand),

    /// Execute a stopped node's blocks once more and compare every root
    ///
    /// Executes from the genesis on, beside the node's state and not in it, checks all signatures, and compares each block's
    /// state root, receipts and gas with what is recorded; with --engine on another engine than the node's.
    #[command(after_help = "Examples:\n  \
        esker replay --home node0\n  \
        esker replay 1000..2000 --state ./chain --engine pulley\n  \
        esker replay ..500 --state ./chain --scratch /mnt/large --json")]
    Replay(replay::ReplayArgs),

    /// Proofs of accounts and storage, as files
    #[command(subcommand, arg_required_else_help = true)]
    #[command(after_help = "Examples:\n  \
        esker proof get 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --output proof.json\n  \
        esker proof verify proof.json --root 0x9f1c…")]
    Proof(proof::ProofCommand),

    /// Print a shell's completion script
    #[command(after_help = "Examples:\n  \
        esker completions bash > ~/.local/share/bash-completion/completions/esker\n  \
        esker completions zsh > ~/.zfunc/_esker")]
    Completions(completions::CompletionsArgs),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs a command line. The first item is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&arguments, &error),
    };
    start_logging(&cli.global, cli.command.is_server());
    let json = cli.global.json;
    match cli.command.execute(json) {
        Ok(code) => code,
        Err(failure) => present(&failure, json),
    }
}

impl Command {
    /// Whether it runs until it is stopped.
    const fn is_server(&self) -> bool {
        match self {
            Self::Dev(_) | Self::Node(_) => true,
            Self::Testnet(args) => args.is_server(),
            _ => false,
        }
    }

    fn execute(&self, json: bool) -> Result<ExitCode, Failure> {
        let answer = match self {
            Self::Demo(args) => args.clone().run(),
            Self::Deploy(args) => wait_for(deploy::run(args)),
            Self::Call(args) => wait_for(call::run(args)),
            Self::Send(args) => wait_for(send::run(args)),
            Self::Simulate(args) => wait_for(simulate::run(args)),
            Self::Contract(args) => contract::run(args, json),
            Self::Dev(args) => return dev::run(args, json),
            Self::Node(args) => return node::run(args, json),
            Self::Init(args) => init::run(args),
            Self::Genesis(command) => genesis::run(command),
            Self::Validator(command) => wait_for(validator::run(command)),
            Self::Testnet(args) => return testnet::run(args, json),
            Self::Status(args) => wait_for(status::run(args)),
            Self::VerifyHeader(args) => wait_for(verify_header::run(args)),
            Self::Upgrade(args) => upgrade::run(args),
            Self::Key(command) => key::run(command),
            Self::State(command) => state::run(command),
            Self::Replay(args) => replay::run(args),
            Self::Proof(command) => wait_for(proof::run(command)),
            Self::Completions(args) => completions::run(args),
        }?;
        answer.print(json)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs a command that talks to a server.
fn wait_for(work: impl Future<Output = Result<Answer, Failure>>) -> Result<Answer, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::infrastructure("the operating system gives no event queue").because(error))?;
    runtime.block_on(work)
}

/// Shows a failure the one way they are shown, and gives its exit code.
fn present(failure: &Failure, json: bool) -> ExitCode {
    let printed =
        if json { print_json(&failure.json()) } else { failure.answer().map_or(Ok(()), |answer| answer.print(false)) };
    if !json {
        remark(&failure.to_string());
    }
    if let Err(unprinted) = printed {
        remark(&unprinted.to_string());
    }
    failure.exit_code()
}

/// Answers a command line that does not parse; asking for help or the version is no error.
fn refuse(arguments: &[OsString], error: &clap::Error) -> ExitCode {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let json = arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
    if asked || !json {
        // Nobody reading is no reason to fail.
        let _ = error.print();
        return if asked { ExitCode::SUCCESS } else { ExitCode::from(failure::Kind::Usage.exit_code()) };
    }
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let rest: Vec<&str> = lines.collect();
    let failure = Failure::usage(message).hint("see --help");
    let failure = if rest.is_empty() { failure } else { failure.because(rest.join("\n")) };
    present(&failure, true)
}

/// What a server logs unless asked for more. Peers come and go; that its own parts end while it stops is no news either.
const QUIET_NETWORK: &str = "warn,esker=info,esker_runtime=info,esker_vm=info,arc_malachitebft_discovery=error,\
    arc_malachitebft_network=off,arc_malachitebft_engine::network=off,arc_malachitebft_engine::node=error,\
    arc_malachitebft_core_consensus=error,arc_malachitebft_sync=error,libp2p_gossipsub=error";

fn start_logging(global: &GlobalArgs, is_server: bool) {
    // A server's user watches what it does.
    let level = match (global.quiet, global.verbose.saturating_add(u8::from(is_server))) {
        (true, _) => "error",
        // A certificate that does not verify is told as the command's failure.
        (false, 0) => "warn,rustls_platform_verifier=off",
        (false, 1) => QUIET_NETWORK,
        (false, 2) => "info,esker=debug,esker_runtime=debug,esker_vm=debug",
        (false, _) => "debug,esker=trace,esker_runtime=trace,esker_vm=trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // A second start in one process (a test) keeps the first one's settings.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A line that cannot be written, as on a full disk, is lost. To say so would panic, for the same reason.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}

/// The command tree, as completions and the documentation's test want it.
#[must_use]
pub fn tree() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_tree_is_consistent() {
        tree().debug_assert();
    }
}
