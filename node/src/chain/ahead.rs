//! Compiling in the background what the modules of a coming protocol version need, so that no block has to wait for it.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use esker_runtime::db::StoreError;
use esker_runtime::state::StateReader;
use esker_runtime::{Rules, Upgrade};
use esker_vm::Code;
use parking_lot::{Condvar, Mutex};

use super::{Chain, Committed, Follower};

/// Time between two reports of progress.
const REPORT: Duration = Duration::from_secs(3);
/// New codes that are remembered; where more come at once, all of the state's are looked through.
const CREATED_MAX: usize = 64 * 1024;

/// How far the modules of an upgrade are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recompiling {
    /// The upgrade.
    pub upgrade: Upgrade,
    /// Codes of the state.
    pub modules: usize,
    /// Codes that are compiled for the upgrade.
    pub ready: usize,
}

/// What came while a module was compiled.
#[derive(Default)]
struct News {
    created: Vec<B256>,
    /// More were created than are remembered.
    overflow: bool,
    head: u64,
    /// Nothing more is to be done.
    stopping: bool,
}

#[derive(Default)]
struct Inbox {
    news: Mutex<News>,
    changed: Condvar,
}

impl Follower for Inbox {
    fn committed(&self, committed: &Committed) {
        let mut news = self.news.lock();
        if news.stopping {
            return;
        }
        news.head = committed.block.header.number;
        for hash in committed.changes.codes.keys() {
            if news.created.len() < CREATED_MAX {
                news.created.push(*hash);
            } else {
                news.overflow = true;
            }
        }
        self.changed.notify_all();
    }
}

/// The thread that compiles ahead, until this is dropped: then it ends with the module under way.
pub struct AheadCompiler {
    inbox: Arc<Inbox>,
    thread: Option<JoinHandle<()>>,
}

impl AheadCompiler {
    /// Starts compiling the modules of all contracts, those that are yet to come too, for each upgrade that needs them
    /// otherwise metered. `None` if there is none ahead.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(chain: &Arc<Chain>) -> io::Result<Option<Self>> {
        if chain.next_recompilation(chain.head().block.header.number).is_none() {
            return Ok(None);
        }
        let inbox = Arc::new(Inbox::default());
        // Before it looks at the head, so that no contract is missed.
        chain.follow(inbox.clone());
        let head = chain.head().block.header.number;
        {
            let mut news = inbox.news.lock();
            news.head = news.head.max(head);
        }
        let worker =
            Worker { chain: chain.clone(), inbox: inbox.clone(), seen: BTreeSet::new(), reported: Instant::now() };
        let thread = std::thread::Builder::new().name("esker-upgrade".to_owned()).spawn(move || worker.run(head))?;
        Ok(Some(Self { inbox, thread: Some(thread) }))
    }
}

impl Drop for AheadCompiler {
    fn drop(&mut self) {
        self.inbox.news.lock().stopping = true;
        self.inbox.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It has said by itself what went wrong.
            let _ = thread.join();
        }
    }
}

struct Worker {
    chain: Arc<Chain>,
    inbox: Arc<Inbox>,
    /// Codes that were looked at for the upgrade.
    seen: BTreeSet<B256>,
    reported: Instant,
}

impl Worker {
    fn run(mut self, mut head: u64) {
        yield_to_others();
        while let Some((upgrade, rules)) = self.chain.next_recompilation(head) {
            match self.prepare(upgrade, rules) {
                Ok(true) => head = upgrade.height,
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(%error, version = upgrade.version, "contracts are not compiled ahead of the upgrade");
                    break;
                }
            }
        }
        // Nobody reads the news any more.
        *self.inbox.news.lock() = News { stopping: true, ..News::default() };
    }

    /// Has all contracts compiled for `upgrade` until its height has come. False if it is to stop.
    fn prepare(&mut self, upgrade: Upgrade, rules: Rules) -> Result<bool, StoreError> {
        let Upgrade { version, height } = upgrade;
        let mut progress = Recompiling { upgrade, modules: 0, ready: 0 };
        let mut codes = self.chain.head().state.code_hashes()?;
        tracing::info!(
            version,
            height,
            contracts = codes.len(),
            "compiling contracts for the protocol version to come"
        );
        self.seen.clear();
        loop {
            codes.retain(|hash| self.seen.insert(*hash));
            progress.modules = self.seen.len();
            self.chain.tell_recompiling(progress);
            let is_news = !codes.is_empty();
            for hash in codes {
                if self.inbox.news.lock().stopping {
                    return Ok(false);
                }
                progress.ready += usize::from(self.compile(hash, rules)?);
                self.chain.tell_recompiling(progress);
                self.report(&progress);
            }
            if is_news {
                let Recompiling { modules, ready, .. } = progress;
                tracing::info!(version, height, ready, of = modules, "contracts are compiled for the version to come");
            }
            let Some(more) = self.wait(height)? else { return Ok(!self.inbox.news.lock().stopping) };
            codes = more;
        }
    }

    /// Codes that were created meanwhile, when there are any; `None` if it is to stop, or the upgrade is the next block and
    /// nothing is left.
    fn wait(&self, height: u64) -> Result<Option<Vec<B256>>, StoreError> {
        let mut news = self.inbox.news.lock();
        loop {
            if news.stopping {
                return Ok(None);
            }
            if std::mem::take(&mut news.overflow) {
                news.created.clear();
                drop(news);
                return self.chain.head().state.code_hashes().map(Some);
            }
            if !news.created.is_empty() {
                return Ok(Some(std::mem::take(&mut news.created)));
            }
            if news.head.saturating_add(1) >= height {
                return Ok(None);
            }
            self.inbox.changed.wait(&mut news);
        }
    }

    /// Whether the module is ready then. One that is not is left for the block that calls it.
    fn compile(&self, hash: B256, rules: Rules) -> Result<bool, StoreError> {
        let Some(envelope) = self.chain.head().state.code(hash)? else { return Ok(false) };
        let code = Code { hash: hash.0.into(), envelope: &envelope, meter: rules.meter };
        let compiled = self.chain.machine.compile_ahead(code);
        Ok(compiled.unwrap_or_else(|error| {
            tracing::error!(%hash, %error, "a contract was not compiled ahead of the upgrade");
            false
        }))
    }

    fn report(&mut self, progress: &Recompiling) {
        if self.reported.elapsed() >= REPORT {
            self.reported = Instant::now();
            let Recompiling { upgrade, modules, ready } = progress;
            tracing::info!(
                version = upgrade.version,
                ready,
                of = modules,
                "compiling contracts for the version to come"
            );
        }
    }
}

/// Lets other threads of the machine go first, and yet gets a tenth of what one of them gets where all are busy: the height
/// comes.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    {
        // On Linux this is the calling thread's. Refused, the thread runs like any other.
        let _ = rustix::process::nice(10);
    }
}
