//! A disk that is full.

use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::history::one_history;
use crate::load::{Load, summary};
use crate::network::{Network, Plan};
use crate::node::{Node, binary, esker};
use crate::scenario::{is_full, scenario};

/// Exit code of a node whose surroundings failed it.
const INFRASTRUCTURE: i32 = 3;

/// The node's command, with the signal ignored that would end it before it could say anything.
fn told_of_limits(home: &Path) -> Command {
    let mut command = Command::new("sh");
    for (name, _) in esker().get_envs().filter(|(_, value)| value.is_none()) {
        command.env_remove(name);
    }
    command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).stdin(Stdio::null());
    command.arg(binary()).arg("node").arg("--home").arg(home);
    command
}

/// From now on the system refuses to let any file of this process grow beyond so many bytes, as it does on a full disk.
fn fill_disk(node: &Node, bytes: u64) {
    let pid = Pid::from_raw(node.pid().cast_signed()).expect("a process");
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    prlimit(Some(pid), Resource::Fsize, limit).expect("it is a child of ours");
}

#[test]
fn disk_full() {
    scenario("disk-full", async |run| {
        let mut network = Network::start(run, &Plan::default()).await;
        let load = Load::transfers(&network, &[0, 1, 2, 3]);
        let times = if is_full() { 12 } else { 3 };
        for time in 0..times {
            let victim = run.between(0, 3) as usize;
            let rest = network.but(&[victim]);
            assert_eq!(network.nodes[victim].terminate().await.code(), Some(0));
            let command = told_of_limits(&network.nodes[victim].home);
            // Where its log has to stay within the bounds too, it can say nothing.
            let is_recorded = time % 3 == 1;
            if is_recorded {
                network.nodes[victim].spawn_recorded(command);
            } else {
                network.nodes[victim].spawn(command);
            }
            network.answer().await;
            network.progress(&network.all(), 2).await;

            let store = std::fs::metadata(network.nodes[victim].home.join("data/db/db")).expect("the store").len();
            // No room at all; room for small files, as votes and logs; room for all but a larger store.
            let (room, name) =
                [(0, "nothing"), (run.between(1, 4_096), "small files"), (store, "no larger store")][time % 3];
            let mark = network.nodes[victim].log_len();
            fill_disk(&network.nodes[victim], room);
            let status = network.nodes[victim].exit().await;
            let log = network.nodes[victim].log_since(mark);
            run.says(format_args!("node{victim} had room for {name} and ended with {status}; it said:\n{log}"));
            assert_eq!(status.code(), Some(INFRASTRUCTURE), "{log}");
            assert!(!is_recorded || log.contains("error: the node stopped"), "it says why");
            assert!(!log.contains("panicked"), "{log}");
            let head = network.progress(&rest, 4).await;
            network.nodes[victim].start();
            network.answer().await;
            network.reach(&network.all(), head).await;
            let head = network.progress(&network.all(), 2).await;
            run.says(format_args!("the others went on; with room again, node{victim} has caught up, at block {head}"));
        }
        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}
