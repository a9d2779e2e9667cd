//! The sled store's folder: reopened, shared, foreign, damaged.

use std::ops::ControlFlow;
use std::path::Path;

use esker_runtime::db::{Batch, MAX_VALUE_BYTES, OpenError, SledStore, Store, StoreError, chunks, keys};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn open(path: &Path) -> Result<SledStore, OpenError> {
    SledStore::open(path, 1 << 20)
}

fn put(store: &dyn Store, key: &[u8], value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(key, value);
    store.apply(batch).expect("the store works");
}

#[test]
fn what_was_flushed_is_there_after_reopening_in_order() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    let mut batch = Batch::new();
    for number in 0..500u16 {
        batch.put(keys::key(b'm', &[&number.to_be_bytes()]), number.to_le_bytes());
    }
    batch.delete(keys::key(b'm', &[&7u16.to_be_bytes()]));
    chunks::put_chunked(&mut batch, b"x-large", &[5; 100_000]);
    store.apply(batch).expect("the store works");
    store.flush().expect("the store works");
    drop(store);
    let store = open(folder.path()).expect("reopens");
    let mut seen = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        assert_eq!(key[1..], [value[1], value[0]]);
        seen.push(u16::from_be_bytes([key[1], key[2]]));
        if seen.len() < 200 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    store.scan(b"m", &[b'm', 0, 3], visit).expect("the store works");
    let expected: Vec<u16> = (3..500).filter(|number| *number != 7).take(200).collect();
    assert_eq!(seen, expected);
    assert_eq!(chunks::get_chunked(&store, b"x-large"), Ok(Some(vec![5; 100_000])));
    assert!(
        !folder.path().join("blobs").exists() || folder.path().join("blobs").read_dir().is_ok_and(|d| d.count() == 0),
        "no value went to a blob file"
    );
}

#[test]
#[should_panic(expected = "must be chunked")]
fn a_value_above_the_bound_is_a_bug_of_the_caller() {
    let folder = folder();
    put(&open(folder.path()).expect("opens"), b"m", &[0; MAX_VALUE_BYTES + 1]);
}

#[test]
fn a_value_of_exactly_the_bound_is_kept() {
    let folder = folder();
    put(&open(folder.path()).expect("opens"), b"m", &[7; MAX_VALUE_BYTES]);
    let store = open(folder.path()).expect("reopens");
    assert_eq!(store.get(b"m"), Ok(Some(vec![7; MAX_VALUE_BYTES])));
}

#[test]
fn a_second_opener_is_told_who_to_stop() {
    let folder = folder();
    let _store = open(folder.path()).expect("opens");
    let error = open(folder.path()).expect_err("the folder is in use");
    assert_eq!(error, OpenError::Locked(folder.path().into()));
    assert!(error.to_string().contains("stop the node"), "{error}");
}

#[test]
fn another_layout_version_is_refused_and_left_alone() {
    let folder = folder();
    drop(open(folder.path()).expect("opens"));
    std::fs::write(folder.path().join("LAYOUT"), "esker state layout 99\n").expect("writable");
    let log = std::fs::read(folder.path().join("db")).expect("readable");
    for _ in 0..2 {
        let error = open(folder.path()).expect_err("another version");
        assert_eq!(error, OpenError::Version { found: "99".into(), expected: 1 });
        assert!(error.to_string().contains("version 99"), "{error}");
    }
    assert_eq!(std::fs::read(folder.path().join("db")).expect("readable"), log, "nothing was touched");
}

#[test]
fn another_version_inside_the_store_is_refused_too() {
    let folder = folder();
    put(&open(folder.path()).expect("opens"), &[keys::VERSION], &99u32.to_be_bytes());
    for _ in 0..2 {
        let error = open(folder.path()).expect_err("another version");
        assert_eq!(error, OpenError::Version { found: "99".into(), expected: 1 });
    }
}

#[test]
fn a_marker_without_a_version_is_damage() {
    let folder = folder();
    drop(open(folder.path()).expect("opens"));
    std::fs::write(folder.path().join("LAYOUT"), "nonsense").expect("writable");
    assert!(matches!(open(folder.path()), Err(OpenError::Corrupt { .. })));
}

#[test]
fn an_emptied_log_does_not_pass_for_a_new_store() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    put(&store, b"m", b"precious");
    store.flush().expect("the store works");
    drop(store);
    let log = std::fs::read(folder.path().join("db")).expect("readable");
    std::fs::write(folder.path().join("db"), vec![0; log.len()]).expect("writable");
    for snapshot in std::fs::read_dir(folder.path()).expect("readable").filter_map(Result::ok) {
        if snapshot.file_name().to_string_lossy().starts_with("snap.") {
            std::fs::remove_file(snapshot.path()).expect("there");
        }
    }
    let error = open(folder.path()).expect_err("the log is gone");
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
}

/// Pieces of a log that are damaged, one at a time.
const PIECES: usize = 24;

/// The log in `folder` with 64 bytes flipped, in each of [`PIECES`] places in turn, and at last in all places 512 bytes
/// apart. Whatever was opened is closed again by `open`, and the folder is then as it was.
fn with_damage(folder: &Path, mut open: impl FnMut(usize)) {
    let before: Vec<(std::path::PathBuf, Vec<u8>)> = files(folder);
    let log = std::fs::read(folder.join("db")).expect("readable");
    let used = log.iter().rposition(|byte| *byte != 0).expect("not empty");
    for piece in 0..=PIECES {
        let mut damaged = log.clone();
        let places: Vec<usize> =
            if piece < PIECES { vec![used / PIECES * piece + 17] } else { (17..used).step_by(512).collect() };
        for at in places {
            damaged.iter_mut().skip(at).take(64).for_each(|byte| *byte ^= 0x5a);
        }
        std::fs::write(folder.join("db"), &damaged).expect("writable");
        open(piece);
        for (path, _) in files(folder) {
            std::fs::remove_file(path).expect("there");
        }
        for (path, content) in &before {
            std::fs::write(path, content).expect("writable");
        }
    }
}

