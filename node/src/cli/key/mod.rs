//! `esker key`: private keys in encrypted files. No command prints a key.

pub mod folder;
pub mod password;

use std::path::PathBuf;

use alloy_primitives::B256;
use alloy_signer_local::coins_bip39::English;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use clap::{Args, Subcommand};
use serde_json::json;

use self::folder::{FolderArgs, KeyFile};
use self::password::PasswordArgs;
use super::answer::{Answer, columns};
use super::failure::Failure;
use crate::keystore::{ScryptCost, account};

/// The environment variable that may hold a private key.
pub const PRIVATE_KEY_VARIABLE: &str = "ESKER_PRIVATE_KEY";

/// Commands about keys.
#[derive(Subcommand, Clone, Debug)]
pub enum KeyCommand {
    /// Make a new key and store it encrypted
    #[command(after_help = "Examples:\n  \
        esker key new alice\n  \
        esker key new alice --password-file password.txt --json")]
    New(NewArgs),
    /// Store an existing key encrypted: a private key, a mnemonic's, or a keystore file of another wallet
    #[command(after_help = "Examples:\n  \
        esker key import alice                               # asks for the private key without echo\n  \
        esker key import dev0 --mnemonic-file words.txt --index 0\n  \
        esker key import old --keystore-file UTC--2024-01-01T00-00-00Z--f39fd6e5")]
    Import(ImportArgs),
    /// List the stored keys with their addresses
    #[command(after_help = "Examples:\n  \
        esker key list\n  \
        esker key list --keystore-dir ~/.ethereum/keystore --json")]
    List(FolderArgs),
    /// Print the address of a stored key
    #[command(after_help = "Examples:\n  \
        esker key address alice\n  \
        esker key address alice --verify        # opens the keystore and checks")]
    Address(AddressArgs),
}

/// `esker key new`.
#[derive(Args, Clone, Debug)]
pub struct NewArgs {
    /// Name of the key [default: its address]
    pub name: Option<String>,
    #[command(flatten)]
    folder: FolderArgs,
    #[command(flatten)]
    password: PasswordArgs,
}

/// `esker key import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// Name of the key [default: its address]
    pub name: Option<String>,
    /// Read the private key (64 hexadecimal digits) from this file's first line
    ///
    /// Without any source it is taken from ESKER_PRIVATE_KEY, or asked for without echo.
    #[arg(long, value_name = "FILE", group = "source")]
    private_key_file: Option<PathBuf>,
    /// Read a BIP-39 mnemonic from this file's first line
    #[arg(long, value_name = "FILE", group = "source")]
    mnemonic_file: Option<PathBuf>,
    /// Which of the mnemonic's keys: the last part of m/44'/60'/0'/0/INDEX
    #[arg(long, default_value_t = 0, requires = "mnemonic_file", value_name = "INDEX")]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=i64::from(i32::MAX)))]
    index: u32,
    /// Copy this Web3 Secret Storage file; its password opens and keeps it
    #[arg(long, value_name = "FILE", group = "source")]
    keystore_file: Option<PathBuf>,
    #[command(flatten)]
    folder: FolderArgs,
    #[command(flatten)]
    password: PasswordArgs,
}

/// `esker key address`.
#[derive(Args, Clone, Debug)]
pub struct AddressArgs {
    /// The key's name, or a keystore file
    pub key: String,
    /// Open the keystore with its password and check its address
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    folder: FolderArgs,
    #[command(flatten)]
    password: PasswordArgs,
}

/// Runs a command about keys.
///
/// # Errors
/// What went wrong; nothing was stored then.
pub fn run(command: &KeyCommand) -> Result<Answer, Failure> {
    match command {
        KeyCommand::New(args) => new(args),
        KeyCommand::Import(args) => import(args),
        KeyCommand::List(args) => list(args),
        KeyCommand::Address(args) => address(args),
    }
}

/// Reads a private key's digits. The digits are never repeated in an error.
///
/// # Errors
/// If they are no private key of secp256k1.
pub fn parse_private_key(text: &str) -> Result<PrivateKeySigner, Failure> {
    let bad = |reason: &str| {
        Failure::usage("the private key is unusable")
            .because(reason)
            .hint("a private key is 0x and 64 hexadecimal digits")
    };
    let text = text.trim();
    let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|_| bad("it is not hexadecimal"))?;
    let key = B256::try_from(bytes.as_slice()).map_err(|_| bad("it is not 32 bytes long"))?;
    PrivateKeySigner::from_bytes(&key).map_err(|_| bad("it is zero or not below secp256k1's order"))
}

fn new(args: &NewArgs) -> Result<Answer, Failure> {
    if let Some(name) = &args.name {
        folder::check_name(name)?;
    }
    let signer = account::random_signer().map_err(no_randomness)?;
    store(&signer, args.name.as_deref(), &args.folder, &args.password)
}

