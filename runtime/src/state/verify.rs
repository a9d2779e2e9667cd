//! Checks the whole state: every root built anew from all rows.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use alloy_primitives::{B256, keccak256};

use super::record::{AccountRecord, slot_trie_value};
use super::{StateReader, StateView};
use crate::db::{StoreError, keys};
use crate::trie::scratch::root_from_scratch;
use crate::trie::{LeafChange, Path, Shape, TrieChanges, TrieReader, update};

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
        let record = *self.record();
        let mut report = VerifyReport { root: record.root, ..VerifyReport::default() };
        let mut leaves = Vec::new();
        let mut with_storage = Vec::new();
        for (hashed, row) in self.rows(&[keys::ACCOUNT])? {
            let account = AccountRecord::decode(&row)?;
            leaves.push((hashed, account.trie_value()));
            if account.account.has_code() {
                report.contracts += 1;
                let hash = account.account.code_hash;
                if self.code(hash)?.is_none_or(|code| keccak256(code) != hash) {
                    return Err(VerifyError::Code { account: hashed, hash });
                }
            }
            if let Some(id) = account.id {
                with_storage.push((hashed, id, account));
            }
        }
        report.accounts = leaves.len() as u64;
        let built = root_from_scratch(&leaves);
        if built != record.root {
            return Err(VerifyError::Root { recorded: record.root, built });
        }
        report.branches += self.verify_branches(&[keys::ACCOUNT_BRANCH], record.shape, &leaves, "of the accounts")?;
        for (hashed, id, account) in with_storage {
            let rows = self.rows(&keys::key(keys::STORAGE, &[&id.to_be_bytes()]))?;
            let leaves: Vec<(B256, Vec<u8>)> =
                rows.into_iter().map(|(key, row)| (key, slot_trie_value(&row))).collect();
            report.slots += leaves.len() as u64;
            let built = root_from_scratch(&leaves);
            if built != account.storage_root {
                return Err(VerifyError::StorageRoot { account: hashed, recorded: account.storage_root, built });
            }
            let table = keys::key(keys::STORAGE_BRANCH, &[&id.to_be_bytes()]);
            let of = format!("of the account with hashed address {hashed}");
            report.branches += self.verify_branches(&table, account.storage_shape, &leaves, &of)?;
        }
        Ok(report)
    }

    /// All rows of a flat table, whose keys are `table` and a hash.
    fn rows(&self, table: &[u8]) -> Result<Vec<(B256, Vec<u8>)>, StoreError> {
        let mut rows = Vec::new();
        let mut odd_key = false;
        self.scan(table, &[], &mut |key, row| match B256::try_from(&key[table.len()..]) {
            Ok(hash) => {
                rows.push((hash, row.to_vec()));
                ControlFlow::Continue(())
            }
            Err(_) => {
                odd_key = true;
                ControlFlow::Break(())
            }
        })?;
        if odd_key { Err(StoreError::Corrupt("a flat table holds a key of another length".into())) } else { Ok(rows) }
    }

    /// Compares the stored branches with those of a trie made of `leaves` at once. Returns their number.
    fn verify_branches(
        &self,
        table: &[u8],
        shape: Shape,
        leaves: &[(B256, Vec<u8>)],
        of: &str,
    ) -> Result<u64, VerifyError> {
        let changes: Vec<LeafChange> = leaves
            .iter()
            .map(|(key, value)| LeafChange { key: *key, existed: false, value: Some(value.clone()) })
            .collect();
        let mut expected = BTreeMap::new();
        let mut fresh_shape = Shape::Empty;
        if !changes.is_empty() {
            let fresh = TrieChanges { reader: &Nothing, shape: Shape::Empty, changes: &changes };
            let (updates, _) = update(&[fresh], self.options.threads)?;
            for update in updates {
                fresh_shape = update.shape;
                expected.extend(update.branches.into_iter().map(|branch| {
                    let path = [&[branch.path.len() as u8], branch.path.packed()].concat();
                    (path, branch.after.unwrap_or_default())
                }));
            }
        }
        let mut same = shape == fresh_shape;
        let mut seen = 0;
        self.scan(table, &[], &mut |key, record| {
            seen += 1;
            same &= expected.get(&key[table.len()..]).is_some_and(|expected| expected == record);
            if same { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if same && seen == expected.len() { Ok(seen as u64) } else { Err(VerifyError::Branches { of: of.into() }) }
    }
}

/// The empty trie.
struct Nothing;

impl TrieReader for Nothing {
    fn branch(&self, _: &Path) -> Result<Option<Arc<[u8]>>, StoreError> {
        Ok(None)
    }

    fn first_leaf(&self, _: &Path) -> Result<Option<(B256, Vec<u8>)>, StoreError> {
        Ok(None)
    }
}
