//! A thread in the background with a bounded queue.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

struct State<J> {
    jobs: VecDeque<J>,
    /// A job is being worked on.
    busy: bool,
    stopping: bool,
    started: bool,
}

struct Shared<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
}

/// Does one job after the other on a thread of its own, which begins with the first.
pub(crate) struct Worker<J: Send + 'static> {
    name: &'static str,
    shared: Arc<Shared<J>>,
    work: Arc<dyn Fn(J) + Send + Sync>,
    jobs_max: usize,
}

impl<J: Send + 'static> Worker<J> {
    pub(crate) fn new(name: &'static str, jobs_max: usize, work: impl Fn(J) + Send + Sync + 'static) -> Self {
        let state = State { jobs: VecDeque::new(), busy: false, stopping: false, started: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        Self { name, shared, work: Arc::new(work), jobs_max }
    }

    /// Queues a job; gives it back if the queue is full or the system gives no thread.
    pub(crate) fn offer(&self, job: J) -> Result<(), J> {
        self.queue(job, self.jobs_max)
    }

    /// Queues a job also where the queue is full: one that is small, and must not pass those before it. Gives it back if the
    /// system gives no thread.
    pub(crate) fn insist(&self, job: J) -> Result<(), J> {
        self.queue(job, usize::MAX)
    }

    fn queue(&self, job: J, jobs_max: usize) -> Result<(), J> {
        let mut state = self.shared.state.lock();
        if state.jobs.len() >= jobs_max || !(state.started || self.start()) {
            return Err(job);
        }
        state.started = true;
        state.jobs.push_back(job);
        self.shared.changed.notify_all();
        Ok(())
    }

    fn start(&self) -> bool {
        let (shared, work) = (Arc::clone(&self.shared), Arc::clone(&self.work));
        let started = std::thread::Builder::new().name(self.name.to_owned()).spawn(move || {
            loop {
                let mut state = shared.state.lock();
                let job = loop {
                    if let Some(job) = state.jobs.pop_front() {
                        break job;
                    }
                    if state.stopping {
                        return;
                    }
                    shared.changed.wait(&mut state);
                };
                state.busy = true;
                drop(state);
                let finished = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(job)));
                if finished.is_err() {
                    tracing::error!("a job in the background panicked; its module stays as it is");
                }
                shared.state.lock().busy = false;
                shared.changed.notify_all();
            }
        });
        started.inspect_err(|error| tracing::warn!(%error, name = self.name, "no thread in the background")).is_ok()
    }

    /// Waits until all that was queued is done.
    pub(crate) fn settle(&self) {
        let mut state = self.shared.state.lock();
        while state.busy || !state.jobs.is_empty() {
            self.shared.changed.wait(&mut state);
        }
    }

    /// Forgets what is queued.
    pub(crate) fn abandon(&self) {
        self.shared.state.lock().jobs.clear();
    }
}

impl<J: Send + 'static> Drop for Worker<J> {
    /// The thread does what is queued, then ends by itself; nobody waits for it.
    fn drop(&mut self) {
        self.shared.state.lock().stopping = true;
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn the_queue_is_bounded_and_a_panic_ends_one_job_only() {
        let done = Arc::new(AtomicU32::new(0));
        let (gate, opened) = sync_channel::<()>(8);
        let opened = Mutex::new(opened);
        let counter = Arc::clone(&done);
        let worker = Worker::new("test", 2, move |number: u32| {
            let _ = opened.lock().recv();
            assert!(number != 1, "told to");
            counter.fetch_add(number, Ordering::SeqCst);
        });
        assert_eq!(worker.offer(1), Ok(()));
        while !worker.shared.state.lock().busy {
            std::thread::yield_now();
        }
        assert_eq!((worker.offer(10), worker.offer(100), worker.offer(1_000)), (Ok(()), Ok(()), Err(1_000)));
        assert_eq!(worker.insist(10_000), Ok(()));
        for _ in 0..4 {
            gate.send(()).expect("the worker is there");
        }
        worker.settle();
        assert_eq!(done.load(Ordering::SeqCst), 10_110);
    }
}
