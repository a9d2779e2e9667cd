//! Proposed blocks that are not decided yet, as plain files: the engine's log holds their hashes only, so each must be
//! durable before the engine hears of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use bytes::Bytes;
use malachite::app::types::codec::Codec;
use malachite::app::types::core::Round;

use super::codec::EskerCodec;
use super::context::{ProposalPart, ValidatorAddress};
use crate::durable_file;

/// Most proposals kept of a height. A height without a decision makes one a round; what is thrown out is the oldest.
pub const PROPOSALS_MAX: usize = 256;

/// A proposal: in which round, of which block.
type Key = (u32, B256);

/// The proposals of the height that is being decided.
pub struct Undecided {
    folder: PathBuf,
    height: u64,
    proposals: BTreeMap<Key, ValidatorAddress>,
}

impl Undecided {
    /// Opens the folder, which is made if it is missing; what is left of heights up to `head` is deleted.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn open(folder: &Path, head: u64) -> io::Result<Self> {
        fs::create_dir_all(folder).map_err(|error| durable_file::at(folder, error))?;
        let mut undecided = Self { folder: folder.to_owned(), height: head + 1, proposals: BTreeMap::new() };
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let named = path.file_name().and_then(|name| name.to_str()).and_then(parse_name);
            match named {
                Some((height, round, hash)) if height == undecided.height => {
                    // What cannot be read was never told to the engine, or is damaged: either way it is not there.
                    if let Some(part) = read_part(&path) {
                        undecided.proposals.insert((round, hash), part.proposer);
                    }
                }
                _ => fs::remove_file(&path).map_err(|error| durable_file::at(&path, error))?,
            }
        }
        Ok(undecided)
    }

    /// Makes the proposal of the block `hash` durable.
    ///
    /// # Errors
    /// If it cannot be written: then the engine must not hear of it.
    pub fn put(&mut self, part: &ProposalPart, hash: B256) -> io::Result<()> {
        let key = (part.round.as_u32().unwrap_or(0), hash);
        if part.height.0 != self.height || self.proposals.contains_key(&key) {
            return Ok(());
        }
        let path = self.path(key);
        let content = EskerCodec.encode(part).map_err(io::Error::other)?;
        durable_file::replace(&path, &content).map_err(|error| durable_file::at(&path, error))?;
        self.proposals.insert(key, part.proposer);
        while self.proposals.len() > PROPOSALS_MAX {
            let Some((oldest, _)) = self.proposals.pop_first() else { break };
            fs::remove_file(self.path(oldest))?;
        }
        Ok(())
    }

    /// The body of the block `hash`, if it was proposed in any round.
    #[must_use]
    pub fn body(&self, hash: B256) -> Option<Bytes> {
        let key = self.proposals.keys().rev().find(|(_, proposed)| *proposed == hash)?;
        read_part(&self.path(*key)).map(|part| part.block)
    }

    /// Whether the block `hash` was proposed in any round.
    #[must_use]
    pub fn has(&self, hash: B256) -> bool {
        self.proposals.keys().any(|(_, proposed)| *proposed == hash)
    }

    /// The proposal of the block `hash` in `round`, as it was signed.
    #[must_use]
    pub fn part(&self, round: Round, hash: B256) -> Option<ProposalPart> {
        let key = (round.as_u32()?, hash);
        self.proposals.contains_key(&key).then(|| read_part(&self.path(key))).flatten()
    }

    /// The block that `proposer` proposed in `round`. What a validator proposed before a crash it must propose again.
    #[must_use]
    pub fn proposed_by(&self, proposer: ValidatorAddress, round: u32) -> Option<B256> {
        let mut of_round = self.proposals.range((round, B256::ZERO)..=(round, B256::repeat_byte(0xff)));
        of_round.find(|(_, by)| **by == proposer).map(|((_, hash), _)| *hash)
    }

    /// The proposals of `round`, as they were signed.
    #[must_use]
    pub fn in_round(&self, round: Round) -> Vec<ProposalPart> {
        let Some(round) = round.as_u32() else { return Vec::new() };
        let of_round = self.proposals.range((round, B256::ZERO)..=(round, B256::repeat_byte(0xff)));
        of_round.filter_map(|(key, _)| read_part(&self.path(*key))).collect()
    }

    /// A block of the height was decided and is durable: nothing of it is needed any more.
    ///
    /// # Errors
    /// If files cannot be deleted.
    pub fn decided(&mut self, height: u64) -> io::Result<()> {
        for key in std::mem::take(&mut self.proposals).into_keys() {
            fs::remove_file(self.path(key))?;
        }
        self.height = height + 1;
        Ok(())
    }

    fn path(&self, (round, hash): Key) -> PathBuf {
        self.folder.join(format!("{}-{round}-{}", self.height, hex::encode(hash)))
    }
}

