//! When blocks are made: at once for every transaction, at a fixed pace, or on request only. A block that is not the last
//! one asked for is made durable on a thread of its own, while its successor is already executed.

mod behind;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use alloy_primitives::Address;
use esker_runtime::db::StoreError;
use esker_runtime::{Parent, Proposal, Proposed, Transaction, TransactionSource};
use esker_vm::Fatal;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use self::behind::Behind;
use crate::chain::{Chain, Clock, Committed};
use crate::mempool::{BestTransactions, Pool, may_heal};

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
    /// The system gives no thread to commit a block on.
    #[error("a block cannot be committed: {0}")]
    Thread(String),
    /// A mistake in this program.
    #[error("the block producer panicked: {0}")]
    Panicked(String),
    /// It was told to end.
    #[error("block production has ended")]
    Ended,
}

/// What the producer's thread is told.
enum Order {
    /// Look at the pool, and at the block under way.
    Wake,
    /// Make this many blocks, with so many seconds between their timestamps, then answer.
    Mine { blocks: u64, interval: Option<u64>, done: oneshot::Sender<Result<(), ProduceError>> },
    /// What makes blocks has changed.
    Switch,
    /// End.
    Stop,
}

/// Wakes the producer's thread: one order is enough for all who ring before it is read.
#[derive(Clone)]
struct Alarm {
    orders: Sender<Order>,
    /// Whether an order has not been read yet.
    is_ringing: Arc<AtomicBool>,
}

impl Alarm {
    fn ring(&self) {
        if !self.is_ringing.swap(true, Ordering::SeqCst) {
            // The thread may be gone: then there is nobody to tell.
            let _ = self.orders.send(Order::Wake);
        }
    }

    fn heard(&self) {
        self.is_ringing.store(false, Ordering::SeqCst);
    }
}

/// Speaks to the producer's thread. Cheap to clone.
#[derive(Clone)]
pub struct ProducerHandle {
    orders: Sender<Order>,
    mining: Arc<Mutex<Mining>>,
    /// How often the producer looked at the pool.
    looked: watch::Receiver<u64>,
    /// How often it was asked to.
    requested: Arc<Mutex<u64>>,
    alarm: Alarm,
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
        let alarm = Alarm { orders: orders.clone(), is_ringing: Arc::default() };
        let worker = Worker {
            chain,
            pool: pool.clone(),
            clock,
            beneficiary,
            mining: mining.clone(),
            requested: requested.clone(),
            looked: looked_sender,
            failure: failure_sender,
            alarm: alarm.clone(),
            behind: None,
        };
        let thread = std::thread::Builder::new().name("block-producer".into()).spawn(move || worker.run(&inbox))?;
        let handle = ProducerHandle { orders, mining, looked, requested, alarm, failure };
        let waking = handle.clone();
        pool.on_arrival(move || waking.wake());
        Ok(Self { handle, thread: Some(thread) })
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
        if let Some(thread) = self.thread.take() {
            // A panic was caught and reported by the thread itself.
            let _ = thread.join();
        }
    }
}

impl ProducerHandle {
    /// Has the producer look at the pool.
    fn wake(&self) {
        *self.requested.lock() += 1;
        self.alarm.ring();
    }

    /// If blocks are made at once and `is_waiting`, waits until the producer has looked at all that the pool took so far:
    /// each transaction is then in a block unless something holds it up (a gap, a fee cap below the base fee, a full
    /// block).
    ///
    /// # Errors
    /// [`ProduceError`] if blocks are made no more, so that nobody knows what became of a transaction.
    pub async fn looked(&self, is_waiting: bool) -> Result<(), ProduceError> {
        let ticket = *self.requested.lock();
        if is_waiting && *self.mining.lock() == Mining::Instant {
            self.looked.clone().wait_for(|count| *count >= ticket).await.map_err(|_| self.ended())?;
        }
        self.failure.borrow().clone().map_or(Ok(()), Err)
    }

    /// Why the thread does not answer any more.
    fn ended(&self) -> ProduceError {
        self.failure.borrow().clone().unwrap_or(ProduceError::Ended)
    }

