//! Who decides which blocks, and its proof: kept of the end of each epoch, since the states of old blocks are not. What a
//! light client follows is made of it.

use std::collections::BTreeSet;

use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use esker_light::{Epochs, LightBlock, SetProof};
use esker_runtime::db::{Batch, StoreError};
use esker_runtime::state::{StateDb, StateView};
use esker_runtime::validators::{VALIDATORS_ADDRESS, slots};
use esker_runtime::{ChainConfig, Genesis, PreparedBlock, Validator, validator_set};

use super::{Chain, ChainError, memory_store, tables};

/// What is kept of a block after which another set may decide.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct SetRecord {
    /// The block since whose state the set is this one; only its record has the storage.
    pub changed_at: u64,
    /// Nodes of the account trie.
    pub account: Vec<Bytes>,
    /// Nodes of the set's storage trie, each once.
    pub storage: Vec<Bytes>,
}

impl SetRecord {
    pub(super) fn decode(mut bytes: &[u8]) -> Result<Self, String> {
        let record = <Self as Decodable>::decode(&mut bytes).map_err(|error| error.to_string())?;
        if bytes.is_empty() { Ok(record) } else { Err(format!("{} bytes follow it", bytes.len())) }
    }
}

/// Why there is no light block.
#[derive(Debug, thiserror::Error)]
pub enum LightBlockError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The block is older than what the node began with.
    #[error(
        "this node does not have block {0}: it began with a later one; ask a node that has been there from the start"
    )]
    NoBlock(u64),
    /// No certificate is there.
    #[error("this node has no certificate of block {0}: it began with a later block, or makes its blocks alone")]
    NoCertificate(u64),
    /// No proof of the set is there, although nodes keep it.
    #[error(
        "this node has no proof of the validator set after block {0}: it has them from the block on with which it began; ask a \
         node that has been there from the start"
    )]
    NoSet(u64),
    /// No node has a proof of the set any more.
    #[error(
        "no proof of the validator set after block {number} is kept: nodes keep it of the last block of each epoch, and of \
         the last blocks; ask for block {before}, or the last block of a later epoch"
    )]
    WithinEpoch {
        /// The block.
        number: u64,
        /// The last one before it that has a proof.
        before: u64,
    },
}

/// Adds what is to be kept of the set after `block`, if another one may decide from there on.
pub(super) fn put_record(
    batch: &mut Batch,
    db: &StateDb,
    config: &ChainConfig,
    block: &PreparedBlock,
) -> Result<(), StoreError> {
    let number = block.block().header.number;
    let previous = match config.staking {
        Some(staking) if staking.epochs().ends_with(number) => number.checked_sub(staking.epoch_length),
        None if number == 0 => None,
        _ => return Ok(()),
    };
    let parent = block.as_parent();
    let set = validator_set(parent.state())?;
    if set.is_empty() {
        return Ok(());
    }
    let change = block.changes().accounts.get(&VALIDATORS_ADDRESS);
    let is_changed = change.is_some_and(|change| change.storage.values().any(|slot| slot.before != slot.after));
    let previous = previous.map(|number| tables::set_record(db, number)).transpose()?.flatten();
    let record = match previous.filter(|_| !is_changed) {
        None => {
            let SetProof { account, storage } = prove(parent.state(), set.len())?;
            SetRecord { changed_at: number, account, storage }
        }
        Some(previous) => {
            let account = parent.state().proof(VALIDATORS_ADDRESS, &[])?.account_proof;
            SetRecord { changed_at: previous.changed_at, account, storage: Vec::new() }
        }
    };
    tables::put_set_record(batch, number, &record);
    Ok(())
}

/// The proof of a set of `count` validators in this state.
fn prove(state: &StateView, count: usize) -> Result<SetProof, StoreError> {
    let slots: Vec<_> = slots(count).collect();
    let proof = state.proof(VALIDATORS_ADDRESS, &slots)?;
    let mut seen = BTreeSet::new();
    let nodes = proof.storage_proof.into_iter().flat_map(|slot| slot.proof);
    let storage = nodes.filter(|node| seen.insert(node.clone())).collect();
    Ok(SetProof { account: proof.account_proof, storage })
}