fn parse_name(name: &str) -> Option<(u64, u32, B256)> {
    let mut fields = name.split('-');
    let (height, round, hash) = (fields.next()?, fields.next()?, fields.next()?);
    let hash: [u8; 32] = hex::decode(hash).ok()?.try_into().ok()?;
    fields.next().is_none().then_some((height.parse().ok()?, round.parse().ok()?, hash.into()))
}

fn read_part(path: &Path) -> Option<ProposalPart> {
    EskerCodec.decode(fs::read(path).ok()?.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::context::Height;
    use alloy_primitives::Address;
    use malachite_ed25519::Signature;

    fn part(height: u64, round: u32, fill: u8) -> ProposalPart {
        ProposalPart {
            height: Height(height),
            round: Round::new(round),
            pol_round: Round::Nil,
            proposer: ValidatorAddress(Address::repeat_byte(fill)),
            block: vec![fill; 40].into(),
            signature: Signature::from_bytes([1; 64]),
        }
    }

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder).expect("a folder").count()
    }

    #[test]
    fn proposals_outlive_a_restart_until_their_height_is_decided() {
        let folder = tempfile::tempdir().expect("a folder");
        let hash = B256::repeat_byte(7);
        let mut undecided = Undecided::open(folder.path(), 4).expect("it opens");
        undecided.put(&part(5, 0, 7), hash).expect("written");
        undecided.put(&part(5, 3, 9), hash).expect("the same block, proposed again");
        undecided.put(&part(6, 0, 8), B256::ZERO).expect("another height is ignored");
        fs::write(folder.path().join("5-0-77.unfinished"), b"cut off").expect("written");
        let mut again = Undecided::open(folder.path(), 4).expect("it opens");
        assert_eq!(files(folder.path()), 2, "what was being written is gone");
        assert_eq!(again.part(Round::new(3), hash), Some(part(5, 3, 9)));
        assert_eq!(again.part(Round::new(1), hash), None);
        assert_eq!(again.body(hash), Some(vec![9; 40].into()));
        assert_eq!(again.proposed_by(ValidatorAddress(Address::repeat_byte(7)), 0), Some(hash));
        assert_eq!(again.proposed_by(ValidatorAddress(Address::repeat_byte(7)), 3), None);
        again.decided(5).expect("deleted");
        assert_eq!((files(folder.path()), again.body(hash)), (0, None));
        again.put(&part(6, 0, 7), hash).expect("written");
        Undecided::open(folder.path(), 6).expect("it opens");
        assert_eq!(files(folder.path()), 0, "a height that was decided meanwhile leaves nothing");
    }

    #[test]
    fn a_height_without_end_keeps_a_bounded_number_of_proposals() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut undecided = Undecided::open(folder.path(), 0).expect("it opens");
        for round in 0..u32::try_from(PROPOSALS_MAX + 10).expect("small") {
            undecided.put(&part(1, round, 1), B256::from(alloy_primitives::U256::from(round))).expect("written");
        }
        assert_eq!(files(folder.path()), PROPOSALS_MAX);
        let count = |round| undecided.in_round(Round::new(round)).len();
        assert_eq!((count(9), count(10)), (0, 1));
    }
}
