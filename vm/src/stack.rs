//! Native stack for the deepest execution that the rules allow.
//!
//! A frame of guest code may use many times its logical stack natively, and frames nest: the ordinary stack of a thread
//! is far too small. Executions run on threads of their own whose stacks are reserved, not committed: pages come into
//! being when they are touched.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use esker_abi::Limits;
use parking_lot::Mutex;

use crate::Fatal;
use crate::config::frame_stack_bytes;

/// Native stack of the host's own functions between two frames: journal, call rules, conversion.
const HOST_FRAME_BYTES: usize = 192 * 1024;

/// What the outermost caller and the innermost host function (pairings, signatures) may use.
const RESERVE_BYTES: usize = 2 * 1024 * 1024;

/// Address space of an execution thread's stack.
const STACK_BYTES: usize =
    (Limits::V1.call_depth_max as usize + 1) * (frame_stack_bytes(&Limits::V1) + HOST_FRAME_BYTES) + 2 * RESERVE_BYTES;

/// Threads kept for reuse.
const PARKED_MAX: usize = 16;

/// A thread whose stack was used deeper than this ends instead of being parked, which gives its memory back.
const PARKED_STACK_BYTES: usize = 8 * 1024 * 1024;

type Job = Box<dyn FnOnce() + Send>;

struct Worker {
    jobs: SyncSender<Job>,
    /// After each job: whether the thread is fit for reuse.
    done: Receiver<bool>,
}

static PARKED: Mutex<Vec<Worker>> = Mutex::new(Vec::new());

#[derive(Clone, Copy)]
struct ThreadStack {
    /// Lowest address that a frame's guest code may reach, zero on threads that are not ours.
    floor: usize,
    /// Lowest address seen at a frame's start since the job began.
    deepest: usize,
}

thread_local! {
    static STACK: Cell<ThreadStack> = const { Cell::new(ThreadStack { floor: 0, deepest: usize::MAX }) };
}

#[inline(never)]
fn stack_pointer() -> usize {
    let here = 0u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

/// # Panics
/// On a thread that runs a session.
pub(crate) fn refuse_nesting() {
    assert!(STACK.get().floor == 0, "a session was opened inside a session: its frames would share one stack");
}

/// Runs `work` on a thread with the native stack that the deepest execution needs, and waits for it.
///
/// `work` may borrow. Threads are reused, so a call costs two thread switches.
///
/// # Panics
/// If `work` panics, with the same payload; if the system gives no thread (address space or thread limit used up); if
/// called from inside itself.
pub(crate) fn on_execution_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    refuse_nesting();
    let parked = PARKED.lock().pop();
    let worker = parked.unwrap_or_else(spawn);
    let mut result: Option<Result<R, Box<dyn Any + Send>>> = None;
    let slot = &mut result;
    let job: Box<dyn FnOnce() + Send + '_> = Box::new(move || *slot = Some(catch_unwind(AssertUnwindSafe(work))));
    let fit = hand_over(&worker, job);
    if fit {
        let mut parked = PARKED.lock();
        if parked.len() < PARKED_MAX {
            parked.push(worker);
        }
    }
    match result.expect("the worker ran the job to its end before it answered") {
        Ok(value) => value,
        Err(payload) => resume_unwind(payload),
    }
}

/// Gives `job` to the worker and blocks until it has been run and dropped.
#[allow(unsafe_code, reason = "a borrowed job crosses to a thread that outlives the borrow")]
fn hand_over<'scope>(worker: &Worker, job: Box<dyn FnOnce() + Send + 'scope>) -> bool {
    // SAFETY: only the lifetime changes. The worker consumes the job before it answers on `done`, and drops its end of
    // `done` only when its thread ends, which is after it dropped any job. This function does not return, nor unwind,
    // before one of the two has happened, so nothing that the job borrows can be gone while the job exists: a failed
    // `send` gives the job back, which is dropped here.
    let job = unsafe { std::mem::transmute::<Box<dyn FnOnce() + Send + 'scope>, Job>(job) };
    match worker.jobs.send(job) {
        Ok(()) => worker.done.recv().unwrap_or(false),
        Err(_) => false,
    }
}

fn spawn() -> Worker {
    let (jobs, inbox) = sync_channel::<Job>(1);
    let (report, done) = sync_channel(1);
    std::thread::Builder::new()
        .name("esker-execution".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let top = stack_pointer();
            let floor = top.saturating_sub(STACK_BYTES - RESERVE_BYTES).max(1);
            while let Ok(job) = inbox.recv() {
                STACK.set(ThreadStack { floor, deepest: top });
                job();
                let fit = top - STACK.get().deepest < PARKED_STACK_BYTES;
                if report.send(fit).is_err() || !fit {
                    break;
                }
            }
        })
        .unwrap_or_else(|error| {
            panic!("cannot start an execution thread with {} MiB of stack: {error}", STACK_BYTES >> 20)
        });
    Worker { jobs, done }
}

/// Makes sure that guest code which may use `frame_bytes` of native stack fits below the current position of an execution
/// thread.
pub(crate) fn reserve_frame(frame_bytes: usize) -> Result<(), Fatal> {
    let mut stack = STACK.get();
    let here = stack_pointer();
    if stack.floor == 0 {
        return Err(Fatal::Engine("a frame outside a session".to_owned()));
    }
    if here.saturating_sub(stack.floor) < frame_bytes {
        return Err(Fatal::NativeStack);
    }
    stack.deepest = stack.deepest.min(here);
    STACK.set(stack);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn consume(depth: usize) -> usize {
        let block = std::hint::black_box([depth as u8; 64 * 1024]);
        if depth == 0 { usize::from(block[0]) } else { consume(depth - 1) + usize::from(block[1] == depth as u8) }
    }

    #[test]
    fn work_may_borrow_and_gets_a_deep_stack() {
        let mut sum = 0;
        let data = [1, 2, 3];
        // 3,000 × 64 KiB is far more than an ordinary thread has.
        let depth = on_execution_thread(|| {
            sum = data.iter().sum();
            consume(3_000)
        });
        assert_eq!((sum, depth), (6, 3_000));
    }

    #[test]
    fn panics_reach_the_caller_and_the_next_call_works() {
        let caught = catch_unwind(|| on_execution_thread(|| panic!("told to")));
        let payload = caught.expect_err("the panic must propagate");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"told to"));
        assert_eq!(on_execution_thread(|| 7), 7);
    }

    #[test]
    fn many_threads_at_once_work_and_few_are_kept() {
        let total: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..24).map(|i| scope.spawn(move || on_execution_thread(|| consume(20) + i))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(total, 24 * 20 + (0..24).sum::<usize>());
        assert!(PARKED.lock().len() <= PARKED_MAX);
    }

    #[test]
    fn a_session_inside_a_session_and_a_frame_outside_are_refused() {
        let nested = catch_unwind(|| on_execution_thread(|| on_execution_thread(|| 1)));
        assert!(nested.is_err());
        assert!(matches!(reserve_frame(1024), Err(Fatal::Engine(_))));
        assert!(on_execution_thread(|| reserve_frame(1024).is_ok()));
    }

    #[test]
    fn a_frame_that_does_not_fit_is_the_nodes_fault() {
        let refused = on_execution_thread(|| reserve_frame(STACK_BYTES).err());
        assert_eq!(refused, Some(Fatal::NativeStack));
    }
}
