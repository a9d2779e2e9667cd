//! `esker validator create`.

use std::path::PathBuf;

use alloy_primitives::{Address, Bytes, U256};
use clap::Args;
use serde_json::json;

use super::super::answer::{Answer, printable};
use super::super::failure::Failure;
use super::super::home::password;
use super::super::rpc::RpcArgs;
use super::super::transact::SendingArgs;
use super::super::units::{format_amount, format_percent, parse_amount, parse_percent};
use super::chain::StakingChain;
use super::sender::{meaning, operator};
use crate::home::{ConsensusKey, Home, layout};
use crate::staking::{COIN, Staking};

/// Most bytes of a name.
pub const NAME_BYTES_MAX: usize = 64;

/// `esker validator create`.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// The node's home, with the consensus key; its operator's account sends unless --keystore names where that key is kept
    #[arg(long, value_name = "DIR")]
    home: PathBuf,

    /// What the operator bonds, like 5000ether; a coin is one unit of voting power
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount)]
    self_bond: U256,

    /// Which part of the delegators' rewards the operator keeps, like 5%; it can change a little every epoch
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent)]
    commission: u16,

    /// What the validator calls itself: at most 64 bytes [default: the node's name]
    #[arg(long)]
    name: Option<String>,

    #[command(flatten)]
    rpc: RpcArgs,

    #[command(flatten)]
    sending: SendingArgs,
}

/// Makes a validator.
///
/// # Errors
/// If the home has no key or is of another chain, the account cannot bond so much, or it or the key is a validator's already.
pub async fn run(args: &CreateArgs) -> Result<Answer, Failure> {
    let home = Home::open(&args.home)?;
    let name = args.name.clone().unwrap_or_else(|| home.config.name.clone());
    check_name(&name)?;
    if !home.has_consensus_key() {
        return Err(Failure::usage(format!("{} has no {}", home.path.display(), layout::CONSENSUS_KEY))
            .because("a home made with --full-node only follows")
            .hint("make another one with `esker init --genesis`, without --full-node"));
    }
    let mut chain = StakingChain::open(&args.rpc).await?;
    chain.check_home(&home).await?;
    check_self_bond(&chain, args.self_bond)?;
    let password = password(&home, &args.sending.sender.password)?;
    let key = home.consensus_key(&password)?;
    let key = key.ok_or_else(|| Failure::usage(format!("{} has no consensus key", home.path.display())))?;
    let sender = if args.sending.sender.is_named() {
        args.sending.sender.sender(&chain.rpc).await?
    } else {
        operator(&home, &password)?
    };
    if sender.address() != key.address {
        return Err(Failure::usage(format!("{} is not the operator of this home", sender.address()))
            .because(format!("its consensus key votes as {}", key.address))
            .hint("give the operator's key; another operator needs a home of its own"));
    }
    check_free(&chain, &key, args.self_bond).await?;

    let call = Staking::createValidatorCall {
        publicKey: key.public_key(),
        proof: Bytes::copy_from_slice(&key.possession(chain.chain_id)),
        commissionBps: args.commission,
        name: name.clone(),
    };
    let answer = chain.send(&args.sending, &sender, args.self_bond, call).await?;
    tell(&chain, answer, key.address, args, &name).await
}

/// Refuses a name that the contract would.
///
/// # Errors
/// If it is too long.
pub fn check_name(name: &str) -> Result<(), Failure> {
    if name.len() > NAME_BYTES_MAX {
        return Err(Failure::usage("the name is too long")
            .because(format!("it has {} bytes, and at most {NAME_BYTES_MAX} are allowed", name.len()))
            .hint("choose a shorter --name"));
    }
    Ok(())
}

fn check_self_bond(chain: &StakingChain, self_bond: U256) -> Result<(), Failure> {
    let least = chain.params.minSelfBond;
    if self_bond < least {
        return Err(Failure::usage(format!("a self-bond of {} is too small", format_amount(self_bond)))
            .because(format!("on this chain it must be at least {}", format_amount(least)))
            .hint("raise --self-bond; amounts without a unit are wei, so write 100ether"));
    }
    Ok(())
}

async fn check_free(chain: &StakingChain, key: &ConsensusKey, self_bond: U256) -> Result<(), Failure> {
    let operator = key.address;
    if let Some(known) = chain.find(operator).await? {
        let name = if known.name.is_empty() { "has no name".to_owned() } else { format!("is called {:?}", known.name) };
        return Err(Failure::failed(format!("{operator} is a validator already"))
            .because(format!("it {name}, with {} at stake", format_amount(known.stake)))
            .hint("`esker validator show` shows it; `esker validator delegate` adds to its stake"));
    }
    let owner: Address = chain.ask(Staking::keyOwnerCall { publicKey: key.public_key() }).await?;
    if !owner.is_zero() {
        return Err(Failure::failed("the consensus key is another validator's")
            .because(format!("{} registered {}", owner, key.public_key()))
            .hint("make another home with `esker init`: a key is one validator's for ever"));
    }
    let balance = chain.balance(operator).await?;
    if balance < self_bond {
        return Err(Failure::failed("the operator's account has too few coins")
            .because(format!(
                "{operator} has {}; {} and the gas are needed",
                format_amount(balance),
                format_amount(self_bond)
            ))
            .hint(format!("send coins to {operator}, or bond less")));
    }
    Ok(())
}

async fn tell(
    chain: &StakingChain,
    answer: Answer,
    operator: Address,
    args: &CreateArgs,
    name: &str,
) -> Result<Answer, Failure> {
    let power = args.self_bond / U256::from(COIN);
    let next = chain.beginning_after(chain.epoch_of(&answer), 1);
    let is_candidate = match answer.json["blockNumber"].as_u64() {
        Some(_) => Some(chain.validator(operator).await?.isCandidate),
        None => None,
    };
    let text = if is_candidate == Some(false) {
        format!(
            "{operator} is a validator, {:?}, but no candidate: 100 others have more stake.\n\
             When it has more than the least of them: `esker validator enter {operator}`.",
            printable(name)
        )
    } else {
        format!(
            "{operator} is a validator, \"{}\": {} bonded, a power of {power}, and a commission of {}.\n\
             If its stake suffices it is in the set in {}.\n\
             Its node must run then: `esker status` there says `validating  yes`.",
            printable(name),
            format_amount(args.self_bond),
            format_percent(args.commission),
            next.text()
        )
    };
    let facts = json!({
        "operator": operator,
        "name": name,
        "selfBond": args.self_bond.to_string(),
        "commissionBps": args.commission,
        "isCandidate": is_candidate,
        "next": (is_candidate != Some(false)).then(|| next.json()),
    });
    Ok(meaning(answer, &text, facts))
}