/// Block 0 of a genesis and its hash, as a light client begins with it.
///
/// # Errors
/// [`ChainError::Genesis`] if it is no good.
pub fn genesis_light_block(genesis: &Genesis) -> Result<(B256, LightBlock), ChainError> {
    let db = StateDb::open(memory_store())?;
    let prepared = PreparedBlock::genesis(&db, genesis.build()?)?;
    let header = alloy_rlp::encode(&prepared.block().header).into();
    let set_proof = Some(prove(prepared.as_parent().state(), genesis.validators.len())?);
    Ok((prepared.block().hash, LightBlock { header, certificate: Bytes::new(), set_proof }))
}

impl Chain {
    /// The set that decides the block after `number`; `None` if there is no such block, if this node does not know it any more
    /// (it began with a later block), or if the chain has no validators.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or is damaged.
    pub fn validators_at(&self, number: u64) -> Result<Option<Vec<Validator>>, StoreError> {
        let head = self.head();
        if number > head.block.header.number {
            return Ok(None);
        }
        let epochs = self.epochs();
        let since = epochs.set_since(number);
        let state = match self.recent_state(number) {
            Some(recent) => Some(recent),
            // No epoch has ended since: it is still the same set.
            None if since == epochs.set_since(head.block.header.number) => Some(head),
            None => None,
        };
        if let Some(state) = state {
            return Ok(Some(validator_set(&state.state)?).filter(|set| !set.is_empty()));
        }
        let (Some(proof), Some(header)) = (self.recorded_set(since)?, self.header(since)?) else { return Ok(None) };
        let damaged = |error| StoreError::Corrupt(format!("the validator set after block {since}: {error}"));
        let proven = proof.verify(header.state_root, None).map_err(damaged)?;
        Ok(proven.set.map(|set| set.validators().to_vec()))
    }

    /// The whole proof of the set after block `number`, if it was kept.
    fn recorded_set(&self, number: u64) -> Result<Option<SetProof>, StoreError> {
        let Some(record) = tables::set_record(self.db(), number)? else { return Ok(None) };
        let SetRecord { changed_at, account, mut storage } = record;
        if changed_at != number {
            let Some(changed) = tables::set_record(self.db(), changed_at)? else { return Ok(None) };
            storage = changed.storage;
        }
        Ok(Some(SetProof { account, storage }))
    }

    /// Block `number` as a light client takes it; `None` if there is no such block. The last block of an epoch has the proof of
    /// the set that decides from then on, but not the set's storage if the set has not changed. `with_set` asks for the whole
    /// proof, of any block.
    ///
    /// # Errors
    /// [`LightBlockError`]
    pub fn light_block(&self, number: u64, with_set: bool) -> Result<Option<LightBlock>, LightBlockError> {
        if number > self.head().block.header.number {
            return Ok(None);
        }
        let header = self.header(number)?.ok_or(LightBlockError::NoBlock(number))?;
        let certificate = match self.certificate(number)? {
            Some(certificate) => certificate.into(),
            None if number == 0 => Bytes::new(),
            None => return Err(LightBlockError::NoCertificate(number)),
        };
        let set_proof = if with_set {
            Some(self.whole_set_proof(number)?)
        } else if self.epochs().ends_with(number) {
            Some(match tables::set_record(self.db(), number)? {
                Some(SetRecord { account, storage, .. }) => SetProof { account, storage },
                None => self.whole_set_proof(number)?,
            })
        } else {
            None
        };
        Ok(Some(LightBlock { header: alloy_rlp::encode(&header).into(), certificate, set_proof }))
    }

    fn whole_set_proof(&self, number: u64) -> Result<SetProof, LightBlockError> {
        if let Some(proof) = self.recorded_set(number)? {
            return Ok(proof);
        }
        let before = self.epochs().set_since(number);
        let Some(recent) = self.recent_state(number) else {
            let is_kept = number == before;
            return Err(if is_kept {
                LightBlockError::NoSet(number)
            } else {
                LightBlockError::WithinEpoch { number, before }
            });
        };
        let set = validator_set(&recent.state)?;
        if set.is_empty() { Err(LightBlockError::NoSet(number)) } else { Ok(prove(&recent.state, set.len())?) }
    }

    fn epochs(&self) -> Epochs {
        self.config().staking.map_or(Epochs::of_length(0), |staking| staking.epochs())
    }
}
