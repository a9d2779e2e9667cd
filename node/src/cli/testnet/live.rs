//! A network that runs: its nodes, and a table of how they are.

use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::super::answer::{printable, remark};
use super::super::dev::stop_signal;
use super::super::failure::Failure;
use super::children::Children;
use super::watch::{Seen, View, Watcher};
use crate::home::testnet::Testnet;

/// How often a node is asked, and a line written where there is no terminal.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is seen to whether a node has ended.
const REAP: Duration = Duration::from_millis(200);
/// How long nodes may take to end.
const STOP_WITHIN: Duration = Duration::from_secs(10);

type Views = Arc<Mutex<Vec<View>>>;

/// Starts all nodes and shows how they are, until this process is told to stop; then ends them.
///
/// # Errors
/// If a node cannot be started, or all have ended by themselves.
pub(super) async fn run(program: &Path, network: &Testnet) -> Result<(), Failure> {
    let mut stop = pin!(stop_signal()?);
    // Whoever closes the terminal means the nodes too: they would not hear of it in their own process groups.
    let mut hangup = signal(SignalKind::hangup())
        .map_err(|error| Failure::infrastructure("cannot listen for signals").because(error))?;
    let mut children = Children::start(program, &network.nodes)?;
    let views: Views = Arc::new(Mutex::new(vec![View::Silent; network.nodes.len()]));
    let watchers = watch(network, &views)?;
    let table = Table::new(network);
    let (begun, mut shown) = (Instant::now(), 0);
    let mut ticks = interval(REAP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = hangup.recv() => break,
            _ = ticks.tick() => {}
        }
        for ended in children.reap() {
            table.note(&ended.text());
            if let Some(view) = views.lock().get_mut(ended.index) {
                *view = View::Ended;
            }
        }
        if children.alive() == 0 {
            table.end();
            return Err(Failure::infrastructure("all nodes have ended by themselves")
                .hint("the ends of their logs are above; correct what they name and start them with start.sh"));
        }
        let seconds = begun.elapsed().as_secs();
        if seconds > shown {
            table.show(seconds, &views.lock());
            shown = seconds;
        }
    }
    drop(watchers);
    table.end();
    remark(&format!("ending {} nodes", children.alive()));
    let late = children.stop(STOP_WITHIN).await;
    if !late.is_empty() {
        remark(&format!("{} did not end within {} s and had to be killed", late.join(", "), STOP_WITHIN.as_secs()));
    }
    Ok(())
}

/// Keeps asking every node, each by itself: one that does not answer holds up no other.
fn watch(network: &Testnet, views: &Views) -> Result<JoinSet<()>, Failure> {
    let mut watchers = JoinSet::new();
    for (index, node) in network.nodes.iter().enumerate() {
        let mut watcher = Watcher::new(node.rpc_url())?;
        let views = Arc::clone(views);
        watchers.spawn(async move {
            let mut ticks = interval(LOOK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let seen = watcher.look().await;
                match views.lock().get_mut(index) {
                    Some(View::Ended) | None => return,
                    Some(view) => *view = seen,
                }
            }
        });
    }
    Ok(watchers)
}

/// What a person sees on standard error: on a terminal a table that changes, elsewhere a line every second.
struct Table {
    names: Vec<String>,
    /// Several lines drawn as one, so that the terminal shows one moment.
    terminal: Option<ProgressBar>,
}

impl Table {
    fn new(network: &Testnet) -> Self {
        let names = network.nodes.iter().map(|node| node.name.clone()).collect();
        let terminal = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new_spinner().with_style(style)
        });
        Self { names, terminal }
    }

    /// Shows all nodes as they are.
    fn show(&self, seconds: u64, views: &[View]) {
        match &self.terminal {
            Some(terminal) => terminal.set_message(table_text(seconds, &self.names, views)),
            None => remark(&line_text(seconds, &self.names, views)),
        }
    }

    /// Writes something that stays.
    fn note(&self, text: &str) {
        match &self.terminal {
            Some(terminal) => terminal.suspend(|| remark(text)),
            None => remark(text),
        }
    }

    /// Leaves what was shown last, and goes on below it.
    fn end(&self) {
        if let Some(terminal) = &self.terminal {
            terminal.finish_and_clear();
            let shown = terminal.message();
            if !shown.is_empty() {
                remark(&shown);
            }
        }
    }
}

