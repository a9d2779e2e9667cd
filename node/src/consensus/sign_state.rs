//! The double-sign guard: what was signed last, durable before the signature leaves this machine.
//!
//! A validator that signs two different votes for one height, round and step can be punished, and a third of the power that
//! does so can split the chain. The engine's log keeps an honest node from it as long as the log is there; this file stands
//! beside the key, and also holds when the log is lost, replaced by an old one, or the key is used on two machines in turn.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use alloy_primitives::{B256, keccak256};
use malachite::app::types::core::Round;
use serde::{Deserialize, Serialize};

use crate::durable_file;

/// What is signed in a round, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// A proposal.
    Proposal,
    /// A prevote.
    Prevote,
    /// A precommit.
    Precommit,
}

/// A place where one thing at most may be signed. Later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    height: u64,
    round: i64,
    step: Step,
}

impl Position {
    /// The place of `step` in `round` of `height`.
    #[must_use]
    pub fn new(height: u64, round: Round, step: Step) -> Self {
        Self { height, round: round.as_i64(), step }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "height {}, round {}, {:?}", self.height, self.round, self.step)
    }
}

/// Something that was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Signed {
    position: Position,
    /// keccak256 of the bytes that were signed.
    digest: B256,
}

/// Most signatures remembered of a height; the first ones are forgotten then, and not given again.
const SIGNED_MAX: usize = 96;

/// The file's content. Nothing signed: the key was made here and has never signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// What was signed at the last height at which anything was, in order.
    ///
    /// One entry would keep from double signing. The others are there for a restart: the engine derives its votes anew
    /// from its log, which lacks those that it first derived in an earlier restart. Refused then, they would be missing
    /// where later ones rest on them, and the engine stops when it finds that it votes otherwise than it did.
    signed: Vec<Signed>,
    /// Height up to which blocks were followed without signing anything, as one that is not in the set does.
    #[serde(default)]
    followed: u64,
}

impl Record {
    /// Nothing was signed above this height but what stands here.
    fn covers(&self) -> u64 {
        self.signed.last().map_or(0, |last| last.position.height).max(self.followed)
    }
}

/// Where the record was lost, a block that is this much younger than the node's start, in seconds, was begun after it.
/// Proposers may be 2 s ahead of the validators that accept their blocks; the rest is for clocks that differ.
const YOUNGER_SECONDS: u64 = 10;

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Sign: it is recorded.
    Sign,
    /// Sign nothing until the chain has moved on.
    Waiting,
    /// Sign nothing: it would conflict with what was signed.
    Conflict,
}

/// The record of what was signed, in its file.
#[derive(Debug)]
pub struct SignState {
    path: PathBuf,
    record: Record,
    /// First height at which anything is signed; none while what was lost may still be in force.
    from: Option<u64>,
    /// When the node started, in seconds since 1970.
    started: u64,
}

/// Why there is no guard.
#[derive(Debug, thiserror::Error)]
pub enum SignStateError {
    /// The file cannot be used.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// The file's content is not what this program writes.
    #[error(
        "{0} is damaged: {1}. It says what this validator signed last. If no other machine runs this key, move the file \
         away and start again: nothing is then signed until the others have decided a new block without this validator"
    )]
    Damaged(PathBuf, serde_json::Error),
}

/// The file's content for a key that was made just now and has never signed.
#[must_use]
pub fn fresh() -> String {
    "{\"signed\":[],\"followed\":0}\n".to_owned()
}

