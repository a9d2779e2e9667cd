//! Proof that a validator signed two different things where it may sign one: kept on disk until it can be punished.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry, File, ReadDir};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, Bytes};
use malachite::app::types::core::{SignedProposal, SignedVote};
use malachite::app::types::{MisbehaviorEvidence, SignedConsensusMsg};
use serde::{Deserialize, Serialize};

use super::codec::EskerCodec;
use super::context::EskerContext;
use super::domain::Domain;
use crate::durable_file;
use malachite::app::types::codec::Codec;

/// Most pieces kept: one for each validator and height is enough, and who lies so often needs no more proof.
pub const EVIDENCE_MAX: usize = 1_000;
/// Longest file of a piece, in bytes: two votes or proposals are some hundred.
const FILE_BYTES_MAX: u64 = 16 << 10;
/// The folder's name in a node's data.
pub const EVIDENCE: &str = "evidence";
/// Ends the name of a piece that waits to be punished.
const OPEN: &str = ".json";
/// Ends the name of one about which nothing can be done any more.
const SETTLED: &str = ".settled";

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

/// What a validator signed, as whoever punishes it reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The bytes that were signed.
    pub message: Vec<u8>,
    /// The Ed25519 signature.
    pub signature: [u8; 64],
}

impl Evidence {
    /// The two as they were signed on that chain; `None` if they are not as the wire has them, or another's.
    #[must_use]
    pub fn statements(&self, domain: &Domain) -> Option<[Statement; 2]> {
        let statement = |bytes: &Bytes| {
            let (signer, message, signature) = match EskerCodec.decode(bytes.0.clone()).ok()? {
                SignedConsensusMsg::Vote(vote) => (vote.voter, domain.vote(&vote), vote.signature),
                SignedConsensusMsg::Proposal(proposal) => {
                    (proposal.proposer, domain.proposal(&proposal), proposal.signature)
                }
            };
            (signer.0 == self.validator).then(|| Statement { message, signature: signature.to_bytes() })
        };
        Some([statement(&self.first)?, statement(&self.second)?])
    }

    fn file(&self) -> String {
        format!("{}-{}", self.height, hex::encode(self.validator))
    }
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
        durable_file::make_folder(folder).map_err(|error| durable_file::at(folder, error))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Makes what the engine saw durable; one piece for each validator and height. Returns the validators of what is new.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, seen: &MisbehaviorEvidence<EskerContext>) -> io::Result<BTreeSet<Address>> {
        let votes = seen.votes.iter().filter_map(|(validator, pairs)| {
            let (first, second) = pairs.first()?;
            Some((validator.0, first.height.0, vote(first), vote(second)))
        });
        let proposals = seen.proposals.iter().filter_map(|(validator, pairs)| {
            let (first, second) = pairs.first()?;
            Some((validator.0, first.height.0, proposal(first), proposal(second)))
        });
        let mut caught = BTreeSet::new();
        for (validator, height, first, second) in votes.chain(proposals) {
            if self.put(&Evidence { validator, height, first, second })? {
                caught.insert(validator);
            }
        }
        Ok(caught)
    }

    fn put(&self, evidence: &Evidence) -> io::Result<bool> {
        let path = self.folder.join(evidence.file() + OPEN);
        if path.exists() || self.settled(evidence).exists() {
            return Ok(false);
        }
        if !self.has_room()? {
            // News all the same: whoever fills the folder must not hide what another one does.
            return Ok(true);
        }
        let content = serde_json::to_vec_pretty(evidence)?;
        durable_file::replace(&path, &content).map_err(|error| durable_file::at(&path, error))?;
        let Evidence { validator, height, .. } = evidence;
        tracing::error!(%validator, height, file = %path.display(), "ALARM a validator signed two conflicting messages");
        Ok(true)
    }

    /// What is in the folder. Somebody who removed it has removed what was in it, and nothing that comes.
    fn entries(&self) -> io::Result<ReadDir> {
        match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::error!(folder = %self.folder.display(), "the folder of evidence is gone; it is made again, empty");
                durable_file::make_folder(&self.folder).and_then(|()| fs::read_dir(&self.folder))
            }
            read => read,
        }
        .map_err(|error| durable_file::at(&self.folder, error))
    }

    /// Whether one more fits; a piece that is settled gives way.
    fn has_room(&self) -> io::Result<bool> {
        let mut settled = None;
        let mut count = 0;
        for entry in self.entries()? {
            let entry = entry?;
            count += 1;
            let is_settled = entry.path().extension().is_some_and(|end| end == &SETTLED[1..]);
            if settled.is_none() && is_settled && is_file(&entry) {
                settled = Some(entry.path());
            }
        }
        match settled {
            _ if count < EVIDENCE_MAX => Ok(true),
            Some(path) => fs::remove_file(path).map(|()| true),
            None => Ok(false),
        }
    }

    /// Every piece that waits to be punished, by height. What is no such file, or cannot be read, is left out.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn all(&self) -> io::Result<Vec<Evidence>> {
        let mut all = Vec::new();
        for entry in self.entries()? {
            all.extend(read(&entry?));
        }
        all.sort_by_key(|evidence| (evidence.height, evidence.validator));
        Ok(all)
    }

    /// Nothing can be done about this piece any more. It stays in the folder as long as there is room.
    ///
    /// # Errors
    /// If its file cannot be renamed.
    pub fn settle(&self, evidence: &Evidence) -> io::Result<()> {
        let path = self.folder.join(evidence.file() + OPEN);
        fs::rename(&path, self.settled(evidence)).map_err(|error| durable_file::at(&path, error))
    }

    fn settled(&self, evidence: &Evidence) -> PathBuf {
        self.folder.join(evidence.file() + OPEN + SETTLED)
    }
}

fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_file())
}

/// A file of the folder, if it holds the piece that its name says.
fn read(entry: &DirEntry) -> Option<Evidence> {
    let name = entry.file_name().into_string().ok().filter(|name| name.ends_with(OPEN) && is_file(entry))?;
    let mut bytes = Vec::new();
    File::open(entry.path()).ok()?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    let evidence: Evidence = serde_json::from_slice(&bytes).ok()?;
    (evidence.file() + OPEN == name).then_some(evidence)
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
