//! `esker validator`: what operators and delegators do with the staking contract, and what they ask of it.

mod account;
mod chain;
mod claim;
mod create;
mod history;
mod list;
mod logs;
mod moment;
mod operate;
mod outlook;
mod sender;
mod show;
mod stake;
mod words;

use clap::Subcommand;

use super::answer::Answer;
use super::failure::Failure;

/// `esker validator`.
#[derive(Subcommand, Clone, Debug)]
pub enum ValidatorCommand {
    /// Make a home's key a validator of the chain that runs
    ///
    /// Bonds coins of the operator's account, and proves to the contract that the key is here. The node must have caught up
    /// first, and must run from then on: a validator in the set that misses its turns is jailed.
    #[command(after_help = "Examples:\n  \
        esker validator create --home ~/esker --self-bond 5000ether --commission 5% --name \"Alpha Staking\"\n  \
        esker validator create --home ./node4 --self-bond 100ether --commission 0% --rpc-url http://127.0.0.1:27000")]
    Create(create::CreateArgs),

    /// Rename a validator, or set its commission from the next epoch on
    #[command(after_help = "Examples:\n  \
        esker validator edit --home ~/esker --commission 6%\n  \
        esker validator edit --keystore operator --name \"Alpha\"")]
    Edit(operate::EditArgs),

    /// Bond coins to a validator
    #[command(after_help = "Examples:\n  \
        esker validator delegate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 50ether --keystore alice")]
    Delegate(stake::DelegateArgs),

    /// Take coins out of a validator; they can be withdrawn when they have matured
    #[command(
        alias = "unbond",
        after_help = "Examples:\n  \
        esker validator undelegate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 10ether --keystore alice\n  \
        esker validator unbond 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 all --keystore alice"
    )]
    Undelegate(stake::UndelegateArgs),

    /// Move bonded coins from one validator to another, at once
    #[command(after_help = "Examples:\n  \
        esker validator redelegate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 \\\n      \
          0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC 10ether --keystore alice")]
    Redelegate(stake::RedelegateArgs),

    /// Be paid what was undelegated and has matured
    #[command(after_help = "Examples:\n  \
        esker validator withdraw 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --keystore alice\n  \
        esker validator withdraw --all --keystore alice")]
    Withdraw(claim::WithdrawArgs),

    /// Be paid rewards: a delegator's, an operator's commission, and those for evidence
    #[command(after_help = "Examples:\n  \
        esker validator claim 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --keystore alice\n  \
        esker validator claim --all --home ~/esker\n  \
        esker validator claim --commission --home ~/esker --json")]
    Claim(claim::ClaimArgs),

    /// Let a validator out of jail, once its time there is over
    #[command(after_help = "Examples:\n  esker validator unjail --home ~/esker")]
    Unjail(operate::UnjailArgs),

    /// Make a validator with enough stake a candidate again; anybody may
    #[command(after_help = "Examples:\n  \
        esker validator enter 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --keystore alice")]
    Enter(operate::EnterArgs),

    /// Show the validator set and the candidates for the next one
    #[command(after_help = "Examples:\n  esker validator list\n  esker validator list --block 1200 --json")]
    List(list::ListArgs),

    /// Show everything about a validator
    #[command(after_help = "Examples:\n  \
        esker validator show 0x70997970C51812dc3A010C7d01b50e0d17dc79C8\n  \
        esker validator show \"Alpha Staking\" --json")]
    Show(show::ShowArgs),

    /// Show what an account has bonded, earned and taken out, and what slashes took
    #[command(after_help = "Examples:\n  esker validator account 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")]
    Account(account::AccountArgs),

    /// Show what an account did, was paid and lost, newest first, from the logs of the chain
    ///
    /// Jailings are not among it: they leave no log. `esker validator show` says whether a validator is jailed, and until
    /// when.
    #[command(after_help = "Examples:\n  \
        esker validator history 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n  \
        esker validator history 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --from-block 100000 --limit 500 --json")]
    History(history::HistoryArgs),
}

/// Does it.
///
/// # Errors
/// If the chain has no staking, the contract refuses, or the server does not do its part.
pub async fn run(command: &ValidatorCommand) -> Result<Answer, Failure> {
    match command {
        ValidatorCommand::Create(args) => create::run(args).await,
        ValidatorCommand::Edit(args) => operate::edit(args).await,
        ValidatorCommand::Delegate(args) => stake::delegate(args).await,
        ValidatorCommand::Undelegate(args) => stake::undelegate(args).await,
        ValidatorCommand::Redelegate(args) => stake::redelegate(args).await,
        ValidatorCommand::Withdraw(args) => claim::withdraw(args).await,
        ValidatorCommand::Claim(args) => claim::claim(args).await,
        ValidatorCommand::Unjail(args) => operate::unjail(args).await,
        ValidatorCommand::Enter(args) => operate::enter(args).await,
        ValidatorCommand::List(args) => list::run(args).await,
        ValidatorCommand::Show(args) => show::run(args).await,
        ValidatorCommand::Account(args) => account::run(args).await,
        ValidatorCommand::History(args) => history::run(args).await,
    }
}
