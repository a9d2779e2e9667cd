//! Checks the whole state: every root built anew from all rows, every branch record and every code, as the store holds
//! them. Whatever the state's size, it holds the path to one leaf of the accounts and one of an account's slots, a code's
//! chunk, a thousand rows at a time, and one bit for each account that has or had storage.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use alloy_primitives::B256;
use sha3::{Digest, Keccak256};

use super::StateView;
use super::record::{AccountRecord, slot_trie_value, slot_value};
use crate::db::{MAX_VALUE_BYTES, StoreError, keys};
use crate::trie::sorted::{OnBranch, SortedTrie};

/// Slots of one account between two calls that tell how far the check is.
const SLOTS_BETWEEN_PROGRESS: u64 = 4096;
/// Words of 64 bits in a page of [`Ids`].
const ID_WORDS: usize = 512;

/// What a sound state holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// The root, as recorded and as built anew.
    pub root: B256,
    /// Accounts.
    pub accounts: u64,
    /// Storage slots that are not zero.
    pub slots: u64,
    /// Accounts with code.
    pub contracts: u64,
    /// Trie branches.
    pub branches: u64,
}

/// How far a check is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyProgress {
    /// Accounts that were checked.
    pub accounts: u64,
    /// Slots that were checked.
    pub slots: u64,
    /// How much of the state that is, in 65,536ths of the accounts, as their hashed keys are spread evenly.
    pub done: u32,
}

