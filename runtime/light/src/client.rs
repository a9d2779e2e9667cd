//! The client: what it trusts, and how that grows block by block.

use std::fmt;

use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::certificate::{CERTIFICATE_BYTES_MAX, Certificate, CertificateDecodeError, CertificateError};
use crate::epochs::Epochs;
use crate::header::{Header, HeaderError};
use crate::set_proof::{SetProof, SetProofError};
use crate::signing::Domain;
use crate::validators::{SetError, ValidatorSet};

/// How far ahead of the caller's clock a header may be, in seconds: clocks differ.
pub const CLOCK_DRIFT_MAX: u64 = 60;

/// Which chain is followed. None of it can be proven to somebody who does not know it: it comes with the program, with
/// the genesis file, or from whoever is trusted for the first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chain {
    /// Its id (EIP-155).
    pub chain_id: u64,
    /// Hash of block 0.
    pub genesis_hash: B256,
    /// Blocks of an epoch; 0 on a chain without staking, whose set never changes.
    pub epoch_length: u64,
}

impl Chain {
    const fn domain(&self) -> Domain {
        Domain { chain_id: self.chain_id, genesis_hash: self.genesis_hash }
    }

    /// Its epochs.
    #[must_use]
    pub const fn epochs(&self) -> Epochs {
        Epochs::of_length(self.epoch_length)
    }
}

/// A block as a server gives it: nothing of it is believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LightBlock {
    /// RLP of the header.
    pub header: Bytes,
    /// The commit certificate's bytes; none for block 0.
    pub certificate: Bytes,
    /// Which set decides the blocks after it: for the last block of each epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_proof: Option<SetProof>,
}

impl LightBlock {
    /// Bytes of all its parts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.header.len() + self.certificate.len() + self.set_proof.as_ref().map_or(0, SetProof::bytes)
    }
}

/// What time it is, and for how long a set is trusted.
///
/// Whoever was in a set may have taken its stake out since, and has no part in the chain any more that another history
/// could cost it. `docs/spec/light.md` says for how long a set can be trusted, and what is trusted then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Seconds since the Unix epoch, by the caller's clock.
    pub now: u64,
    /// For how many seconds after its block a set is trusted; `None` trusts sets of any age, which is safe only for what is
    /// compared with another source afterwards.
    pub trust_period: Option<u64>,
}

/// What a block was accepted with. The block that is trusted already is accepted with no power where nobody knows here who
/// decided it: it is trusted for its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The power that signed.
    pub signed_power: u64,
    /// The power that there is.
    pub total_power: u64,
    /// Whether another set decides from now on.
    pub set_changed: bool,
}

/// Two certificates that exclude each other: at least a third of the power of those who decide has lied. Each is a proof of
/// its own; both together show everybody that it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fork {
    /// The height at which there are two blocks.
    pub height: u64,
    /// The hash that is trusted.
    pub trusted_hash: B256,
    /// RLP of that header.
    pub trusted_header: Bytes,
    /// The certificate that it was trusted for.
    pub trusted_certificate: Bytes,
    /// The other block: at the same height, or the next one, on another block of this height.
    pub other: Box<LightBlock>,
    /// Its height.
    pub other_height: u64,
    /// Its hash.
    pub other_hash: B256,
    /// The block on which it stands.
    pub other_parent_hash: B256,
}

impl fmt::Display for Fork {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { height, trusted_hash, other_height, other_hash, other_parent_hash, .. } = self;
        write!(out, "FORK at height {height}: {trusted_hash} ")?;
        if other_height == height {
            write!(out, "and {other_hash} both have a good certificate")?;
        } else {
            write!(
                out,
                "has a good certificate, and so has block {other_height}, {other_hash}, which stands on {other_parent_hash} \
                 instead"
            )?;
        }
        out.write_str(", so at least a third of the power has lied; keep both")
    }
}

