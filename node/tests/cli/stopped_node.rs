//! Nodes that have run and are stopped, with what they left.

use std::path::Path;
use std::process::Child;

use serde_json::Value;
use tempfile::TempDir;

use crate::dev_chain::start_on;
use crate::process::{command, finish};
use crate::till::write_artifact;

pub const PAYEE: &str = "0x00000000000000000000000000000000000000aa";

/// A node of these tests, killed when dropped.
pub struct Node {
    process: Child,
    pub url: String,
    pub facts: Value,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Node {
    pub fn start(folder: &Path, state: &str) -> Self {
        let (process, facts) = start_on(folder, state);
        let url = format!("http://{}", facts["listening"].as_str().expect("an address"));
        Self { process, url, facts }
    }

    pub fn json(&self, folder: &Path, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--json"]].concat();
        finish(command(&arguments).current_dir(folder).env("ESKER_RPC_URL", &self.url)).expect(0).json()
    }

    pub fn pay(&self, folder: &Path) -> Value {
        self.json(folder, &["send", PAYEE, "--value", "1ether", "--unlocked"])
    }
}

/// A folder with the state `chain` of a node that has run and is stopped.
pub fn stopped_node(payments: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_artifact(folder.path());
    let node = Node::start(folder.path(), "chain");
    let deployed = node.json(folder.path(), &["deploy", "Till", "--unlocked"]);
    let till = deployed["contractAddress"].as_str().expect("an address");
    let pay = ["send", till, "pay", PAYEE, "7", "--artifact", "Till", "--value", "1gwei", "--unlocked"];
    node.json(folder.path(), &pay);
    for _ in 0..payments {
        node.pay(folder.path());
    }
    folder
}
