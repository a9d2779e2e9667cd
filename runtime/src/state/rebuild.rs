//! A state made anew from its pieces, as a snapshot brings them: in their order, in bounded memory, by the code that
//! commits blocks.
//!
//! Pieces are written batch by batch. All the while the store holds a mark, so that [`StateDb::open`] refuses it; the last
//! batch removes the mark, and makes state and tables appear, at once.
//!
//! [`StateDb::open`]: super::StateDb::open

use std::ops::ControlFlow;
use std::sync::Arc;

use alloy_primitives::{B256, Bytes, keccak256};

use super::record::{AccountRecord, StateRecord, slot_row, slot_trie_value};
use super::view::{Scan, first_row};
use super::{Account, StateItem, tables};
use crate::db::{Batch, OpenError, Store, StoreError, chunks, keys, schema};
use crate::trie::{EMPTY_ROOT_HASH, LeafChange, Path, Shape, TrieChanges, TrieReader, update};

/// Accounts and slots that are written together: enough to fill the lanes that hash them, and some megabytes at most.
const LEAVES_AT_ONCE: usize = 8192;
/// Bytes that are written together at most, but for one code more.
const BYTES_AT_ONCE: usize = 4 << 20;
/// Marks that are removed together.
const MARKS_AT_ONCE: usize = 4096;
/// Marks of codes: no account of those so far holds it; one does.
const UNHELD: u8 = 0;
const HELD: u8 = 1;

/// What was rebuilt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Accounts.
    pub accounts: u64,
    /// Storage slots.
    pub slots: u64,
    /// Codes.
    pub codes: u64,
}