fn table_text(seconds: u64, names: &[String], views: &[View]) -> String {
    let rows = names.iter().zip(views).map(|(name, view)| row_text(name, view));
    [format!("{seconds} s; ctrl-C ends all nodes"), heading()].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

fn heading() -> String {
    format!("{:10}{:>9}{:>7}  {:10}{:>6}{:>10}{:>10}", "node", "height", "round", "step", "peers", "tx/s", "finality")
}

fn row_text(name: &str, view: &View) -> String {
    match view {
        View::Silent => format!("{name:10}{:>9}  does not answer", "-"),
        View::Ended => format!("{name:10}{:>9}  has ended", "-"),
        View::Seen(seen) => {
            let (round, step) = round_and_step(seen);
            format!(
                "{name:10}{:>9}{round:>7}  {step:10}{:>6}{:>10.1}{:>10}",
                seen.height,
                seen.peers,
                seen.rate,
                finality(seen)
            )
        }
    }
}

fn line_text(seconds: u64, names: &[String], views: &[View]) -> String {
    let node = |(name, view): (&String, &View)| match view {
        View::Silent => format!("{name} does not answer"),
        View::Ended => format!("{name} has ended"),
        View::Seen(seen) => {
            let (round, _) = round_and_step(seen);
            let (height, peers, rate) = (seen.height, seen.peers, seen.rate);
            format!("{name} height {height} round {round} peers {peers} tx/s {rate:.1} finality {}", finality(seen))
        }
    };
    let nodes: Vec<String> = names.iter().zip(views).map(node).collect();
    format!("{seconds} s: {}", nodes.join("; "))
}

fn round_and_step(seen: &Seen) -> (String, String) {
    match &seen.round {
        // A server's text, on a terminal.
        Some((round, step)) => (round.to_string(), printable(step)),
        None => ("-".to_owned(), "-".to_owned()),
    }
}

fn finality(seen: &Seen) -> String {
    seen.finality_ms.map_or_else(|| "-".to_owned(), |time| format!("{time:.0} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::Kind;
    use crate::cli::testnet::children::tests::network;

    fn seen() -> Seen {
        Seen { height: 12, round: Some((1, "prevote".into())), peers: 3, rate: 1_234.56, finality_ms: Some(41.7) }
    }

    #[test]
    fn every_node_has_its_row() {
        let row = row_text("node0", &View::Seen(seen()));
        assert_eq!(
            row.split_whitespace().collect::<Vec<_>>(),
            ["node0", "12", "1", "prevote", "3", "1234.6", "42", "ms"]
        );
        // Under their headings.
        for (word, head) in [("12", "height"), ("3", "peers"), ("1234.6", "tx/s"), ("42 ms", "finality")] {
            let end = |text: &str, word: &str| text.find(word).expect("it is there") + word.len();
            assert_eq!(end(&row, &format!(" {word}")), end(&heading(), head), "{head}");
        }
        assert!(row_text("node0", &View::Silent).contains("does not answer"));
        let bare = Seen { round: None, finality_ms: None, ..seen() };
        assert!(row_text("node0", &View::Seen(bare)).trim_end().ends_with('-'));
    }

    #[test]
    fn without_a_terminal_everything_is_in_one_line() {
        let names = ["node0".to_owned(), "node1".to_owned(), "node2".to_owned()];
        let line = line_text(5, &names, &[View::Seen(seen()), View::Silent, View::Ended]);
        let expected =
            "5 s: node0 height 12 round 1 peers 3 tx/s 1234.6 finality 42 ms; node1 does not answer; node2 has ended";
        assert_eq!(line, expected);
        let hostile = Seen { round: Some((0, "\u{1b}[2J".into())), ..seen() };
        assert!(!row_text("node0", &View::Seen(hostile)).contains('\u{1b}'));
    }

    #[tokio::test]
    async fn when_all_nodes_have_ended_the_command_fails() {
        let (_folder, program, network) = network("echo no; exit 1");
        let failure = run(&program, &network).await.expect_err("nobody is left");
        assert_eq!(failure.kind(), Kind::Infrastructure);
        assert!(failure.to_string().contains("all nodes have ended"), "{failure}");
    }
}
