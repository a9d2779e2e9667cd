//! Passwords and secrets from where they cannot be seen: a prompt without echo, a file, the environment.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::failure::Failure;

/// The environment variable that may hold a keystore's password.
pub const PASSWORD_VARIABLE: &str = "ESKER_KEYSTORE_PASSWORD";

/// Where a keystore's password comes from.
#[derive(Args, Clone, Debug, Default)]
pub struct PasswordArgs {
    /// Read the keystore's password from this file's first line
    ///
    /// Otherwise it is taken from the environment variable ESKER_KEYSTORE_PASSWORD, or asked for without echo.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// The password of an existing keystore.
    ///
    /// # Errors
    /// If the file cannot be read, or nobody is there to ask.
    pub fn existing(&self, keystore: &str) -> Result<String, Failure> {
        match self.given()? {
            Some(password) => Ok(password),
            None => prompt(&format!("Password of {keystore}: "), "password"),
        }
    }

    /// A password for a new keystore; at a prompt it must be typed twice.
    ///
    /// # Errors
    /// As [`PasswordArgs::existing`], or if it is empty or was mistyped.
    pub fn chosen(&self) -> Result<String, Failure> {
        let password = match self.given()? {
            Some(password) => password,
            None => {
                let first = prompt("New password: ", "password")?;
                if prompt("The same again: ", "password")? != first {
                    return Err(Failure::usage("the two passwords differ").hint("nothing was stored; try again"));
                }
                first
            }
        };
        if password.is_empty() {
            return Err(Failure::usage("the password is empty").hint("nothing was stored; choose a password"));
        }
        Ok(password)
    }

    fn given(&self) -> Result<Option<String>, Failure> {
        match &self.password_file {
            Some(path) => read_secret(path, "password").map(Some),
            None => variable(PASSWORD_VARIABLE),
        }
    }
}

/// The environment variable's value, if it is set.
///
/// # Errors
/// If it is no UTF-8 text.
pub fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::usage(format!("the environment variable {name} is no UTF-8 text")))
        }
    }
}

/// The first line of a file that holds a secret.
///
/// # Errors
/// If it cannot be read.
pub fn read_secret(path: &Path, what: &str) -> Result<String, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read the {what} from {}", path.display())).because(error))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Asks on the terminal, without echo.
///
/// # Errors
/// If there is no terminal.
pub fn prompt(question: &str, what: &str) -> Result<String, Failure> {
    let nobody = |reason: String| {
        Failure::usage(format!("no {what} was given")).because(reason).hint(format!(
            "run this in a terminal, or give a file (see --help){}",
            if what == "password" { format!(", or set {PASSWORD_VARIABLE}") } else { String::new() }
        ))
    };
    if !std::io::stdin().is_terminal() {
        return Err(nobody("standard input is no terminal to ask on".to_owned()));
    }
    rpassword::prompt_password(question).map_err(|error| nobody(error.to_string()))
}
