//! `esker contract`: write, build and examine contracts. No chain is needed for any of it.

mod abi;
mod build;
mod check;
mod create;
mod layout;
mod progress;
mod size;
mod source;
mod test;
mod verify;

use clap::{Args, Subcommand};
use esker_sdk_build::BuildError;

use super::answer::Answer;
use super::failure::Failure;

/// `esker contract`.
#[derive(Args, Clone, Debug)]
pub struct ContractArgs {
    /// What to do.
    #[command(subcommand)]
    command: ContractCommand,
}

/// What can be done with contracts.
#[derive(Subcommand, Clone, Debug)]
enum ContractCommand {
    /// Write a new contract crate to begin with
    #[command(after_help = "Examples:\n  \
        esker contract new counter\n  \
        esker contract new gold --template token\n  \
        esker contract new my-nft --template nft --in contracts\n\n\
        The SDK is carried by this program; the crates that it uses come from the registry.")]
    New(create::NewArgs),

    /// Compile contract crates to artifacts
    #[command(after_help = "Examples:\n  \
        esker contract build\n  \
        esker contract build contracts/erc20 contracts/erc721 --out artifacts\n  \
        esker contract build --workspace --json\n\n\
        The compiler is the active toolchain if it has the wasm32-unknown-unknown target,\n\
        else one that Esker fetches (rustup target add; on Debian and kin its rustc-web packages,\n\
        unpacked into Esker's cache folder).\n\n\
        Environment:\n  \
        ESKER_WASM_RUSTC  a rustc to use instead\n  \
        ESKER_CACHE_DIR   where a fetched compiler is kept [default: ~/.cache/esker]\n  \
        ESKER_OFFLINE     1: fetch nothing")]
    Build(build::BuildArgs),

    /// Say whether a chain would accept a contract, and why not
    #[command(after_help = "Examples:\n  \
        esker contract check contracts/erc20\n  \
        esker contract check artifacts/Erc20.json\n  \
        esker contract check module.wasm --json")]
    Check(check::CheckArgs),

    /// Run a contract's tests
    #[command(after_help = "Examples:\n  \
        esker contract test\n  \
        esker contract test contracts/erc20 --release\n  \
        esker contract test -- only_the_owner --nocapture")]
    Test(test::TestArgs),

    /// Say whether a crate's source gives the code of an artifact or an account
    #[command(after_help = "Examples:\n  \
        esker contract verify\n  \
        esker contract verify contracts/erc20 --artifact release/Erc20.json\n  \
        esker contract verify --address 0x5FbDB2315678afecb367f032d93F642f64180aa3 --rpc-url https://rpc.example.org")]
    Verify(verify::VerifyArgs),

    /// Show where a contract's bytes go
    #[command(after_help = "Examples:\n  \
        esker contract size contracts/erc20\n  \
        esker contract size artifacts/Erc20.json --top 5 --json")]
    Size(size::SizeArgs),

    /// Show a contract's ABI, or write it for another language
    #[command(after_help = "Examples:\n  \
        esker contract abi contracts/erc20\n  \
        esker contract abi artifacts/Erc20.json --format solidity > IErc20.sol\n  \
        esker contract abi --format typescript > web/erc20.ts")]
    Abi(abi::AbiArgs),

    /// Show where a contract's storage lies, or lock it against incompatible upgrades
    #[command(after_help = "Examples:\n  \
        esker contract layout contracts/erc20\n  \
        esker contract layout artifacts/Erc20.json --json\n  \
        esker contract layout --lock")]
    Layout(layout::LayoutArgs),
}

/// Runs a command on contracts.
///
/// # Errors
/// Says whether the contract, the command line or the machine is at fault.
pub fn run(args: &ContractArgs, json: bool) -> Result<Answer, Failure> {
    match &args.command {
        ContractCommand::New(args) => create::run(args),
        ContractCommand::Build(args) => build::run(args),
        ContractCommand::Check(args) => check::run(args),
        ContractCommand::Test(args) => test::run(args, json),
        ContractCommand::Verify(args) => verify::run(args),
        ContractCommand::Size(args) => size::run(args),
        ContractCommand::Abi(args) => abi::run(args),
        ContractCommand::Layout(args) => layout::run(args),
    }
}

/// A build's error as a command's.
fn failure(error: BuildError) -> Failure {
    let whole = error.to_string();
    let (message, reason) =
        whole.split_once('\n').map_or((whole.as_str(), ""), |(first, rest)| (first, rest.trim_matches('\n')));
    let failure = match &error {
        BuildError::NoCrate(_)
        | BuildError::Manifest { .. }
        | BuildError::NotAContract { .. }
        | BuildError::File { .. } => Failure::usage(message),
        error if error.is_infrastructure() => Failure::infrastructure(message),
        _ => Failure::failed(message),
    };
    if reason.is_empty() { failure } else { failure.because(reason) }
}
