//! What waits survives a restart: a file with the pool's transactions.
//!
//! The file is eight bytes that name the format, then each transaction with its length before it (four bytes, big-endian),
//! in the order in which they came into the pool, and at the end the SHA-256 of all that stands before. It is
//! replaced as a whole: a crash leaves the old one or the new one. A file that is damaged is left alone until it is
//! replaced, and nothing of it is used.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use alloy_primitives::Bytes;
use esker_runtime::Transaction;
use sha2::{Digest, Sha256};

use super::Pool;
use super::submit::{SubmitError, submit_encoded};
use crate::chain::Chain;
use crate::durable_file::UnfinishedFile;

const FORMAT: &[u8; 8] = b"esktxs\x00\x01";
const PREFIX_LEN: usize = 4;
const CHECKSUM_LEN: usize = 32;
/// Largest file, in bytes. What does not fit into it, of what came last, is not written.
const FILE_BYTES_MAX: usize = 160 << 20;
/// Transactions that are offered to the pool at a time.
const OFFERED_AT_A_TIME: usize = 1_024;

/// The journal could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the waiting transactions to {}: {source}. Check the disk and the folder's permissions", path.display())]
pub struct JournalError {
    /// Which file.
    path: PathBuf,
    /// Why not.
    source: io::Error,
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it has {0} bytes, limit {FILE_BYTES_MAX}")]
    TooLarge(u64),
    #[error("it is no journal of this format")]
    Format,
    #[error("it is cut off or damaged")]
    Damaged,
}

/// What came of the transactions of the last run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Those that are in the pool again, in order.
    pub admitted: Vec<Bytes>,
    /// How many are not, since blocks have them, or made them impossible, or they were no good.
    pub dropped: usize,
}

/// The file.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// The journal at `path`. No file need be there; its folder must.
    ///
    /// # Errors
    /// [`JournalError`] if nothing can be written there: better known at the start than at the end.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let journal = Self { path: path.into() };
        // What a crash left of an unfinished one is worthless. Dropped, it is removed.
        UnfinishedFile::create(&journal.path)
            .map(drop)
            .map_err(|source| JournalError { path: journal.path.clone(), source })?;
        Ok(journal)
    }

    /// Offers what the file holds to the pool. A file that is missing or damaged holds nothing; the latter is logged.
    #[must_use]
    pub fn restore(&self, chain: &Chain, pool: &Pool) -> Restored {
        let transactions = match read(&self.path) {
            Ok(transactions) => transactions,
            Err(Unusable::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Restored::default(),
            Err(error) => {
                let path = self.path.display();
                tracing::warn!(%path, %error, "the transactions that waited when the node stopped are lost");
                return Restored::default();
            }
        };
        let mut restored = Restored::default();
        for some in transactions.chunks(OFFERED_AT_A_TIME) {
            for (raw, result) in some.iter().zip(submit_encoded(chain, pool, some)) {
                match result {
                    Ok(_) => restored.admitted.push(raw.clone()),
                    Err(SubmitError::Store(error)) => {
                        tracing::error!(%error, "a transaction that waited could not be checked");
                        restored.dropped += 1;
                    }
                    Err(SubmitError::Refused(_)) => restored.dropped += 1,
                }
            }
        }
        let (admitted, dropped) = (restored.admitted.len(), restored.dropped);
        tracing::info!(admitted, dropped, "transactions that waited when the node stopped were offered again");
        restored
    }

    /// Replaces the file by what waits in `pool`, durably. Returns how many transactions are in it.
    ///
    /// # Errors
    /// [`JournalError`]; the old file is then still there.
    pub fn write(&self, pool: &Pool) -> Result<usize, JournalError> {
        let failed = |source| JournalError { path: self.path.clone(), source };
        self.replace(&pool.in_order()).map_err(failed)
    }

    fn replace(&self, transactions: &[Arc<Transaction>]) -> io::Result<usize> {
        let mut writer = UnfinishedFile::create(&self.path)?;
        let (mut hasher, mut count) = (Sha256::new_with_prefix(FORMAT), 0);
        writer.write_all(FORMAT)?;
        let mut room = FILE_BYTES_MAX - FORMAT.len() - CHECKSUM_LEN;
        for transaction in transactions {
            let encoded = transaction.encoded();
            let (Some(left), Ok(len)) = (room.checked_sub(PREFIX_LEN + encoded.len()), u32::try_from(encoded.len()))
            else {
                break;
            };
            room = left;
            for part in [&len.to_be_bytes()[..], &encoded] {
                hasher.update(part);
                writer.write_all(part)?;
            }
            count += 1;
        }
        writer.write_all(&hasher.finalize())?;
        writer.finish()?;
        Ok(count)
    }

    /// Writes what waits every so often, if anything has changed, and once more when the returned value is dropped.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn keep(self, pool: Arc<Pool>, every: Duration) -> io::Result<JournalKeeper> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("pool-journal".into()).spawn(move || {
            let mut written = None;
            loop {
                let is_last = !matches!(stopped.recv_timeout(every), Err(RecvTimeoutError::Timeout));
                // Whatever comes counts as an arrival, and whatever goes is missing in the status.
                let state = (*pool.watch().borrow(), pool.status());
                if written != Some(state) {
                    match self.write(&pool) {
                        Ok(_) => written = Some(state),
                        Err(error) => tracing::error!(%error, "what waits would not survive a restart"),
                    }
                }
                if is_last {
                    return;
                }
            }
        })?;
        Ok(JournalKeeper { stop: Some(stop), thread: Some(thread) })
    }
}

/// The thread that writes a [`Journal`]. Dropping it writes once more and waits for that.
pub struct JournalKeeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for JournalKeeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes what waits in the pool panicked");
        }
    }
}

fn read(path: &Path) -> Result<Vec<Bytes>, Unusable> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    if len > FILE_BYTES_MAX as u64 {
        return Err(Unusable::TooLarge(len));
    }
    let mut bytes = Vec::new();
    // A file that grows meanwhile is none of ours.
    file.take(FILE_BYTES_MAX as u64).read_to_end(&mut bytes)?;
    decode(bytes.into())
}

fn decode(bytes: Bytes) -> Result<Vec<Bytes>, Unusable> {
    if !bytes.starts_with(FORMAT) {
        return Err(Unusable::Format);
    }
    let end = bytes.len().checked_sub(CHECKSUM_LEN).filter(|end| *end >= FORMAT.len()).ok_or(Unusable::Damaged)?;
    let (body, checksum) = (bytes.slice(..end), bytes.slice(end..));
    if Sha256::digest(&body)[..] != checksum[..] {
        return Err(Unusable::Damaged);
    }
    let mut rest = body.slice(FORMAT.len()..);
    let mut transactions = Vec::new();
    while !rest.is_empty() {
        let prefix = rest.first_chunk::<PREFIX_LEN>().ok_or(Unusable::Damaged)?;
        let len = usize::try_from(u32::from_be_bytes(*prefix)).map_err(|_| Unusable::Damaged)?;
        if rest.len() - PREFIX_LEN < len {
            return Err(Unusable::Damaged);
        }
        transactions.push(rest.slice(PREFIX_LEN..PREFIX_LEN + len));
        rest = rest.slice(PREFIX_LEN + len..);
    }
    Ok(transactions)
}