/// The files in `folder`, and what they hold.
fn files(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("readable").filter_map(Result::ok).map(|entry| entry.path());
    entries.filter(|path| path.is_file()).map(|path| (path.clone(), std::fs::read(path).expect("readable"))).collect()
}

#[test]
fn damage_in_the_log_gives_neither_a_panic_nor_a_value_never_written() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    let key = |number: u64| keys::key(b'm', &[&(number * 7919 % 1000).to_be_bytes()]);
    for block in 1..=40u8 {
        let mut batch = Batch::new();
        for number in 0..200u64 {
            // Each key has values of its own, so that one key's value at another is noticed.
            let mut value = [block; 64];
            value[..8].copy_from_slice(&number.to_be_bytes());
            batch.put(key(number), value);
        }
        store.apply(batch).expect("the store works");
        store.flush().expect("the store works");
    }
    drop(store);
    let blocks_of = |store: &dyn Store| -> Option<Vec<u8>> {
        let read = |number: u64| {
            let Ok(value) = store.get(&key(number)) else { return None };
            let Some(value) = value else { return Some(0) };
            assert!(value.len() == 64 && value[..8] == number.to_be_bytes(), "another key's value");
            let block = value[8];
            assert!((1..=40).contains(&block) && value[8..].iter().all(|byte| *byte == block), "never written");
            Some(block)
        };
        let blocks: Option<Vec<u8>> = (0..200).map(read).collect();
        let mut rows = 0;
        let visit = &mut |found: &[u8], _: &[u8]| {
            assert!((0..200).any(|number| key(number) == found), "a key that was never written");
            rows += 1;
            ControlFlow::Continue(())
        };
        let whole = store.scan(b"m", &[], visit).is_ok();
        assert!(rows <= 200);
        blocks.filter(|_| whole)
    };
    let sound = open(folder.path()).expect("undamaged");
    assert_eq!(blocks_of(&sound), Some(vec![40; 200]), "undamaged");
    drop(sound);
    let (mut refused, mut failed, mut older, mut whole) = (0, 0, 0, 0);
    with_damage(folder.path(), |piece| match open(folder.path()) {
        Err(error) => {
            assert!(matches!(error, OpenError::Corrupt { .. } | OpenError::Store(StoreError::Corrupt(_))), "{error}");
            refused += 1;
        }
        Ok(store) => match blocks_of(&store) {
            None => failed += 1,
            Some(blocks) if blocks == [40; 200] => {
                assert!(piece < PIECES, "nothing is lost though the log is damaged everywhere");
                whole += 1;
            }
            Some(_) => older += 1,
        },
    });
    let all = PIECES + 1;
    println!("of {all} damaged logs {refused} refused, {failed} fail reads, {older} lost writes, {whole} lost nothing");
    assert!(failed + older + whole > 0, "nothing was ever read");
}

/// A state on a damaged log is refused, fails, or is one that was committed, as verification says; never another.
#[test]
fn damage_in_the_log_never_gives_a_state_that_was_never_there() {
    use esker_runtime::state::{Account, AccountChange, ChangeSet, StateDb, StateReader};
    use std::sync::Arc;

    let folder = folder();
    let open_state = || StateDb::open(Arc::new(open(folder.path())?));
    let account = |block: u64| (block > 0).then(|| Account { nonce: block, ..Account::default() });
    let mut roots = Vec::new();
    let db = open_state().expect("opens");
    for block in 0..30u64 {
        let mut changes = ChangeSet::default();
        for number in 0..100 {
            let change =
                AccountChange { before: account(block), after: account(block + 1), storage: Default::default() };
            changes.accounts.insert(super::model::address(number), change);
        }
        let update = db.prepare(&changes, block).expect("fits");
        roots.push(update.root);
        db.commit(update, Batch::new()).expect("the store works");
    }
    drop(db);
    let (mut refused, mut found, mut sound) = (0, 0, 0);
    with_damage(folder.path(), |piece| {
        let Ok(db) = open_state() else {
            refused += 1;
            return;
        };
        let block = db.block_number();
        if db.verify().is_err() {
            found += 1;
            return;
        }
        sound += 1;
        assert!(piece < PIECES, "the log is damaged everywhere, and the state passes for sound");
        let block = block.unwrap_or_else(|| panic!("piece {piece}: the state is empty and passes for sound"));
        assert_eq!(Some(&db.root()), roots.get(block as usize), "piece {piece}: a root that was never committed");
        for number in 0..100 {
            assert_eq!(db.account(super::model::address(number)), Ok(account(block + 1)), "piece {piece}");
        }
    });
    println!("of {} damaged states {refused} refused, {found} found by verify, {sound} sound", PIECES + 1);
    assert!(sound > 0, "nothing was ever read");
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").expect("writable");
    let error = open(&file).expect_err("a file is no folder");
    assert!(matches!(&error, OpenError::Io { path, .. } if *path == file), "{error}");
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), "no folder", "left alone");
}

#[test]
fn a_folder_with_a_damaged_configuration_is_refused_without_a_panic() {
    let folder = folder();
    drop(open(folder.path()).expect("opens"));
    std::fs::write(folder.path().join("conf"), "nonsense of some length").expect("writable");
    let error = open(folder.path()).expect_err("damaged");
    assert!(matches!(error, OpenError::Corrupt { .. } | OpenError::Io { .. }), "{error}");
}
