//! The sled store's folder: reopened, shared, foreign, damaged.

use std::ops::ControlFlow;
use std::path::Path;

use esker_runtime::db::{Batch, MAX_VALUE_BYTES, OpenError, SledStore, Store, chunks, keys};

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

#[test]
fn damage_in_the_log_gives_neither_a_panic_nor_a_value_never_written() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    for block in 0..40u64 {
        let mut batch = Batch::new();
        for number in 0..200u64 {
            batch.put(keys::key(b'm', &[&(number * 7919 % 1000).to_be_bytes()]), [block as u8 + 1; 64]);
        }
        store.apply(batch).expect("the store works");
        store.flush().expect("the store works");
    }
    drop(store);
    let log = std::fs::read(folder.path().join("db")).expect("readable");
    let used = log.iter().rposition(|byte| *byte != 0).expect("not empty");
    let mut refused = 0;
    for step in 0..12 {
        let mut damaged = log.clone();
        let at = used / 12 * step + 17;
        damaged[at..at + 64].iter_mut().for_each(|byte| *byte ^= 0x5a);
        std::fs::write(folder.path().join("db"), &damaged).expect("writable");
        let Ok(store) = open(folder.path()) else {
            refused += 1;
            continue;
        };
        // What still reads is what was once written: sled checks every page that it reads.
        let visit = &mut |_: &[u8], value: &[u8]| {
            assert!(value.len() == 64 && value.iter().all(|byte| *byte == value[0]));
            ControlFlow::Continue(())
        };
        let _ = store.scan(b"m", &[], visit);
    }
    println!("{refused} of 12 damaged logs were refused on opening");
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
