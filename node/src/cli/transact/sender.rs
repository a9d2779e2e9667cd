//! Who sends a transaction: a key held here, or an account that the server holds.

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use clap::Args;

use super::super::abi::values::parse_address;
use super::super::failure::Failure;
use super::super::key::folder::{FolderArgs, KeyFile};
use super::super::key::password::{PasswordArgs, variable};
use super::super::key::{PRIVATE_KEY_VARIABLE, parse_private_key};
use super::super::rpc::Rpc;

/// Which account sends.
#[derive(Args, Clone, Debug)]
pub struct SenderArgs {
    /// Sign with this private key; better given as the environment variable ESKER_PRIVATE_KEY, which `ps` does not show
    #[arg(long, value_name = "KEY", conflicts_with_all = ["keystore", "unlocked"])]
    private_key: Option<String>,

    /// Sign with the key in this keystore: a name that `esker key list` shows, or a file
    #[arg(long, value_name = "NAME|PATH", conflicts_with = "unlocked")]
    keystore: Option<String>,

    /// Where the password of the keystore comes from.
    #[command(flatten)]
    pub password: PasswordArgs,

    #[command(flatten)]
    folder: FolderArgs,

    /// Let the server sign: a development node holds keys (--from says which account, else its first)
    #[arg(long)]
    unlocked: bool,

    /// The account that sends; checked against the key
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    from: Option<Address>,
}

/// An account that can send.
#[derive(Debug)]
pub enum Sender {
    /// Its key is here.
    Local(Box<PrivateKeySigner>),
    /// The server holds its key.
    Unlocked(Address),
}

impl Sender {
    /// The account's address.
    #[must_use]
    pub fn address(&self) -> Address {
        match self {
            Self::Local(signer) => signer.address(),
            Self::Unlocked(address) => *address,
        }
    }
}

impl SenderArgs {
    /// Whether a flag names an account.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.private_key.is_some() || self.keystore.is_some() || self.unlocked
    }

    /// Finds the account. Keys given with a flag go before the environment.
    ///
    /// # Errors
    /// If none is named, a key cannot be read, or it is not the key of `--from`.
    pub async fn sender(&self, rpc: &Rpc) -> Result<Sender, Failure> {
        if self.unlocked {
            return self.unlocked(rpc).await;
        }
        let signer = if let Some(key) = &self.private_key {
            parse_private_key(key)?
        } else if let Some(name) = &self.keystore {
            let file = KeyFile::find(&self.folder, name)?;
            file.decrypt(&self.password.existing(&file.name)?)?
        } else if let Some(key) = variable(PRIVATE_KEY_VARIABLE)? {
            parse_private_key(&key)?
        } else {
            return Err(Failure::usage("nobody was named to send the transaction").hint(
                "give --keystore NAME (see `esker key`), --private-key or ESKER_PRIVATE_KEY,\n\
                 or --unlocked to use an account of a development node",
            ));
        };
        match self.from {
            Some(from) if from != signer.address() => {
                Err(Failure::usage(format!("the key given is not that of {from}"))
                    .because(format!("it is the key of {}", signer.address()))
                    .hint("leave out --from, or give the other key"))
            }
            _ => Ok(Sender::Local(Box::new(signer))),
        }
    }

    async fn unlocked(&self, rpc: &Rpc) -> Result<Sender, Failure> {
        if let Some(from) = self.from {
            return Ok(Sender::Unlocked(from));
        }
        let accounts: Option<Vec<Address>> = rpc.request_if_known("eth_accounts", &[]).await?;
        let first = accounts.unwrap_or_default().first().copied();
        first.map(Sender::Unlocked).ok_or_else(|| {
            Failure::usage(format!("{} holds no accounts", rpc.url()))
                .hint("sign here: give --keystore NAME, --private-key or ESKER_PRIVATE_KEY")
        })
    }
}
