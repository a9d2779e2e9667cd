//! The nodes of a network as child processes: started, watched, and ended together.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use super::super::answer::printable;
use super::super::failure::Failure;
use crate::home::processes::{end_all, kill_all};
use crate::home::testnet::{LOG, TestnetNode};

/// Of a log, what is shown at most when its node ended by itself: bytes, and lines.
const LOG_END: (u64, usize) = (4_096, 12);

/// All nodes. Those still running are killed when this is dropped.
pub(super) struct Children(Vec<Running>);

struct Running {
    name: String,
    log: PathBuf,
    /// Until it has ended.
    child: Option<Child>,
}

/// A node that ended though nobody told it to.
pub(super) struct Ended {
    /// Its number.
    pub(super) index: usize,
    name: String,
    status: ExitStatus,
    log: PathBuf,
}

impl Children {
    /// Starts `program node --home HOME` for every node, each with its log in its home.
    ///
    /// # Errors
    /// If a log cannot be written, or a process not be started. Those that were are killed then.
    pub(super) fn start(program: &Path, nodes: &[TestnetNode]) -> Result<Self, Failure> {
        let mut children = Self(Vec::new());
        for node in nodes {
            let log = node.home.join(LOG);
            let child = node.spawn(program).map_err(|error| {
                Failure::infrastructure(format!("{} could not be started", node.name)).because(error).hint(format!(
                    "check that {} can be run and {} be written",
                    program.display(),
                    log.display()
                ))
            })?;
            children.0.push(Running { name: node.name.clone(), log, child: Some(child) });
        }
        Ok(children)
    }

    /// How many run, as far as is known.
    pub(super) fn alive(&self) -> usize {
        self.0.iter().filter(|running| running.child.is_some()).count()
    }

    /// The nodes that have ended since this was last asked.
    pub(super) fn reap(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        for (index, running) in self.0.iter_mut().enumerate() {
            // An error would mean that it is no child of ours; then it can be neither watched nor ended.
            let status = running.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            if let Some(status) = status {
                running.child = None;
                ended.push(Ended { index, name: running.name.clone(), status, log: running.log.clone() });
            }
        }
        ended
    }

    /// Asks all to end, waits for them, and kills those that do not end in time: their names are returned.
    pub(super) async fn stop(&mut self, within: Duration) -> Vec<String> {
        let mut children: Vec<_> = self.0.iter_mut().map(|running| &mut running.child).collect();
        let late = end_all(&mut children, within).await;
        late.into_iter().filter_map(|index| Some(self.0.get(index)?.name.clone())).collect()
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        kill_all(self.0.iter_mut().map(|running| &mut running.child));
    }
}

impl Ended {
    /// What happened, with the end of its log.
    pub(super) fn text(&self) -> String {
        let text = format!("{} has ended by itself: {}", self.name, self.status);
        match log_end(&self.log) {
            Ok(lines) if lines.is_empty() => format!("{text}; its log {} is empty", self.log.display()),
            Ok(lines) => format!("{text}; the end of {}:\n    {}", self.log.display(), lines.join("\n    ")),
            Err(error) => format!("{text}; its log {} cannot be read: {error}", self.log.display()),
        }
    }
}

/// The last lines of a log, safe for a terminal.
fn log_end(path: &Path) -> std::io::Result<Vec<String>> {
    let (bytes_max, lines_max) = LOG_END;
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(bytes_max);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.get(lines.len().saturating_sub(lines_max)..).unwrap_or_default();
    Ok(shown.iter().map(|line| printable(line)).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use rustix::process::Pid;

    use super::*;
    use crate::home::testnet::{Testnet, TestnetPlan};

    /// A network of two nodes that a shell script plays.
    pub(in super::super) fn network(script: &str) -> (tempfile::TempDir, PathBuf, Testnet) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = folder.path().join("node.sh");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("writable");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("it is ours");
        let plan = TestnetPlan::new(folder.path().join("net"), 2, program.clone());
        let network = plan.write().expect("the folder is new");
        (folder, program, network)
    }

    fn logs(network: &Testnet) -> Vec<String> {
        network.nodes.iter().map(|node| fs::read_to_string(node.home.join(LOG)).unwrap_or_default()).collect()
    }

    async fn wait_for_logs(network: &Testnet, words: &str) {
        while !logs(network).iter().all(|log| log.contains(words)) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn nodes_are_started_with_their_homes_and_end_when_they_are_told_to() {
        let (_folder, program, network) =
            network("trap 'echo ended; exit 0' TERM\necho \"$@\"\nwhile :; do sleep 0.05; done");
        let mut children = Children::start(&program, &network.nodes).expect("they start");
        wait_for_logs(&network, "node --home").await;
        assert_eq!((children.alive(), children.reap().len()), (2, 0));
        assert!(children.stop(Duration::from_secs(60)).await.is_empty());
        let expected: Vec<String> =
            network.nodes.iter().map(|node| format!("node --home {}\nended\n", node.home.display())).collect();
        assert_eq!(logs(&network), expected);
    }

    #[tokio::test]
    async fn nodes_that_do_not_end_are_killed() {
        let (_folder, program, network) = network("trap '' TERM\necho deaf\nexec sleep 600");
        let mut children = Children::start(&program, &network.nodes).expect("they start");
        wait_for_logs(&network, "deaf").await;
        assert_eq!(children.stop(Duration::from_millis(50)).await, ["node0", "node1"]);
        assert_eq!(children.alive(), 0);
    }

    #[tokio::test]
    async fn a_node_that_ends_by_itself_is_told_with_the_end_of_its_log() {
        let (_folder, program, network) =
            network("case \"$3\" in *node1) seq 30; printf '\\033[31mbroken\\n'; exit 4;; esac\nexec sleep 600");
        let mut children = Children::start(&program, &network.nodes).expect("they start");
        let mut ended = Vec::new();
        while ended.is_empty() {
            ended = children.reap();
            tokio::task::yield_now().await;
        }
        let text = ended[0].text();
        assert_eq!((ended.len(), ended[0].index, children.alive()), (1, 1, 1));
        assert!(text.starts_with("node1 has ended by itself: exit status: 4"), "{text}");
        assert!(text.ends_with("    30\n    \\u{1b}[31mbroken") && !text.contains("    19\n"), "{text}");
        assert!(children.reap().is_empty());
        // The other one is killed when the children are dropped.
        let other = Pid::from_child(children.0[0].child.as_ref().expect("it runs"));
        drop(children);
        assert!(rustix::process::test_kill_process(other).is_err(), "it is gone");
    }

    #[test]
    fn what_cannot_be_started_is_told() {
        let (folder, _, network) = network("exit 0");
        let error = Children::start(&folder.path().join("absent"), &network.nodes).err().expect("no such program");
        assert!(error.to_string().contains("node0 could not be started"), "{error}");
    }
}
