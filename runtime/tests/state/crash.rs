//! A process that commits blocks is killed at random moments: no acknowledged block may be missing afterwards.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use alloy_primitives::{B256, U256};
use esker_runtime::db::{Batch, SledStore, keys};
use esker_runtime::state::{Account, AccountChange, ChangeSet, SlotChange, StateDb, StateReader};

use super::model::{address, slot};

/// Where the child commits; set in the child only.
const FOLDER: &str = "ESKER_TEST_CRASH_FOLDER";
const KILLS: u64 = 6;
const SEED: u64 = 0x5eed_0000_e5ce_0001;

/// A fixed sequence of numbers (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn open(folder: &Path) -> StateDb {
    StateDb::open(Arc::new(SledStore::open(folder, 8 << 20).expect("opens after a kill"))).expect("the root is sound")
}

/// Block `number`: some 200 accounts, chosen by the number, get its number as nonce and in a slot; slots 1 to 3 take
/// turns, so that slots go away too.
fn changes(db: &StateDb, number: u64) -> ChangeSet {
    let mut random = Random(number);
    let mut changes = ChangeSet::default();
    let value = B256::from(U256::from(number + 1));
    for _ in 0..200 {
        let address = address((random.next() % 5000) as u16);
        let before = db.account(address).expect("the store works");
        let after = Some(Account { nonce: number + 1, balance: U256::from(number), ..Account::default() });
        let mut change = AccountChange { before, after, storage: Default::default() };
        for (index, after) in [(number % 3, value), ((number + 1) % 3, B256::ZERO)] {
            let before = db.storage(address, slot(index as u8)).expect("the store works");
            change.storage.insert(slot(index as u8), SlotChange { before, after });
        }
        changes.accounts.insert(address, change);
    }
    changes
}

fn extra(number: u64) -> Batch {
    let mut batch = Batch::new();
    batch.put(keys::block_hash(number), B256::from(U256::from(number)).as_slice());
    batch
}

/// Not a test of its own: what the child process runs.
#[test]
fn child_commits_blocks_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let db = open(folder.as_ref());
    for number in db.block_number().map_or(0, |number| number + 1).. {
        let update = db.prepare(&changes(&db, number), number).expect("fits");
        let root = update.root;
        db.commit(update, extra(number)).expect("the store works");
        // The harness may hold back what goes through `println!`. One call, or the kill could come within the line.
        use std::io::Write;
        std::io::stderr().write_all(format!("ack {number} {root}\n").as_bytes()).expect("the parent listens");
    }
}

#[test]
fn no_acknowledged_block_is_lost_to_sigkill() {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut acknowledged: Vec<B256> = Vec::new();
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().expect("the test runs from a file"))
            .args(["crash::child_commits_blocks_until_it_is_killed", "--exact", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the test can start itself");
        let blocks = random.next() % 12;
        // Somewhere inside the next block: in execution, the batch or the flush.
        let spins = random.next() % 30_000;
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let mut seen = 0;
        while seen <= blocks {
            let line = lines.next().unwrap_or_else(|| panic!("kill {kill}: the child ended by itself"));
            seen += u64::from(record(&line, &mut acknowledged));
        }
        for _ in 0..spins {
            std::hint::black_box(random.next());
            std::thread::yield_now();
        }
        child.kill().expect("the child runs");
        child.wait().expect("the child was killed");
        for line in lines {
            record(&line, &mut acknowledged);
        }
        let db = open(folder.path());
        let number = db.block_number().expect("blocks were committed");
        let last = acknowledged.len() as u64 - 1;
        assert!(number == last || number == last + 1, "kill {kill}: block {number} is there, {last} acknowledged");
        if number == last {
            assert_eq!(Some(&db.root()), acknowledged.last(), "kill {kill}: root of block {number}");
        } else {
            // Durable, and killed before it could say so.
            acknowledged.push(db.root());
        }
        for number in 0..=number {
            let hash = B256::from(U256::from(number));
            assert_eq!(db.block_hash(number), Ok(Some(hash)), "kill {kill}: the block's own table, block {number}");
        }
        let report = db.verify().unwrap_or_else(|error| panic!("kill {kill}: {error}"));
        println!("kill {kill}: block {number}, {} accounts, {} slots", report.accounts, report.slots);
    }
}

fn record(line: &str, acknowledged: &mut Vec<B256>) -> bool {
    let mut words = line.split(' ');
    if words.next() != Some("ack") {
        return false;
    }
    let number: usize = words.next().and_then(|word| word.parse().ok()).expect("the child writes a number");
    let root = words.next().and_then(|word| word.parse().ok()).expect("the child writes a root");
    assert_eq!(number, acknowledged.len(), "blocks are acknowledged in order, from where the last child ended");
    acknowledged.push(root);
    true
}