/// Why a block is not accepted. What is trusted stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LightError {
    /// The header is none.
    #[error("the header: {0}")]
    Header(#[from] HeaderError),
    /// The first block has another hash than the one trusted.
    #[error("the header has the hash {found}; trusted is {trusted}")]
    OtherAnchor {
        /// The header's.
        found: B256,
        /// The one trusted.
        trusted: B256,
    },
    /// Block 0 of another chain.
    #[error("block 0 has the hash {found}; that of this chain is {wanted}")]
    OtherGenesis {
        /// The header's.
        found: B256,
        /// The chain's.
        wanted: B256,
    },
    /// The trusted block is too old.
    #[error(
        "the last trusted block, {number}, is {age} s old, and its validators are trusted for {period} s only: they may \
         have taken out their stake since, and have no part in the chain any more"
    )]
    Expired {
        /// Its number.
        number: u64,
        /// Its age, in seconds.
        age: u64,
        /// For how long sets are trusted, in seconds.
        period: u64,
    },
    /// The header is from the future.
    #[error("the header is {ahead} s ahead of this clock; at most {CLOCK_DRIFT_MAX}")]
    Future {
        /// By how many seconds.
        ahead: u64,
    },
    /// A block before the trusted one.
    #[error("block {found} is before the trusted block {trusted}")]
    Older {
        /// The block's number.
        found: u64,
        /// The trusted one's.
        trusted: u64,
    },
    /// Another block in the place of the trusted one, and nobody knows here who decided that.
    #[error("block {number} is {found}; trusted is {trusted}")]
    OtherBlock {
        /// The number.
        number: u64,
        /// The block's hash.
        found: B256,
        /// The trusted one's.
        trusted: B256,
    },
    /// The known set does not decide this block.
    #[error("block {found} belongs to a later epoch: block {needed}, which ends this one, has to be followed first")]
    LaterEpoch {
        /// The block's number.
        found: u64,
        /// The block that says who decides then.
        needed: u64,
    },
    /// The certificate's bytes are none.
    #[error("{0}")]
    CertificateBytes(#[from] CertificateDecodeError),
    /// More bytes than any certificate has.
    #[error("{0} bytes are more than the {CERTIFICATE_BYTES_MAX} of a certificate")]
    CertificateTooLong(usize),
    /// The certificate is another block's.
    #[error("the certificate is for block {height} with the hash {hash}, not for this one")]
    OtherCertificate {
        /// The height that it is for.
        height: u64,
        /// The hash that it is for.
        hash: B256,
    },
    /// The certificate is no good.
    #[error("the certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// The validators decided two things that exclude each other.
    #[error("{0}")]
    Fork(Box<Fork>),
    /// The first block trusted is not the one that was decided.
    #[error(
        "block {number} was trusted for its hash {trusted}, which nobody has certified here, and validators that it names \
         certified {found} in its place"
    )]
    OtherBeginning {
        /// The number of the trusted block.
        number: u64,
        /// Its hash.
        trusted: B256,
        /// What was certified for this height, or as the parent of the next block.
        found: B256,
    },
    /// Two thirds decided what no correct validator votes for.
    #[error("block {number} is certified, and older than block {trusted}, on which it stands")]
    TimeWentBack {
        /// Its number.
        number: u64,
        /// The trusted one.
        trusted: u64,
    },
    /// The last block of an epoch without its set.
    #[error("block {0} ends an epoch, and comes without the proof of the next validator set")]
    NoSetProof(u64),
    /// The set is not proven.
    #[error("the proof of the validator set: {0}")]
    SetProof(#[from] SetProofError),
    /// The set changed where it cannot.
    #[error("the validator set after block {0} is another one, although the block ends no epoch")]
    SetWithinEpoch(u64),
    /// Stored bytes that are no trusted state.
    #[error("version {0} of a stored trusted state is not known")]
    Version(u32),
    /// A stored set that is none.
    #[error("the stored validator set: {0}")]
    Set(#[from] SetError),
}

/// The last block that is trusted, and who decides the ones after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "crate::stored::Stored", try_from = "crate::stored::Stored")]
pub struct TrustedState {
    pub(crate) chain: Chain,
    pub(crate) rlp: Bytes,
    pub(crate) header: Header,
    /// What the block was accepted with.
    pub(crate) certificate: Option<Bytes>,
    /// Root of the storage that holds the set.
    pub(crate) set_root: B256,
    pub(crate) set: ValidatorSet,
    /// The set that decided the block, if it is known and another one.
    pub(crate) deciders: Option<ValidatorSet>,
}

impl TrustedState {
    /// Begins with the block that has the hash `trusted`, from wherever that comes: block 0, or any block whose state a
    /// server can still prove. Its age is looked at when the next block comes.
    ///
    /// # Errors
    /// [`LightError`]: the header is another one's, or `set` does not prove who decides after it.
    pub fn begin(chain: Chain, trusted: B256, header: &Bytes, set: &SetProof) -> Result<Self, LightError> {
        let rlp = header.clone();
        let header = Header::decode(&rlp)?;
        if header.hash != trusted {
            return Err(LightError::OtherAnchor { found: header.hash, trusted });
        }
        if (header.number == 0) != (trusted == chain.genesis_hash) {
            return Err(LightError::OtherGenesis { found: trusted, wanted: chain.genesis_hash });
        }
        let proven = set.verify(header.state_root, None)?;
        let set = proven.set.ok_or(SetProofError::Changed)?;
        Ok(Self { chain, rlp, header, certificate: None, set_root: proven.root, set, deciders: None })
    }

    /// The chain.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The block.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Who decides the blocks after it, until the epoch ends.
    #[must_use]
    pub const fn set(&self) -> &ValidatorSet {
        &self.set
    }

    /// The last block that can come next: it ends the epoch, and must be followed before any later one.
    #[must_use]
    pub const fn epoch_end(&self) -> u64 {
        self.chain.epochs().set_until(self.header.number)
    }

    /// Checks a block of the present epoch, and trusts it from now on.
    ///
    /// # Errors
    /// [`LightError`]; then nothing has changed.
    pub fn advance(&mut self, block: &LightBlock, clock: Clock) -> Result<Accepted, LightError> {
        let header = Header::decode(&block.header)?;
        self.check_time(&header, clock)?;
        let (number, trusted) = (header.number, self.header.number);
        if number < trusted {
            return Err(LightError::Older { found: number, trusted });
        }
        let last = self.epoch_end();
        if number > last {
            return Err(LightError::LaterEpoch { found: number, needed: last });
        }
        if number == trusted {
            return self.again(block, &header);
        }
        let (signed_power, total_power) = (self.certified(block, &header, &self.set)?, self.set.total_power());
        if number - trusted == 1 && header.parent_hash != self.header.hash {
            return Err(self.fork(block, &header));
        }
        if header.timestamp < self.header.timestamp {
            return Err(LightError::TimeWentBack { number, trusted });
        }
        let changed = self.next_set(block, &header)?;
        let set_changed = changed.is_some();
        self.deciders = None;
        if let Some((root, set)) = changed {
            self.set_root = root;
            self.deciders = Some(std::mem::replace(&mut self.set, set));
        }
        self.rlp = block.header.clone();
        self.header = header;
        self.certificate = Some(block.certificate.clone());
        Ok(Accepted { signed_power, total_power, set_changed })
    }

    fn check_time(&self, header: &Header, clock: Clock) -> Result<(), LightError> {
        let age = clock.now.saturating_sub(self.header.timestamp);
        if let Some(period) = clock.trust_period.filter(|period| age > *period) {
            return Err(LightError::Expired { number: self.header.number, age, period });
        }
        let ahead = header.timestamp.saturating_sub(clock.now);
        if ahead > CLOCK_DRIFT_MAX { Err(LightError::Future { ahead }) } else { Ok(()) }
    }

    /// Judges a block in the place of the trusted one.
    fn again(&self, block: &LightBlock, header: &Header) -> Result<Accepted, LightError> {
        let (number, trusted) = (self.header.number, self.header.hash);
        let is_known = header.hash == trusted;
        // Accepted at an epoch's end without a change, or within an epoch: the present set decided it.
        let is_own = self.certificate.is_some() || !(number == 0 || self.chain.epochs().ends_with(number));
        let Some(set) = self.deciders.as_ref().or(is_own.then_some(&self.set)) else {
            let nobody = Accepted { signed_power: 0, total_power: 0, set_changed: false };
            let other = LightError::OtherBlock { number, found: header.hash, trusted };
            return if is_known { Ok(nobody) } else { Err(other) };
        };
        let (signed_power, total_power) = (self.certified(block, header, set)?, set.total_power());
        if is_known {
            Ok(Accepted { signed_power, total_power, set_changed: false })
        } else {
            Err(self.fork(block, header))
        }
    }

    /// The power of `set` that signed the header.
    fn certified(&self, block: &LightBlock, header: &Header, set: &ValidatorSet) -> Result<u64, LightError> {
        if block.certificate.len() > CERTIFICATE_BYTES_MAX {
            return Err(LightError::CertificateTooLong(block.certificate.len()));
        }
        let certificate = Certificate::decode(&block.certificate)?;
        let Certificate { height, hash, .. } = certificate;
        if height != header.number || hash != header.hash {
            return Err(LightError::OtherCertificate { height, hash });
        }
        Ok(certificate.verify(&self.chain.domain(), set)?)
    }

    /// The set after the block and its root, if it is another one.
    fn next_set(&self, block: &LightBlock, header: &Header) -> Result<Option<(B256, ValidatorSet)>, LightError> {
        let ends_epoch = self.chain.epochs().ends_with(header.number);
        let Some(proof) = &block.set_proof else {
            return if ends_epoch { Err(LightError::NoSetProof(header.number)) } else { Ok(None) };
        };
        let proven = proof.verify(header.state_root, Some(self.set_root))?;
        if proven.root == self.set_root {
            return Ok(None);
        }
        if !ends_epoch {
            return Err(LightError::SetWithinEpoch(header.number));
        }
        Ok(proven.set.map(|set| (proven.root, set)))
    }

    /// What it means that `block` is certified, which excludes the trusted one.
    fn fork(&self, block: &LightBlock, header: &Header) -> LightError {
        let (number, trusted) = (self.header.number, self.header.hash);
        let Some(certificate) = &self.certificate else {
            let found = if header.number == number { header.hash } else { header.parent_hash };
            return LightError::OtherBeginning { number, trusted, found };
        };
        LightError::Fork(Box::new(Fork {
            height: number,
            trusted_hash: trusted,
            trusted_header: self.rlp.clone(),
            trusted_certificate: certificate.clone(),
            other: Box::new(block.clone()),
            other_height: header.number,
            other_hash: header.hash,
            other_parent_hash: header.parent_hash,
        }))
    }
}
