//! When blocks are made: at once for every transaction, at a fixed pace, or on request only.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use alloy_primitives::Address;
use esker_runtime::db::StoreError;
use esker_runtime::{Proposal, Proposed};
use esker_vm::Fatal;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use crate::chain::{Chain, Clock};
use crate::mempool::Pool;

/// What makes a block happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mining {
    /// Every transaction that can be executed; whatever waits at that moment shares the block.
    Instant,
    /// The clock, whether or not there are transactions.
    Interval(Duration),
    /// Requests only.
    Manual,
}

/// Why no block was made. The state is what it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProduceError {
    /// The node failed while executing.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the producer's thread is told.
enum Order {
    /// Look at the pool.
    Wake,
    /// Make this many blocks, with so many seconds between their timestamps, then answer.
    Mine { blocks: u64, interval: Option<u64>, done: oneshot::Sender<Result<(), ProduceError>> },
    /// What makes blocks has changed.
    Switch,
    /// End.
    Stop,
}

/// Speaks to the producer's thread. Cheap to clone.
#[derive(Clone)]
pub struct ProducerHandle {
    beneficiary: Address,
    orders: Sender<Order>,
    mining: Arc<Mutex<Mining>>,
    /// How often the producer looked at the pool.
    looked: watch::Receiver<u64>,
    requested: Arc<Mutex<u64>>,
    failure: watch::Receiver<Option<ProduceError>>,
}

/// The thread that makes blocks. Dropping it ends the thread after the block under way.
pub struct Producer {
    handle: ProducerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Producer {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        chain: Arc<Chain>,
        pool: Arc<Pool>,
        clock: Arc<Clock>,
        beneficiary: Address,
        mining: Mining,
    ) -> std::io::Result<Self> {
        let (orders, inbox) = channel();
        let (looked_sender, looked) = watch::channel(0);
        let (failure_sender, failure) = watch::channel(None);
        let mining = Arc::new(Mutex::new(mining));
        let requested = Arc::new(Mutex::new(0));
        let worker = Worker {
            chain,
            pool,
            clock,
            beneficiary,
            mining: mining.clone(),
            requested: requested.clone(),
            looked: looked_sender,
            failure: failure_sender,
        };
        let thread = std::thread::Builder::new().name("block-producer".into()).spawn(move || worker.run(&inbox))?;
        Ok(Self {
            handle: ProducerHandle { beneficiary, orders, mining, looked, requested, failure },
            thread: Some(thread),
        })
    }

    /// A way to speak to it.
    #[must_use]
    pub fn handle(&self) -> ProducerHandle {
        self.handle.clone()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // The thread may be gone already: then there is nobody to tell.
        let _ = self.handle.orders.send(Order::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the block producer panicked");
        }
    }
}

impl ProducerHandle {
    /// Who receives the tips.
    #[must_use]
    pub const fn beneficiary(&self) -> Address {
        self.beneficiary
    }

    /// Tells the producer that a transaction came in and, if blocks are made at once, waits until it has looked at it:
    /// the transaction is then in a block unless something holds it up (a gap, a fee cap below the base fee, a full
    /// block).
    ///
    /// # Errors
    /// [`ProduceError`] if the node failed meanwhile, so that nobody knows what became of the transaction; `None` inside
    /// means that the producer has ended.
    pub async fn notify(&self, is_waiting: bool) -> Result<(), Option<ProduceError>> {
        let ticket = {
            let mut requested = self.requested.lock();
            *requested += 1;
            *requested
        };
        let ended = || self.failure.borrow().clone();
        self.orders.send(Order::Wake).map_err(|_| ended())?;
        if is_waiting && *self.mining.lock() == Mining::Instant {
            self.looked.clone().wait_for(|count| *count >= ticket).await.map_err(|_| ended())?;
        }
        Ok(())
    }

    /// Makes `blocks` blocks, whatever the pool holds, `interval` seconds apart if given; returns when they are durable.
    ///
    /// # Errors
    /// [`ProduceError`] if the node fails; `None` inside means that the producer has ended.
    pub async fn mine(&self, blocks: u64, interval: Option<u64>) -> Result<(), Option<ProduceError>> {
        let (done, answer) = oneshot::channel();
        self.orders.send(Order::Mine { blocks, interval, done }).map_err(|_| None)?;
        answer.await.map_err(|_| None)?.map_err(Some)
    }

    /// What makes blocks now.
    #[must_use]
    pub fn mining(&self) -> Mining {
        *self.mining.lock()
    }

