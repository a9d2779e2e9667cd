//! Proof that a validator signed two different things where it may sign one: kept on disk until it can be punished.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, Bytes};
use malachite::app::types::core::{SignedProposal, SignedVote};
use malachite::app::types::{MisbehaviorEvidence, SignedConsensusMsg};
use serde::{Deserialize, Serialize};

use super::codec::EskerCodec;
use super::context::EskerContext;
use crate::durable_file;
use malachite::app::types::codec::Codec;

/// Most pieces kept: one for each validator and height is enough, and who lies so often needs no more proof.
pub const EVIDENCE_MAX: usize = 1_000;

/// Two signed messages of one validator that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evidence {
    /// Who signed both.
    pub validator: Address,
    /// At which height.
    pub height: u64,
    /// The two, as the wire has them: message and signature.
    pub first: Bytes,
    /// The other one.
    pub second: Bytes,
}

/// The folder of evidence.
#[derive(Clone, Debug)]
pub struct EvidenceStore {
    folder: PathBuf,
}

impl EvidenceStore {
    /// Opens the folder, which is made if it is missing.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder).map_err(|error| durable_file::at(folder, error))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Makes what the engine saw durable; one piece for each validator and height. Returns the validators of what is new.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, seen: &MisbehaviorEvidence<EskerContext>) -> io::Result<BTreeSet<Address>> {
        let mut caught = BTreeSet::new();
        for (validator, pairs) in &seen.votes {
            if let Some((first, second)) = pairs.first()
                && self.put(validator.0, first.height.0, &vote(first), &vote(second))?
            {
                caught.insert(validator.0);
            }
        }
        for (validator, pairs) in seen.proposals.iter() {
            if let Some((first, second)) = pairs.first()
                && self.put(validator.0, first.height.0, &proposal(first), &proposal(second))?
            {
                caught.insert(validator.0);
            }
        }
        Ok(caught)
    }

    fn put(&self, validator: Address, height: u64, first: &Bytes, second: &Bytes) -> io::Result<bool> {
        let path = self.folder.join(format!("{height}-{}.json", hex::encode(validator)));
        if path.exists() {
            return Ok(false);
        }
        if fs::read_dir(&self.folder)?.count() >= EVIDENCE_MAX {
            // News all the same: whoever fills the folder must not hide what another one does.
            return Ok(true);
        }
        let evidence = Evidence { validator, height, first: first.clone(), second: second.clone() };
        let content = serde_json::to_vec_pretty(&evidence)?;
        durable_file::replace(&path, &content).map_err(|error| durable_file::at(&path, error))?;
        tracing::error!(%validator, height, file = %path.display(), "ALARM a validator signed two conflicting messages");
        Ok(true)
    }

    /// Everything kept, by height. What cannot be read is left out.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn all(&self) -> io::Result<Vec<Evidence>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let bytes = fs::read(entry?.path())?;
            all.extend(serde_json::from_slice::<Evidence>(&bytes));
        }
        all.sort_by_key(|evidence| (evidence.height, evidence.validator));
        Ok(all)
    }
}

fn vote(vote: &SignedVote<EskerContext>) -> Bytes {
    encoded(&SignedConsensusMsg::Vote(vote.clone()))
}

fn proposal(proposal: &SignedProposal<EskerContext>) -> Bytes {
    encoded(&SignedConsensusMsg::Proposal(proposal.clone()))
}

fn encoded(message: &SignedConsensusMsg<EskerContext>) -> Bytes {
    EskerCodec.encode(message).unwrap_or_default().into()
}