/// Why pieces make no state, or not the one that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RebuildError {
    /// Something is there already.
    #[error("there is a state already; a snapshot is imported into an empty folder only")]
    NotEmpty,
    /// A piece that is not above the one before.
    #[error("{what} {key} does not come after {before}: they must rise, and none may come twice")]
    Order {
        /// Kind of piece.
        what: &'static str,
        /// Its key.
        key: B256,
        /// The key before.
        before: B256,
    },
    /// A piece where none of its kind may be, or of a kind that no state has.
    #[error("{0}")]
    Misplaced(&'static str),
    /// An account's code is not among the codes.
    #[error("the code {hash} of the account with hashed address {account} is missing")]
    MissingCode {
        /// Hashed address.
        account: B256,
        /// Code hash.
        hash: B256,
    },
    /// A code that no account holds.
    #[error("no account holds the code {0}")]
    ExtraCode(B256),
    /// An account's slots are others than it says.
    #[error("the slots of the account with hashed address {account} have the root {built}, it says {said}")]
    StorageRoot {
        /// Hashed address.
        account: B256,
        /// Root in the account's piece.
        said: B256,
        /// Root of its slots.
        built: B256,
    },
    /// The accounts are others than wanted.
    #[error("the accounts have the root {built}, it should be {wanted}")]
    Root {
        /// Root that the block's header holds.
        wanted: B256,
        /// Root of the accounts.
        built: B256,
    },
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a [`Rebuild`] was begun on `store` and did not come to its end.
///
/// # Errors
/// [`StoreError`] if the store fails.
pub fn is_unfinished(store: &dyn Store) -> Result<bool, StoreError> {
    Ok(store.get(&[keys::REBUILD])?.is_some())
}

/// A state that is being made anew. Dropping it leaves the store marked as incomplete.
pub struct Rebuild {
    store: Arc<dyn Store>,
    threads: usize,
    root: B256,
    shape: Shape,
    next_id: u64,
    done: Rebuilt,
    last_code: Option<B256>,
    last_account: Option<B256>,
    last_slot: Option<B256>,
    /// Accounts to be written; slots that come still belong to the last one.
    pending: Vec<PendingAccount>,
    /// Slots of all of `pending`.
    pending_slots: usize,
    writes: Batch,
    /// Keys and values of `writes`, about.
    write_bytes: usize,
}

struct PendingAccount {
    hashed: B256,
    said_root: B256,
    record: AccountRecord,
    /// Not yet in its trie.
    slots: Vec<LeafChange>,
}

impl Rebuild {
    /// Begins to make a state on `store`, which must be empty, with so many threads for hashing. From now on until
    /// [`Rebuild::finish`] the store cannot be opened as a state.
    ///
    /// # Errors
    /// [`RebuildError::NotEmpty`]; [`OpenError::Unfinished`] if it holds an unfinished one; else as the store.
    pub fn begin(store: Arc<dyn Store>, threads: usize) -> Result<Self, RebuildError> {
        schema::ensure(store.as_ref())?;
        if is_unfinished(store.as_ref())? {
            return Err(OpenError::Unfinished.into());
        }
        let mut is_empty = true;
        store.scan(&[], &[], &mut |key, _| {
            is_empty = key == [keys::VERSION];
            if is_empty { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if !is_empty {
            return Err(RebuildError::NotEmpty);
        }
        let mut mark = Batch::new();
        mark.put([keys::REBUILD], []);
        store.apply(mark)?;
        store.flush()?;
        Ok(Self {
            store,
            threads,
            root: EMPTY_ROOT_HASH,
            shape: Shape::Empty,
            next_id: 0,
            done: Rebuilt::default(),
            last_code: None,
            last_account: None,
            last_slot: None,
            pending: Vec::new(),
            pending_slots: 0,
            writes: Batch::new(),
            write_bytes: 0,
        })
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`RebuildError`] says what is wrong with it, or with the account before. Nothing can be added then.
    pub fn add(&mut self, item: StateItem) -> Result<(), RebuildError> {
        match item {
            StateItem::Code(code) => self.add_code(&code)?,
            StateItem::Account { hashed_address, account, storage_root } => {
                self.add_account(hashed_address, account, storage_root)?;
            }
            StateItem::Slot { hashed_slot, value } => self.add_slot(hashed_slot, &value)?,
        }
        if self.pending.len() + self.pending_slots >= LEAVES_AT_ONCE || self.write_bytes >= BYTES_AT_ONCE {
            self.write(false)?;
        }
        Ok(())
    }

    /// What was added so far.
    pub fn so_far(&self) -> Rebuilt {
        self.done
    }

    /// Ends: if the accounts have the root `root`, makes them the state after block `block`, together with `tables` (all
    /// that the node keeps of its chain), in one atomic and durable batch.
    ///
    /// # Errors
    /// [`RebuildError`], or [`StoreError::Mismatch`] if `tables` writes elsewhere than in [`keys::NODE_TABLES`] or what no
    /// store takes; the store then stays marked as incomplete.
    pub fn finish(mut self, root: B256, block: u64, tables: Batch) -> Result<Rebuilt, RebuildError> {
        tables::check(&tables)?;
        self.write(true)?;
        if self.root != root {
            return Err(RebuildError::Root { wanted: root, built: self.root });
        }
        self.remove_marks()?;
        // All that the last batch announces is durable before it.
        self.store.flush()?;
        let record = StateRecord {
            root,
            shape: self.shape,
            block: Some(block),
            next_id: self.next_id,
            oldest_diff: block.saturating_add(1),
        };
        let mut last = tables;
        last.put([keys::STATE], record.encode());
        last.delete([keys::REBUILD]);
        self.store.apply(last)?;
        self.store.flush()?;
        Ok(self.done)
    }

    fn add_code(&mut self, code: &Bytes) -> Result<(), RebuildError> {
        if self.last_account.is_some() {
            return Err(RebuildError::Misplaced("a code comes after the first account"));
        }
        if code.is_empty() {
            return Err(RebuildError::Misplaced("a code is empty"));
        }
        let hash = keccak256(code);
        rises("the code", &mut self.last_code, hash)?;
        chunks::put_chunked(&mut self.writes, &keys::code(&hash), code);
        self.put(&keys::rebuild_code(&hash), vec![UNHELD]);
        self.write_bytes += code.len();
        self.done.codes += 1;
        Ok(())
    }

    fn add_account(&mut self, hashed: B256, account: Account, said_root: B256) -> Result<(), RebuildError> {
        rises("the account", &mut self.last_account, hashed)?;
        if account.has_code() {
            self.hold_code(hashed, account.code_hash)?;
        }
        let mut record = AccountRecord::without_storage(account);
        if said_root != EMPTY_ROOT_HASH {
            record.id = Some(self.next_id);
            self.next_id += 1;
        }
        self.pending.push(PendingAccount { hashed, said_root, record, slots: Vec::new() });
        self.last_slot = None;
        self.done.accounts += 1;
        Ok(())
    }

    fn add_slot(&mut self, hashed_slot: B256, value: &B256) -> Result<(), RebuildError> {
        let id = self.pending.last().and_then(|account| account.record.id);
        let id = id.ok_or(RebuildError::Misplaced("a slot stands where no account with storage stands before it"))?;
        if value.is_zero() {
            return Err(RebuildError::Misplaced("a slot is zero"));
        }
        rises("the slot", &mut self.last_slot, hashed_slot)?;
        let row = slot_row(value);
        self.put(&keys::storage(id, &hashed_slot), row.to_vec());
        let change = LeafChange { key: hashed_slot, existed: false, value: Some(slot_trie_value(row)) };
        if let Some(account) = self.pending.last_mut() {
            account.slots.push(change);
        }
        self.pending_slots += 1;
        self.done.slots += 1;
        Ok(())
    }

    /// Notes that an account holds a code, which must be there.
    fn hold_code(&mut self, account: B256, hash: B256) -> Result<(), RebuildError> {
        let key = keys::rebuild_code(&hash);
        let mark = match self.writes.get(&key) {
            Some(mark) => mark.map(<[u8]>::to_vec),
            None => self.store.get(&key)?,
        };
        match mark.as_deref() {
            None => Err(RebuildError::MissingCode { account, hash }),
            Some([HELD]) => Ok(()),
            Some(_) => {
                self.put(&key, vec![HELD]);
                Ok(())
            }
        }
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.write_bytes += key.len() + value.len();
        self.writes.put(key, value);
    }

    /// Puts what is pending into the tries and writes it. The last account's slots may go on, unless this is the end.
    fn write(&mut self, is_end: bool) -> Result<(), RebuildError> {
        self.write_storage()?;
        self.pending_slots = 0;
        let open = if is_end { None } else { self.pending.pop() };
        let mut leaves = Vec::with_capacity(self.pending.len());
        for account in std::mem::take(&mut self.pending) {
            let PendingAccount { hashed, said_root, record, .. } = account;
            if record.storage_root != said_root {
                let built = record.storage_root;
                return Err(RebuildError::StorageRoot { account: hashed, said: said_root, built });
            }
            leaves.push(LeafChange { key: hashed, existed: false, value: Some(record.trie_value()) });
            self.writes.put(keys::account(&hashed), record.encode());
        }
        self.pending.extend(open);
        if !leaves.is_empty() {
            let reader = StoredTrie { store: self.store.as_ref(), id: None };
            let trie = TrieChanges { reader: &reader, shape: self.shape, changes: &leaves };
            for update in update(&[trie], self.threads)?.0 {
                (self.root, self.shape) = (update.root, update.shape);
                for branch in update.branches {
                    put_branch(&mut self.writes, &keys::account_branch(&branch.path), branch.after);
                }
            }
        }
        self.store.apply(std::mem::take(&mut self.writes))?;
        self.write_bytes = 0;
        Ok(())
    }

    /// Puts the pending slots into their storage tries.
    fn write_storage(&mut self) -> Result<(), RebuildError> {
        let store = self.store.as_ref();
        let changed = |account: &&mut PendingAccount| !account.slots.is_empty();
        let mut changed: Vec<&mut PendingAccount> = self.pending.iter_mut().filter(changed).collect();
        let readers: Vec<StoredTrie<'_>> =
            changed.iter().map(|account| StoredTrie { store, id: account.record.id }).collect();
        let tries: Vec<TrieChanges<'_>> = changed
            .iter()
            .zip(&readers)
            .map(|(account, reader)| TrieChanges {
                reader,
                shape: account.record.storage_shape,
                changes: &account.slots,
            })
            .collect();
        let (updates, _) = update(&tries, self.threads)?;
        for (account, update) in changed.iter_mut().zip(updates) {
            account.slots = Vec::new();
            (account.record.storage_root, account.record.storage_shape) = (update.root, update.shape);
            let Some(id) = account.record.id else { continue };
            for branch in update.branches {
                put_branch(&mut self.writes, &keys::storage_branch(id, &branch.path), branch.after);
            }
        }
        Ok(())
    }

    /// Removes the marks of the codes, each of which must say that an account holds the code.
    fn remove_marks(&self) -> Result<(), RebuildError> {
        loop {
            let (mut marks, mut extra) = (Batch::new(), None);
            self.store.scan(&[keys::REBUILD], &[keys::REBUILD, 0], &mut |key, mark| {
                if mark != [HELD] {
                    extra = Some(B256::try_from(&key[1..]).unwrap_or_default());
                    return ControlFlow::Break(());
                }
                marks.delete(key);
                if marks.len() < MARKS_AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            match extra {
                Some(hash) => return Err(RebuildError::ExtraCode(hash)),
                None if marks.is_empty() => return Ok(()),
                None => self.store.apply(marks)?,
            }
        }
    }
}

/// Notes `key` as the last one of its kind, which must be above the one before.
fn rises(what: &'static str, last: &mut Option<B256>, key: B256) -> Result<(), RebuildError> {
    match last.replace(key) {
        Some(before) if before >= key => Err(RebuildError::Order { what, key, before }),
        _ => Ok(()),
    }
}

fn put_branch(writes: &mut Batch, key: &[u8], record: Option<Vec<u8>>) {
    match record {
        Some(record) => writes.put(key, record),
        None => writes.delete(key),
    }
}

/// A trie as it was written so far: the storage trie of the account with this id, or that of the accounts.
struct StoredTrie<'a> {
    store: &'a dyn Store,
    id: Option<u64>,
}

impl TrieReader for StoredTrie<'_> {
    fn branch(&self, path: &Path) -> Result<Option<Arc<[u8]>>, StoreError> {
        let key = self.id.map_or_else(|| keys::account_branch(path), |id| keys::storage_branch(id, path));
        Ok(self.store.get(&key)?.map(Arc::from))
    }

    fn first_leaf(&self, prefix: &Path) -> Result<Option<(B256, Vec<u8>)>, StoreError> {
        let scan: Scan<'_> = &|prefix, start, visit| self.store.scan(prefix, start, visit);
        match self.id {
            Some(id) => {
                let row = first_row(&keys::key(keys::STORAGE, &[&id.to_be_bytes()]), prefix, scan)?;
                Ok(row.map(|(key, row)| (key, slot_trie_value(&row))))
            }
            None => {
                let row = first_row(&[keys::ACCOUNT], prefix, scan)?;
                row.map(|(key, row)| Ok((key, AccountRecord::decode(&row)?.trie_value()))).transpose()
            }
        }
    }
}