    /// Changes what makes blocks.
    pub fn set_mining(&self, mining: Mining) {
        *self.mining.lock() = mining;
        // The thread may be gone already: then there is nobody to tell.
        let _ = self.orders.send(Order::Switch);
    }

    /// Returns when the producer fails, with the reason; never if it ends well.
    pub async fn failed(&self) -> ProduceError {
        let mut failure = self.failure.clone();
        loop {
            if let Some(error) = failure.borrow_and_update().clone() {
                return error;
            }
            if failure.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

struct Worker {
    chain: Arc<Chain>,
    pool: Arc<Pool>,
    clock: Arc<Clock>,
    beneficiary: Address,
    mining: Arc<Mutex<Mining>>,
    requested: Arc<Mutex<u64>>,
    looked: watch::Sender<u64>,
    failure: watch::Sender<Option<ProduceError>>,
}

impl Worker {
    fn run(self, inbox: &Receiver<Order>) {
        if let Err(error) = self.obey(inbox) {
            tracing::error!(%error, "block production stopped");
            self.failure.send_replace(Some(error));
        }
    }

    fn obey(&self, inbox: &Receiver<Order>) -> Result<(), ProduceError> {
        // Transactions may wait from before.
        self.drain()?;
        let mut last_block = Instant::now();
        loop {
            // Bound to a name: the lock must not be held while waiting.
            let mining = *self.mining.lock();
            let order = match mining {
                Mining::Interval(pace) if last_block.elapsed() >= pace => {
                    last_block = Instant::now();
                    self.make_block(true)?;
                    continue;
                }
                Mining::Interval(pace) => inbox.recv_timeout(pace.saturating_sub(last_block.elapsed())),
                Mining::Instant | Mining::Manual => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(Order::Wake) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Order::Switch) => last_block = Instant::now(),
                Ok(Order::Mine { blocks, interval, done }) => {
                    let result = self.mine(blocks, interval);
                    // Whoever asked may have gone away.
                    let _ = done.send(result.clone());
                    result?;
                }
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            self.drain()?;
        }
    }

    fn mine(&self, blocks: u64, interval: Option<u64>) -> Result<(), ProduceError> {
        for index in 0..blocks {
            if let (Some(interval), 1..) = (interval, index) {
                let parent = self.chain.head().block.header.timestamp;
                self.clock.set_next(parent.saturating_add(interval));
            }
            self.make_block(true)?;
        }
        Ok(())
    }

    /// In instant mode, makes blocks until nothing more gets in; then lets whoever waits know.
    fn drain(&self) -> Result<(), ProduceError> {
        let requested = *self.requested.lock();
        while *self.mining.lock() == Mining::Instant && self.pool.has_executable(self.next_base_fee()) {
            if self.make_block(false)? == 0 {
                break;
            }
        }
        self.looked.send_replace(requested);
        Ok(())
    }

    fn next_base_fee(&self) -> u64 {
        let head = self.chain.head();
        self.chain.next_env(&head.block.header, head.block.header.timestamp, self.beneficiary).base_fee
    }

    /// Makes one block and returns how many transactions it holds or threw out.
    fn make_block(&self, may_be_empty: bool) -> Result<usize, ProduceError> {
        let parent = self.chain.head().as_parent()?;
        let timestamp = self.clock.next_block(parent.header().timestamp);
        let proposal = Proposal { timestamp, beneficiary: self.beneficiary, round: 0 };
        let mut source = self.pool.best(self.next_base_fee());
        let Proposed { block, refused } = self.chain.propose(&parent, proposal, &mut source, &mut || true)?;
        let mut handled = 0;
        if may_be_empty || !block.block().transactions.is_empty() {
            let block = self.chain.commit(block)?.block;
            self.clock.block_made(block.header.timestamp);
            handled += block.transactions.len();
            tracing::info!(
                number = block.header.number,
                hash = %block.hash,
                transactions = block.transactions.len(),
                gas_used = block.header.gas_used,
                "block"
            );
        }
        for (hash, reason) in refused {
            if !may_heal(&reason) {
                tracing::debug!(%hash, %reason, "a waiting transaction is thrown out");
                self.pool.remove(hash);
                handled += 1;
            }
        }
        Ok(handled)
    }
}

/// Whether a transaction that cannot go in now may be able to later.
fn may_heal(reason: &esker_runtime::TransactionError) -> bool {
    use esker_runtime::TransactionError as Reason;
    matches!(reason, Reason::FeeCapTooLow { .. } | Reason::InsufficientFunds { .. } | Reason::NonceTooHigh { .. })
}
