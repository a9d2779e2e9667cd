//! Who acts: the operator of a home, or any account.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::super::answer::Answer;
use super::super::failure::Failure;
use super::super::home::password;
use super::super::key::folder::KeyFile;
use super::super::rpc::RpcArgs;
use super::super::transact::SendingArgs;
use super::super::transact::sender::Sender;
use super::chain::StakingChain;
use crate::home::{Home, layout};

/// Which chain, and who acts there.
#[derive(Args, Clone, Debug)]
pub struct ActorArgs {
    /// Act as the operator of this home, on a server of its chain
    #[arg(long, value_name = "DIR", conflicts_with_all = ["private_key", "keystore", "unlocked", "from"])]
    home: Option<PathBuf>,

    #[command(flatten)]
    rpc: RpcArgs,

    /// How transactions are sent.
    #[command(flatten)]
    pub sending: SendingArgs,
}

impl ActorArgs {
    /// Connects, and finds the account.
    ///
    /// # Errors
    /// If the chain has no staking or is not the home's, or no key can be opened.
    pub async fn begin(&self) -> Result<(StakingChain, Sender), Failure> {
        let home = self.home.as_deref().map(Home::open).transpose()?;
        let chain = StakingChain::open(&self.rpc).await?;
        let sender = match &home {
            Some(home) => {
                chain.check_home(home).await?;
                let path = home.path.join(layout::OPERATOR_KEY);
                let password =
                    if path.exists() { password(home, &self.sending.sender.password)? } else { String::new() };
                operator(home, &password)?
            }
            None => self.sending.sender.sender(&chain.rpc).await?,
        };
        Ok((chain, sender))
    }
}

/// The operator's account of a home.
///
/// # Errors
/// If its key is not there, or the password does not open it.
pub fn operator(home: &Home, password: &str) -> Result<Sender, Failure> {
    let path = home.path.join(layout::OPERATOR_KEY);
    if !path.exists() {
        return Err(Failure::usage(format!("{} has no {}", home.path.display(), layout::OPERATOR_KEY))
            .because("the node only follows, or the operator's key is kept elsewhere")
            .hint("name the operator's key with --keystore FILE"));
    }
    layout::check_private(&path)?;
    Ok(Sender::Local(Box::new(KeyFile::read(&path)?.decrypt(password)?)))
}

/// An answer with what it means for staking, before the receipt; `json` becomes the member `staking`.
#[must_use]
pub fn meaning(mut answer: Answer, text: &str, json: Value) -> Answer {
    // With --no-wait nobody knows yet.
    let sent = answer.json["status"] == "sent";
    let text = if sent { format!("Sent, and not waited for. Once it is in a block:\n{text}") } else { text.to_owned() };
    answer.text = format!("{text}\n\n{}", answer.text);
    if let Some(members) = answer.json.as_object_mut() {
        members.insert("staking".to_owned(), json);
    }
    answer
}
