//! Nodes as child processes of this one: ended together, and never left behind.

use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// How often a child is asked whether it has ended.
const POLL: Duration = Duration::from_millis(20);

/// Asks all to end, waits for them, and kills those that do not end in time. Returns which those were, by their places;
/// every child is taken.
pub async fn end_all(children: &mut [&mut Option<Child>], within: Duration) -> Vec<usize> {
    for child in children.iter().filter_map(|child| child.as_ref()) {
        // It may have ended meanwhile: it stays a zombie until it is reaped, so the id is nobody else's.
        let _ = kill_process(Pid::from_child(child), Signal::TERM);
    }
    let deadline = tokio::time::Instant::now() + within;
    loop {
        let mut late = Vec::new();
        for (index, slot) in children.iter_mut().enumerate() {
            // An error would mean that it is no child of ours; then it can be neither watched nor ended.
            match slot.as_mut().map(Child::try_wait) {
                Some(Ok(Some(_))) => **slot = None,
                Some(_) => late.push(index),
                None => {}
            }
        }
        if late.is_empty() || tokio::time::Instant::now() >= deadline {
            kill_all(children.iter_mut().map(|child| &mut **child));
            return late;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Kills all, and waits until they have ended.
pub fn kill_all<'a>(children: impl Iterator<Item = &'a mut Option<Child>>) {
    for mut child in children.filter_map(Option::take) {
        // Fails only if it has ended.
        let _ = child.kill();
        let _ = child.wait();
    }
}
