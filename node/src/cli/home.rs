//! What the commands about homes share: opening their keys, and telling what is wrong with them.

use super::failure::Failure;
use super::key::password::PasswordArgs;
use crate::home::{ConsensusKey, Home, HomeError, HomeFault, layout};

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let failure = match error.fault {
            HomeFault::Invalid => Self::usage(error.message),
            HomeFault::Password => Self::failed(error.message),
            HomeFault::System => Self::infrastructure(error.message),
        };
        let failure = match error.reason {
            Some(reason) => failure.because(reason.trim_end()),
            None => failure,
        };
        match error.next {
            Some(next) => failure.hint(next),
            None => failure,
        }
    }
}

/// Opens the consensus key of a home: with the password from the file that `args` or else its settings name, or from the
/// environment variable ESKER_KEYSTORE_PASSWORD, or from whoever sits at the terminal. `None` if the node does not validate.
///
/// # Errors
/// If there is no password, it is wrong, or the file is damaged or readable by others.
pub fn unlock(home: &Home, args: &PasswordArgs) -> Result<Option<ConsensusKey>, Failure> {
    let path = home.consensus_key_path();
    if !home.has_consensus_key() {
        let record = home.path.join(layout::SIGN_STATE);
        if record.exists() {
            tracing::warn!(
                "there is no {}, so the node only follows; yet {} says that a validator ran here",
                path.display(),
                record.display()
            );
        }
        return Ok(None);
    }
    Ok(home.consensus_key(&password(home, args)?)?)
}

/// The password of a home's keys: from the file that `args` or else its settings name, the environment, or a prompt.
///
/// # Errors
/// If there is none.
pub fn password(home: &Home, args: &PasswordArgs) -> Result<String, Failure> {
    let named = if args.password_file.is_some() { None } else { home.password()? };
    match named {
        Some(password) => Ok(password),
        None => args.existing(&home.consensus_key_path().display().to_string()),
    }
}