impl SignState {
    /// Opens the guard of a node whose last block is `head`, at `now` in seconds since 1970. Where the file is missing, or
    /// says less than the chain does, something was lost: nothing is signed until [`SignState::decided`] has seen a block
    /// that was begun after now, unless `sign_now` says that whoever runs the node knows that nothing was signed that is
    /// not recorded here.
    ///
    /// # Errors
    /// [`SignStateError`]
    pub fn open(path: &Path, head: u64, now: u64, sign_now: bool) -> Result<Self, SignStateError> {
        let io = |error| SignStateError::Io(path.to_owned(), error);
        let found = match fs::read(path) {
            Ok(bytes) => {
                Some(serde_json::from_slice(&bytes).map_err(|error| SignStateError::Damaged(path.to_owned(), error))?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io(error)),
        };
        let is_complete = found.as_ref().is_some_and(|record: &Record| record.covers() >= head);
        let from = (is_complete || sign_now).then_some(0);
        if from.is_none() {
            tracing::warn!(
                file = %path.display(),
                "the record of what was signed is missing or older than the chain: nothing is signed until a block is \
                 decided that was begun {YOUNGER_SECONDS} s after this start"
            );
        }
        let record = found.unwrap_or_default();
        if record.covers() > head.saturating_add(1) {
            tracing::warn!(
                file = %path.display(),
                signed = record.covers(),
                head,
                "ALARM this validator has signed for later blocks than its chain has: the chain's data were damaged, or put \
                 back from an older copy. Missing blocks are fetched from other nodes; nothing is signed until then. If they \
                 do not come, check the disk"
            );
        }
        Ok(Self { path: path.to_owned(), record, from, started: now })
    }

    /// Whether anything is signed at `height`.
    #[must_use]
    pub fn signs_at(&self, height: u64) -> bool {
        // Where the chain was put back, what was signed before lies ahead.
        let is_past = self.record.signed.last().is_some_and(|last| last.position.height > height);
        self.from.is_some_and(|from| height >= from) && !is_past
    }

    /// Takes note that the block of `height` is decided, of which `timestamp` is the header's. To be called before the
    /// block is part of the stored chain: a record that says less than the chain counts as lost.
    ///
    /// That blocks come is not enough to sign again where something was lost. A node that catches up decides about heights
    /// at which it signed long ago, and a peer that kept the votes of such heights can show them to it. Only a block that
    /// was begun after the start lies above all that can have been signed before.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn decided(&mut self, height: u64, timestamp: u64) -> Result<(), SignStateError> {
        if self.from.is_none() {
            if timestamp > self.started.saturating_add(YOUNGER_SECONDS) {
                tracing::info!("signing begins at height {}", height.saturating_add(1));
                self.from = Some(height.saturating_add(1));
            }
            return Ok(());
        }
        if self.record.covers() < height {
            self.store(Record { followed: height, ..self.record.clone() })?;
        }
        Ok(())
    }

    /// Whether something signed with this key, `bytes` at `position`, was signed elsewhere: the record is whole, and says
    /// that it was not signed here.
    #[must_use]
    pub fn is_foreign(&self, position: Position, bytes: &[u8]) -> bool {
        let Some(last) = self.record.signed.last().filter(|_| self.from.is_some()) else { return false };
        if last.position.height < position.height {
            return true;
        }
        let is_forgotten = self.record.signed.len() >= SIGNED_MAX;
        let signed = Signed { position, digest: keccak256(bytes) };
        last.position.height == position.height && !is_forgotten && !self.record.signed.contains(&signed)
    }

    fn store(&mut self, record: Record) -> Result<(), SignStateError> {
        write(&self.path, &record).map_err(|error| SignStateError::Io(self.path.clone(), error))?;
        self.record = record;
        Ok(())
    }

    /// Asks whether `bytes` may be signed at `position`; if so, that is durable when this returns.
    ///
    /// # Errors
    /// If the record cannot be written: then nothing may be signed.
    pub fn advance(&mut self, position: Position, bytes: &[u8]) -> Result<Verdict, SignStateError> {
        if !self.signs_at(position.height) {
            return Ok(Verdict::Waiting);
        }
        let next = Signed { position, digest: keccak256(bytes) };
        let mut signed = self.record.signed.clone();
        if let Some(last) = signed.last().map(|last| last.position) {
            if signed.contains(&next) {
                return Ok(Verdict::Sign);
            }
            if last.height > position.height {
                // A node that catches up anew passes by what it signed.
                return Ok(Verdict::Waiting);
            }
            if last >= position {
                return Ok(Verdict::Conflict);
            }
            if last.height < position.height {
                signed.clear();
            }
        }
        if signed.len() >= SIGNED_MAX {
            signed.remove(0);
        }
        signed.push(next);
        self.store(Record { signed, ..self.record.clone() })?;
        Ok(Verdict::Sign)
    }
}