impl VerifyProgress {
    /// What [`VerifyProgress::done`] is in the end.
    pub const WHOLE: u32 = 1 << 16;
}

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The rows give another root than recorded.
    #[error("the accounts' rows give the root {built}, recorded is {recorded}; rebuild the state from blocks")]
    Root {
        /// Recorded root.
        recorded: B256,
        /// Root of the rows.
        built: B256,
    },
    /// An account's slots give another root than recorded.
    #[error(
        "the slots of the account with hashed address {account} give the root {built}, recorded is {recorded}; rebuild the state from blocks"
    )]
    StorageRoot {
        /// Hashed address.
        account: B256,
        /// Recorded root.
        recorded: B256,
        /// Root of the rows.
        built: B256,
    },
    /// A trie's branches are not those that its leaves have.
    #[error("the trie branches {of} are not those that its rows give; rebuild the state from blocks")]
    Branches {
        /// Whose trie.
        of: String,
    },
    /// A contract's code is missing or another.
    #[error(
        "the code {hash} of the account with hashed address {account} is missing or damaged; rebuild the state from blocks"
    )]
    Code {
        /// Hashed address.
        account: B256,
        /// Its code hash.
        hash: B256,
    },
    /// A code stands where none of its hash can, or in chunks that do not fit together.
    #[error("the code {hash} is damaged; rebuild the state from blocks")]
    DamagedCode {
        /// The hash under which it stands.
        hash: B256,
    },
    /// Rows of storage that belong to no account.
    #[error("there are {what} under the account id {id}, which no account has; rebuild the state from blocks")]
    Stray {
        /// What kind of rows.
        what: &'static str,
        /// The id.
        id: u64,
    },
    /// An account has an id that it cannot have.
    #[error("the account with hashed address {account} has the id {id}, which {why}; rebuild the state from blocks")]
    Id {
        /// Hashed address.
        account: B256,
        /// Its id.
        id: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StateView {
    /// As [`StateDb::verify`](super::StateDb::verify), of this view's state.
    ///
    /// # Errors
    /// As [`StateDb::verify`](super::StateDb::verify).
    pub fn verify(&self) -> Result<VerifyReport, VerifyError> {
        self.verify_with(&mut |_| {})
    }

    /// As [`StateView::verify`]; shows `progress` now and then how far it is.
    ///
    /// # Errors
    /// As [`StateView::verify`].
    pub fn verify_with(&self, progress: &mut dyn FnMut(VerifyProgress)) -> Result<VerifyReport, VerifyError> {
        self.verify_codes()?;
        let record = *self.record();
        let mut report = VerifyReport { root: record.root, ..VerifyReport::default() };
        let (mut ids, mut accounts) = (Ids::default(), SortedTrie::new());
        let mut same = true;
        let branch: OnBranch<'_, VerifyError> = &mut |path, record| {
            same &= self.holds_branch(&keys::account_branch(path), record)?;
            Ok(())
        };
        self.visit_leaves(&[keys::ACCOUNT], &mut |hashed, row| {
            let account = AccountRecord::decode(row)?;
            report.accounts += 1;
            if account.account.has_code() {
                report.contracts += 1;
                self.holds_code(hashed, account.account.code_hash)?;
            }
            if let Some(id) = account.id {
                let wrong = |why| Err(VerifyError::Id { account: hashed, id, why });
                match (id < record.next_id, ids.insert(id)) {
                    (false, _) => return wrong("was not given yet"),
                    (_, false) => return wrong("another account has too"),
                    _ => self.verify_storage(hashed, id, &account, &mut report, progress)?,
                }
            }
            accounts.push(hashed, account.trie_value(), branch)?;
            progress(report.progress(hashed));
            Ok(())
        })?;
        let (built, shape, branches) = accounts.finish(branch)?;
        if built != record.root {
            return Err(VerifyError::Root { recorded: record.root, built });
        }
        if !same || shape != record.shape || self.count(&[keys::ACCOUNT_BRANCH])? != branches {
            return Err(VerifyError::Branches { of: "of the accounts".into() });
        }
        report.branches += branches;
        for (table, what) in [(keys::STORAGE, "slots"), (keys::STORAGE_BRANCH, "trie branches")] {
            self.no_strays(table, what, &ids)?;
        }
        Ok(report)
    }

    /// Checks the slots and the storage trie of one account.
    fn verify_storage(
        &self,
        account: B256,
        id: u64,
        record: &AccountRecord,
        report: &mut VerifyReport,
        progress: &mut dyn FnMut(VerifyProgress),
    ) -> Result<(), VerifyError> {
        let mut slots = SortedTrie::new();
        let mut same = true;
        let branch: OnBranch<'_, VerifyError> = &mut |path, record| {
            same &= self.holds_branch(&keys::storage_branch(id, path), record)?;
            Ok(())
        };
        self.visit_leaves(&keys::key(keys::STORAGE, &[&id.to_be_bytes()]), &mut |key, row| {
            slot_value(row)?;
            report.slots += 1;
            if report.slots.is_multiple_of(SLOTS_BETWEEN_PROGRESS) {
                progress(report.progress(account));
            }
            slots.push(key, slot_trie_value(row), branch)
        })?;
        let (built, shape, branches) = slots.finish(branch)?;
        if built != record.storage_root {
            return Err(VerifyError::StorageRoot { account, recorded: record.storage_root, built });
        }
        let stored = self.count(&keys::key(keys::STORAGE_BRANCH, &[&id.to_be_bytes()]))?;
        if !same || shape != record.storage_shape || stored != branches {
            return Err(VerifyError::Branches { of: format!("of the account with hashed address {account}") });
        }
        report.branches += branches;
        Ok(())
    }

    /// Whether the store holds `record` at `key`.
    fn holds_branch(&self, key: &[u8], record: &[u8]) -> Result<bool, StoreError> {
        Ok(self.stored(key)?.as_deref() == Some(record))
    }

    /// The first chunk of a code must be there; that all codes are whole is checked for itself.
    fn holds_code(&self, account: B256, hash: B256) -> Result<(), VerifyError> {
        let first = keys::key(keys::CODE, &[hash.as_slice(), &[0, 0]]);
        self.stored(&first)?.map(drop).ok_or(VerifyError::Code { account, hash })
    }

    /// Checks every code against its hash, chunk by chunk.
    fn verify_codes(&self) -> Result<(), VerifyError> {
        let mut open: Option<Code> = None;
        self.try_scan(&[keys::CODE], |key, chunk| {
            let odd = || StoreError::Corrupt("the table of codes holds a key of another length".into());
            let (index, hash) = key[1..].split_last_chunk::<2>().map(|(hash, index)| (*index, hash)).ok_or_else(odd)?;
            let (index, hash) = (u16::from_be_bytes(index), B256::try_from(hash).map_err(|_| odd())?);
            if open.as_ref().is_none_or(|code| code.hash != hash) {
                open.take().map_or(Ok(()), Code::end)?;
            }
            open.get_or_insert_with(|| Code::begin(hash)).add(index, chunk)
        })?;
        open.map_or(Ok(()), Code::end)
    }

    /// Visits all rows of a flat table, whose keys are `table` and a hash.
    fn visit_leaves(&self, table: &[u8], visit: OnLeaf<'_>) -> Result<(), VerifyError> {
        self.try_scan(table, |key, row| {
            let odd = |_| StoreError::Corrupt("a flat table holds a key of another length".into());
            visit(B256::try_from(&key[table.len()..]).map_err(odd)?, row)
        })
    }

    /// Number of the rows whose keys begin so.
    fn count(&self, prefix: &[u8]) -> Result<u64, StoreError> {
        let mut count = 0;
        self.scan(prefix, &[], &mut |_, _| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    /// All rows of a table whose keys begin with an account id must belong to one of `ids`. Of each id, the first is read.
    fn no_strays(&self, table: u8, what: &'static str, ids: &Ids) -> Result<(), VerifyError> {
        let mut start = vec![table];
        loop {
            let mut found = None;
            self.scan(&[table], &start, &mut |key, _| {
                found = Some(key.get(1..9).and_then(|id| id.try_into().ok()).map(u64::from_be_bytes));
                ControlFlow::Break(())
            })?;
            let Some(id) = found else { return Ok(()) };
            let id = id.ok_or_else(|| StoreError::Corrupt(format!("the table of {what} holds a key without an id")))?;
            if !ids.contains(id) {
                return Err(VerifyError::Stray { what, id });
            }
            let Some(next) = id.checked_add(1) else { return Ok(()) };
            start = keys::key(table, &[&next.to_be_bytes()]);
        }
    }
}

/// What each leaf of a flat table is shown to: its key and its row.
type OnLeaf<'a> = &'a mut dyn FnMut(B256, &[u8]) -> Result<(), VerifyError>;

impl VerifyReport {
    /// How far a check is that has come to the account with this hashed address.
    fn progress(&self, hashed: B256) -> VerifyProgress {
        let done = u32::from(u16::from_be_bytes([hashed[0], hashed[1]]));
        VerifyProgress { accounts: self.accounts, slots: self.slots, done }
    }
}

/// A code whose chunks are being read.
struct Code {
    hash: B256,
    hasher: Keccak256,
    /// Index of the chunk that comes next.
    next: u32,
    /// Bytes that must still come.
    left: usize,
}

impl Code {
    fn begin(hash: B256) -> Self {
        Self { hash, hasher: Keccak256::new(), next: 0, left: 0 }
    }

    fn damaged<T>(&self) -> Result<T, VerifyError> {
        Err(VerifyError::DamagedCode { hash: self.hash })
    }

    fn add(&mut self, index: u16, chunk: &[u8]) -> Result<(), VerifyError> {
        let mut bytes = chunk;
        if u32::from(index) != self.next {
            return self.damaged();
        }
        if index == 0 {
            let Some((length, rest)) = chunk.split_first_chunk::<4>() else { return self.damaged() };
            (self.left, bytes) = (u32::from_be_bytes(*length) as usize, rest);
        }
        let is_last = bytes.len() == self.left;
        let fits = bytes.len() <= self.left && (is_last || chunk.len() == MAX_VALUE_BYTES);
        if !fits || (index > 0 && bytes.is_empty()) {
            return self.damaged();
        }
        self.hasher.update(bytes);
        self.left -= bytes.len();
        self.next += 1;
        Ok(())
    }

    fn end(self) -> Result<(), VerifyError> {
        let hash: [u8; 32] = self.hasher.clone().finalize().into();
        if self.left == 0 && self.hash == hash { Ok(()) } else { self.damaged() }
    }
}

/// A set of account ids: a bit each. They are given one after the other, so that pages are full.
#[derive(Default)]
struct Ids(BTreeMap<u64, Box<[u64; ID_WORDS]>>);

impl Ids {
    fn place(id: u64) -> (u64, usize, u64) {
        let word = id / 64;
        (word / ID_WORDS as u64, (word % ID_WORDS as u64) as usize, 1 << (id % 64))
    }

    /// Whether it was not there.
    fn insert(&mut self, id: u64) -> bool {
        let (page, word, bit) = Self::place(id);
        let word = &mut self.0.entry(page).or_insert_with(|| Box::new([0; ID_WORDS]))[word];
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn contains(&self, id: u64) -> bool {
        let (page, word, bit) = Self::place(id);
        self.0.get(&page).is_some_and(|words| words[word] & bit != 0)
    }
}