pub(super) fn no_randomness(error: String) -> Failure {
    Failure::infrastructure("the operating system gives no random numbers").because(error)
}

fn import(args: &ImportArgs) -> Result<Answer, Failure> {
    if let Some(path) = &args.keystore_file {
        let file = KeyFile::read(path)?;
        let password = args.password.existing(&file.name)?;
        let signer = file.decrypt(&password)?;
        return encrypt_and_write(&signer, &password, args.name.as_deref(), &args.folder);
    }
    let signer = if let Some(path) = &args.mnemonic_file {
        let words = password::read_secret(path, "mnemonic")?;
        let builder = MnemonicBuilder::<English>::default().phrase(words.trim()).index(args.index);
        builder.and_then(|builder| builder.build()).map_err(|_| unusable_mnemonic(words.trim()))?
    } else {
        let text = match &args.private_key_file {
            Some(path) => password::read_secret(path, "private key")?,
            None => match password::variable(PRIVATE_KEY_VARIABLE)? {
                Some(text) => text,
                None => password::prompt("Private key: ", "private key")?,
            },
        };
        parse_private_key(&text)?
    };
    store(&signer, args.name.as_deref(), &args.folder, &args.password)
}

/// What is wrong with a mnemonic, without any of its words: the file may hold another secret.
fn unusable_mnemonic(words: &str) -> Failure {
    let count = words.split_whitespace().count();
    let reason = match count {
        12 | 15 | 18 | 21 | 24 => {
            "a word is not in BIP-39's English list, or the checksum in the last word is wrong".into()
        }
        1 => "it is one word".into(),
        _ => format!("it has {count} words"),
    };
    Failure::usage("the mnemonic is unusable")
        .because(reason)
        .hint("a mnemonic has 12, 15, 18, 21 or 24 words of BIP-39's English list, on the file's first line")
}

fn store(
    signer: &PrivateKeySigner,
    name: Option<&str>,
    folder: &FolderArgs,
    password: &PasswordArgs,
) -> Result<Answer, Failure> {
    encrypt_and_write(signer, &password.chosen()?, name, folder)
}

fn encrypt_and_write(
    signer: &PrivateKeySigner,
    password: &str,
    name: Option<&str>,
    folder: &FolderArgs,
) -> Result<Answer, Failure> {
    let address = signer.address().to_checksum(None);
    let name = name.map_or_else(|| address.to_lowercase(), str::to_owned);
    let document = account::encrypt(signer, password, ScryptCost::STANDARD).map_err(no_randomness)?;
    let path = folder::write_new(&folder.folder()?, &name, &document)?;
    let text =
        columns(&[("name", name.clone()), ("address", address.clone()), ("keystore", path.display().to_string())]);
    Ok(Answer::new(text, json!({"name": name, "address": address, "keystore": path})))
}

fn list(args: &FolderArgs) -> Result<Answer, Failure> {
    let folder = args.folder()?;
    let files = folder::list(&folder)?;
    let address = |file: &KeyFile| file.address().ok().flatten().map(|address| address.to_checksum(None));
    let text = if files.is_empty() {
        format!("no keys in {}; make one with `esker key new`", folder.display())
    } else {
        let shown = |file: &KeyFile| address(file).unwrap_or_else(|| "(the file names no address)".to_owned());
        let rows: Vec<(&str, String)> = files.iter().map(|file| (file.name.as_str(), shown(file))).collect();
        columns(&rows)
    };
    let keys: Vec<_> =
        files.iter().map(|file| json!({"name": file.name, "address": address(file), "keystore": file.path})).collect();
    Ok(Answer::new(text, json!({"folder": folder, "keys": keys})))
}

fn address(args: &AddressArgs) -> Result<Answer, Failure> {
    let file = KeyFile::find(&args.folder, &args.key)?;
    let named = file
        .address()
        .map_err(|error| Failure::usage(format!("{} is no usable keystore", file.path.display())).because(error))?;
    let address = match named {
        Some(address) if !args.verify => address,
        _ => file.decrypt(&args.password.existing(&file.name)?)?.address(),
    };
    let address = address.to_checksum(None);
    Ok(Answer::new(
        address.clone(),
        json!({"name": file.name, "address": address, "keystore": file.path, "verified": args.verify}),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_keys_are_read_and_never_repeated() {
        let digits = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
        let signer = parse_private_key(&format!(" 0x{digits}\n")).expect("a key");
        assert_eq!(signer.address().to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        for bad in ["", "0x", "secretsecret", &digits[..62], &"0".repeat(64), &"f".repeat(64)] {
            let error = parse_private_key(bad).expect_err("no key").to_string();
            assert!(bad.is_empty() || bad == "0x" || !error.contains(bad), "{error}");
        }
    }
}
