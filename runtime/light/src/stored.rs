//! A trusted state between two runs.

use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::client::{Chain, LightError, TrustedState};
use crate::header::Header;
use crate::validators::{Validator, ValidatorSet};

/// The format's version.
const VERSION: u32 = 1;

/// What is stored. Whoever can write it decides what is trusted.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Stored {
    version: u32,
    chain: Chain,
    header: Bytes,
    certificate: Option<Bytes>,
    set_root: B256,
    validators: Vec<Validator>,
    deciders: Option<Vec<Validator>>,
}

impl From<TrustedState> for Stored {
    fn from(state: TrustedState) -> Self {
        Self {
            version: VERSION,
            chain: state.chain,
            header: state.rlp,
            certificate: state.certificate,
            set_root: state.set_root,
            validators: state.set.validators().to_vec(),
            deciders: state.deciders.map(|set| set.validators().to_vec()),
        }
    }
}

impl TryFrom<Stored> for TrustedState {
    type Error = LightError;

    fn try_from(stored: Stored) -> Result<Self, LightError> {
        if stored.version != VERSION {
            return Err(LightError::Version(stored.version));
        }
        Ok(Self {
            chain: stored.chain,
            header: Header::decode(&stored.header)?,
            rlp: stored.header,
            certificate: stored.certificate,
            set_root: stored.set_root,
            set: ValidatorSet::new(stored.validators)?,
            deciders: stored.deciders.map(ValidatorSet::new).transpose()?,
        })
    }
}
