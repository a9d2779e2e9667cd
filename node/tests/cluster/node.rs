//! A node as a process.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use esker::home::NodeConfig;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::scenario::until;

/// Another binary than the one that was built with this test.
const BINARY: &str = "ESKER_CLUSTER_BINARY";
/// How long a request may take.
const REQUEST_WITHIN: Duration = Duration::from_secs(5);

/// The binary under test, untouched by the environment of whoever runs the tests.
pub fn esker() -> Command {
    let mut command = Command::new(binary());
    for name in ["RUST_LOG", "ESKER_RPC_URL", "ESKER_KEYSTORE_PASSWORD", "http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Where the binary under test lies.
pub fn binary() -> PathBuf {
    std::env::var_os(BINARY).map_or_else(|| env!("CARGO_BIN_EXE_esker").into(), PathBuf::from)
}

/// A home, and the process that serves it, if one does. The process is killed when this is dropped.
pub struct Node {
    /// Its place in the network.
    pub index: usize,
    /// Its home.
    pub home: PathBuf,
    /// Where it answers.
    pub http: HttpClient,
    child: Option<Child>,
    /// Whether it answers requests when it runs.
    answers: bool,
    /// Carries its output to the log, where the process does not write that itself.
    scribe: Option<JoinHandle<()>>,
}

impl Node {
    /// The node of a home, not running.
    pub fn new(index: usize, home: PathBuf, url: &str) -> Self {
        let http = HttpClientBuilder::default().request_timeout(REQUEST_WITHIN).build(url).expect("a good url");
        Self { index, home, http, child: None, answers: true, scribe: None }
    }

    /// Starts it.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts it with more arguments.
    pub fn start_with(&mut self, arguments: &[&str]) {
        let mut command = esker();
        command.arg("node").arg("--home").arg(&self.home).args(arguments);
        self.spawn(command);
    }

    /// Starts it as this command has it; its output goes to the log.
    pub fn spawn(&mut self, mut command: Command) {
        assert!(self.child.is_none(), "node{} runs already", self.index);
        let log = OpenOptions::new().create(true).append(true).open(self.log()).expect("the home is writable");
        let both = log.try_clone().expect("a second handle");
        self.child = Some(command.stdout(both).stderr(log).spawn().expect("the binary starts"));
    }

    /// As [`Node::spawn`], for a process that may not be able to write its log: that is written for it.
    pub fn spawn_recorded(&mut self, mut command: Command) {
        let (mut output, input) = std::io::pipe().expect("a pipe");
        let mut log = OpenOptions::new().create(true).append(true).open(self.log()).expect("the home is writable");
        let both = input.try_clone().expect("a second handle");
        self.child = Some(command.stdout(both).stderr(input).spawn().expect("the binary starts"));
        // The command holds its ends of the pipe until it is dropped.
        drop(command);
        self.scribe = Some(std::thread::spawn(move || drop(std::io::copy(&mut output, &mut log))));
    }

    /// As [`Node::spawn`], for a process that plays the node and answers no requests.
    pub fn spawn_silent(&mut self, command: Command) {
        self.answers = false;
        self.spawn(command);
    }

    /// Its log.
    pub fn log(&self) -> PathBuf {
        self.home.join("node.log")
    }

    /// What its log says since this many bytes.
    pub fn log_since(&self, start: usize) -> String {
        let bytes = std::fs::read(self.log()).unwrap_or_default();
        String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned()
    }

    /// Length of its log.
    pub fn log_len(&self) -> usize {
        std::fs::metadata(self.log()).map_or(0, |data| data.len() as usize)
    }

    /// Its settings.
    pub fn config(&self) -> NodeConfig {
        let text = std::fs::read_to_string(self.home.join("config.toml")).expect("the home has settings");
        NodeConfig::parse(&text).expect("the settings are good")
    }

    /// Changes its settings, for the next start.
    pub fn configure(&self, change: impl FnOnce(&mut NodeConfig)) {
        let mut config = self.config();
        change(&mut config);
        std::fs::write(self.home.join("config.toml"), config.to_toml().expect("text")).expect("writable");
    }

    /// Whether a process serves it.
    pub const fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Whether its process has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().expect("it is a child of ours").is_some())
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Ends it as a power failure ends a process.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it is a child of ours");
        child.wait().expect("it is a child of ours");
    }

    /// Asks it to end, and returns how it did.
    pub async fn terminate(&mut self) -> ExitStatus {
        let child = self.child.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), Signal::TERM).expect("it is a child of ours");
        self.exit().await
    }

    /// Returns how it ended, when it has.
    pub async fn exit(&mut self) -> ExitStatus {
        let (child, index) = (self.child.as_mut().expect("it runs"), self.index);
        let status =
            until(format_args!("node{index} ends"), async || child.try_wait().expect("it is a child of ours")).await;
        self.child = None;
        if let Some(scribe) = self.scribe.take() {
            scribe.join().expect("it copies");
        }
        status
    }

    /// The answer of a method, or why there is none.
    pub async fn ask(&self, method: &str, params: Value) -> Result<Value, String> {
        let mut array = ArrayParams::new();
        for param in params.as_array().cloned().unwrap_or_default() {
            array.insert(param).expect("JSON");
        }
        self.http.request(method, array).await.map_err(|error| error.to_string())
    }

    /// Its last block, if it answers.
    pub async fn height(&self) -> Option<u64> {
        number(&self.ask("eth_blockNumber", json!([])).await.ok()?)
    }

    /// Returns when it answers, if that is what it does. Panics if it ends instead.
    pub async fn answers(&mut self) {
        let index = self.index;
        if !self.answers {
            return;
        }
        until(format_args!("node{index} answers"), async || {
            let ended = self.child.as_mut().expect("it runs").try_wait().expect("it is a child of ours");
            if let Some(status) = ended {
                panic!("node{index} ended with {status}: {}", tail(&self.log()));
            }
            self.height().await
        })
        .await;
    }

    /// Resident memory, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("kB") << 10
    }

    /// What its data takes on the disk, in bytes.
    pub fn disk(&self) -> u64 {
        size(&self.home.join("data"))
    }

    /// The names of the files of evidence that it keeps.
    pub fn evidence(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.home.join("data/evidence")) else { return Vec::new() };
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

fn size(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(data) = std::fs::symlink_metadata(path) else { return 0 };
    if !data.is_dir() {
        return data.blocks() * 512;
    }
    std::fs::read_dir(path).map_or(0, |entries| entries.flatten().map(|entry| size(&entry.path())).sum())
}

/// The end of a log.
pub fn tail(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// A quantity in an answer.
pub fn number(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}