fn write(path: &Path, record: &Record) -> io::Result<()> {
    durable_file::replace(path, &serde_json::to_vec(record)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(height: u64, round: u32, step: Step) -> Position {
        Position::new(height, Round::new(round), step)
    }

    #[test]
    fn one_thing_at_most_is_signed_in_each_place_also_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sign-state.json");
        fs::write(&path, fresh()).expect("a new file");
        let mut state = SignState::open(&path, 0, 0, false).expect("it opens");
        let mut ask = |position, bytes: &[u8]| state.advance(position, bytes).expect("the file can be written");
        assert_eq!(ask(at(1, 0, Step::Prevote), b"a"), Verdict::Sign);
        assert_eq!(ask(at(1, 0, Step::Prevote), b"a"), Verdict::Sign, "the same again");
        assert_eq!(ask(at(1, 0, Step::Prevote), b"b"), Verdict::Conflict);
        assert_eq!(ask(at(1, 0, Step::Proposal), b"b"), Verdict::Conflict, "an earlier step");
        assert_eq!(ask(at(1, 0, Step::Precommit), b"c"), Verdict::Sign);
        assert_eq!(ask(at(1, 2, Step::Proposal), b"d"), Verdict::Sign);
        assert_eq!(ask(at(1, 1, Step::Precommit), b"e"), Verdict::Conflict, "an earlier round");
        let mut again = SignState::open(&path, 1, 0, false).expect("it opens");
        assert_eq!(again.advance(at(1, 2, Step::Proposal), b"x").expect("readable"), Verdict::Conflict);
        assert_eq!(again.advance(at(1, 2, Step::Proposal), b"d").expect("readable"), Verdict::Sign);
        // Whatever was signed at this height may be signed again, and nothing else in its place.
        assert_eq!(again.advance(at(1, 0, Step::Prevote), b"a").expect("readable"), Verdict::Sign);
        assert_eq!(again.advance(at(1, 0, Step::Precommit), b"c").expect("readable"), Verdict::Sign);
        assert_eq!(again.advance(at(1, 0, Step::Prevote), b"b").expect("readable"), Verdict::Conflict);
        assert_eq!(again.advance(at(1, 1, Step::Prevote), b"a").expect("readable"), Verdict::Conflict, "never signed");
        assert_eq!(again.advance(at(2, 0, Step::Prevote), b"e").expect("writable"), Verdict::Sign);
        assert_eq!(
            again.advance(at(1, 2, Step::Proposal), b"d").expect("readable"),
            Verdict::Waiting,
            "an earlier height"
        );
    }

    #[test]
    fn the_record_of_a_height_without_end_stays_small() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sign-state.json");
        fs::write(&path, super::fresh()).expect("a new file");
        let mut state = SignState::open(&path, 0, 0, false).expect("it opens");
        let rounds = SIGNED_MAX as u32 + 10;
        for round in 0..rounds {
            assert_eq!(state.advance(at(1, round, Step::Prevote), b"a").expect("writable"), Verdict::Sign);
        }
        assert_eq!(state.record.signed.len(), SIGNED_MAX);
        assert_eq!(state.advance(at(1, 0, Step::Prevote), b"a").expect("readable"), Verdict::Conflict, "forgotten");
        assert_eq!(state.advance(at(1, rounds - 1, Step::Prevote), b"a").expect("readable"), Verdict::Sign);
        assert!(fs::metadata(&path).expect("it is there").len() < 32 << 10);
    }

    #[test]
    fn a_lost_or_outdated_record_keeps_silent_until_a_block_is_younger_than_the_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sign-state.json");
        let mut lost = SignState::open(&path, 0, 1_000, false).expect("a missing file is no error");
        // It catches up: whatever it decides is old.
        for height in 1..8 {
            assert_eq!(lost.advance(at(height, 0, Step::Prevote), b"a").expect("no file is written"), Verdict::Waiting);
            lost.decided(height, 1_000 + height).expect("nothing is written");
        }
        assert!(!path.exists());
        lost.decided(8, 1_011).expect("nothing is written");
        assert_eq!(lost.advance(at(8, 0, Step::Precommit), b"a").expect("no file is written"), Verdict::Waiting);
        assert_eq!(lost.advance(at(9, 0, Step::Prevote), b"a").expect("the file is written"), Verdict::Sign);
        let behind = SignState::open(&path, 10, 2_000, false).expect("it opens");
        assert!(!behind.signs_at(11) && !behind.signs_at(12));
        let level = SignState::open(&path, 9, 2_000, false).expect("it opens");
        assert!(level.signs_at(10));
        let told = SignState::open(&folder.path().join("none"), 7, 2_000, true).expect("it opens");
        assert!(told.signs_at(8));
        // A key that has never signed belongs to a chain that begins.
        let fresh = folder.path().join("fresh");
        fs::write(&fresh, super::fresh()).expect("a new file");
        assert!(SignState::open(&fresh, 0, 0, false).expect("it opens").signs_at(1));
        assert!(!SignState::open(&fresh, 5, 0, false).expect("it opens").signs_at(6));
    }

    #[test]
    fn what_the_key_signed_elsewhere_is_known_as_that() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sign-state.json");
        let lost = SignState::open(&path, 5, 9, false).expect("it opens");
        assert!(!lost.is_foreign(at(6, 0, Step::Prevote), b"x"), "it may have been signed here");
        fs::write(&path, fresh()).expect("a new file");
        let mut state = SignState::open(&path, 0, 0, false).expect("it opens");
        state.advance(at(4, 1, Step::Prevote), b"a").expect("writable");
        assert!(!state.is_foreign(at(4, 1, Step::Prevote), b"a"), "this node's own");
        assert!(!state.is_foreign(at(3, 0, Step::Prevote), b"x"), "too long ago to know");
        for (position, bytes) in
            [(at(4, 1, Step::Prevote), b"b"), (at(4, 0, Step::Prevote), b"a"), (at(5, 0, Step::Prevote), b"a")]
        {
            assert!(state.is_foreign(position, bytes), "{position}");
        }
    }

    #[test]
    fn a_chain_that_was_put_back_is_followed_in_silence_up_to_what_was_signed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sign-state.json");
        fs::write(&path, fresh()).expect("a new file");
        let mut state = SignState::open(&path, 0, 0, false).expect("it opens");
        state.advance(at(81, 0, Step::Prevote), b"a").expect("writable");
        let again = SignState::open(&path, 63, 9, false).expect("it opens");
        assert!(!again.signs_at(64) && !again.signs_at(80) && again.signs_at(81));
    }

    #[test]
    fn one_that_followed_the_chain_without_signing_has_lost_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sign-state.json");
        fs::write(&path, super::fresh()).expect("a new file");
        let mut state = SignState::open(&path, 0, 0, false).expect("it opens");
        assert_eq!(state.advance(at(1, 0, Step::Prevote), b"a").expect("writable"), Verdict::Sign);
        for height in 1..=6 {
            state.decided(height, height).expect("writable");
        }
        // The file is written before the block: it may be ahead by one.
        for head in [5, 6] {
            let mut again = SignState::open(&path, head, 9, false).expect("it opens");
            assert!(again.signs_at(head + 1));
            assert_eq!(again.advance(at(1, 0, Step::Prevote), b"b").expect("readable"), Verdict::Conflict);
        }
        assert!(!SignState::open(&path, 7, 9, false).expect("it opens").signs_at(8));
    }

    #[test]
    fn a_damaged_record_is_an_error_that_says_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sign-state.json");
        fs::write(&path, b"{\"last\":").expect("written");
        let error = SignState::open(&path, 0, 0, false).expect_err("refused").to_string();
        assert!(error.contains("sign-state.json is damaged") && error.contains("move the file"), "{error}");
    }
}