    /// Makes `blocks` blocks, whatever the pool holds, `interval` seconds apart if given; returns when they are durable.
    ///
    /// # Errors
    /// [`ProduceError`] if the node fails, or blocks are made no more.
    pub async fn mine(&self, blocks: u64, interval: Option<u64>) -> Result<(), ProduceError> {
        let (done, answer) = oneshot::channel();
        self.orders.send(Order::Mine { blocks, interval, done }).map_err(|_| self.ended())?;
        answer.await.map_err(|_| self.ended())?
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
    alarm: Alarm,
    /// The block that is being made durable.
    behind: Option<Behind>,
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Order>) {
        // Whoever waits for a block must learn that none will come, whatever ended it.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.obey(inbox))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(ProduceError::Panicked(text.unwrap_or_else(|| "without a word".to_owned())))
        });
        if let Err(error) = outcome {
            tracing::error!(%error, "block production stopped");
            self.failure.send_replace(Some(error));
        }
    }

    fn obey(&mut self, inbox: &Receiver<Order>) -> Result<(), ProduceError> {
        // Transactions may wait from before.
        self.drain()?;
        let mut last_block = Instant::now();
        loop {
            if self.behind.as_ref().is_some_and(Behind::is_over) {
                self.settle()?;
            }
            // Bound to a name: the lock must not be held while waiting.
            let mining = *self.mining.lock();
            let order = match mining {
                Mining::Interval(pace) => {
                    if last_block.elapsed() >= pace {
                        last_block = Instant::now();
                        self.make_block(true)?;
                    }
                    // Orders are read even if blocks take longer than the pace: else it could not be ended any more.
                    inbox.recv_timeout(pace.saturating_sub(last_block.elapsed()))
                }
                Mining::Instant | Mining::Manual => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(Order::Wake) => self.alarm.heard(),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Order::Switch) => last_block = Instant::now(),
                Ok(Order::Mine { blocks, interval, done }) => {
                    let result = self.mine(blocks, interval);
                    // Whoever asked may have gone away.
                    let _ = done.send(result.clone());
                    result?;
                }
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return self.settle(),
            }
            self.drain()?;
        }
    }

    fn mine(&mut self, blocks: u64, interval: Option<u64>) -> Result<(), ProduceError> {
        for index in 0..blocks {
            if let (Some(interval), 1..) = (interval, index) {
                let parent = self.parent()?.header().timestamp;
                self.clock.set_next(parent.saturating_add(interval));
            }
            self.make_block(true)?;
        }
        self.settle()
    }

    /// In instant mode, makes blocks until nothing more gets in; then lets whoever waits know.
    fn drain(&mut self) -> Result<(), ProduceError> {
        let requested = *self.requested.lock();
        while *self.mining.lock() == Mining::Instant {
            // The pool still has what is in a block that is not durable yet.
            self.settle()?;
            if !self.pool.has_executable(self.chain.next_base_fee()) || self.make_block(false)? == 0 {
                break;
            }
        }
        self.looked.send_replace(requested);
        Ok(())
    }

    /// The block that the next one stands on: durable, or becoming so.
    fn parent(&self) -> Result<Parent, ProduceError> {
        match &self.behind {
            Some(behind) => Ok(behind.parent().clone()),
            None => Ok(self.chain.head().as_parent()?),
        }
    }

    /// Waits until the block under way is durable.
    fn settle(&mut self) -> Result<(), ProduceError> {
        let Some(behind) = self.behind.take() else { return Ok(()) };
        let Committed { block, .. } = behind.join()?;
        tracing::info!(
            number = block.header.number,
            hash = %block.hash,
            transactions = block.transactions.len(),
            gas_used = block.header.gas_used,
            "block"
        );
        Ok(())
    }

    /// Makes one block and begins to make it durable, once the one before is. Returns how many transactions it holds or
    /// threw out.
    fn make_block(&mut self, may_be_empty: bool) -> Result<usize, ProduceError> {
        let parent = self.parent()?;
        let timestamp = self.clock.next_block(parent.header().timestamp);
        let proposal = Proposal { timestamp, beneficiary: self.beneficiary, round: 0 };
        let base_fee = self.chain.next_env(parent.header(), timestamp, self.beneficiary).base_fee;
        let mut source = NotTaken { best: self.pool.best(base_fee), behind: self.behind.as_ref() };
        let Proposed { block, refused } = self.chain.propose(&parent, proposal, &mut source, &mut || true)?;
        let mut handled = 0;
        if may_be_empty || !block.block().transactions.is_empty() {
            self.clock.block_made(block.block().header.timestamp);
            handled += block.block().transactions.len();
            self.settle()?;
            let alarm = self.alarm.clone();
            let behind = Behind::begin(self.chain.clone(), block, move || alarm.ring());
            self.behind = Some(behind.map_err(|error| ProduceError::Thread(error.to_string()))?);
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

/// What waits in the pool and is not in the block under way.
struct NotTaken<'a> {
    best: BestTransactions<'a>,
    behind: Option<&'a Behind>,
}

impl TransactionSource for NotTaken<'_> {
    fn offer(&mut self) -> Option<Arc<Transaction>> {
        loop {
            let transaction = self.best.offer()?;
            if !self.behind.is_some_and(|behind| behind.holds(transaction.hash())) {
                return Some(transaction);
            }
        }
    }

    fn skip_sender(&mut self) {
        self.best.skip_sender();
    }
}

#[cfg(test)]
mod tests;
