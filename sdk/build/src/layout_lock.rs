//! The lock file of a storage layout: `NAME.layout.json` beside a contract's Cargo.toml holds the layout that deployed
//! contracts keep their storage in, and a build refuses source that would read it otherwise.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::artifact::write_whole;
use crate::{StorageField, StorageLayout, StorageTypeEntry};

/// What a lock file's name ends with.
const ENDING: &str = ".layout.json";

/// What to do about the lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Compare if there is one.
    Compare,
    /// Compare if there is one, else write it.
    Create,
    /// Write it, whatever it said.
    Accept,
}

/// What was done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locked {
    /// There is none.
    Unlocked,
    /// It says the same.
    Same,
    /// These fields are new behind those that it knew; it knows them now.
    Appended(Vec<String>),
    /// It was written anew.
    Written,
}

/// The lock file cannot be used, or the layout is not the one that it holds.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The file system refused.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no layout.
    #[error("{} is no storage layout: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The folder's lock file is one of another name: the contract was renamed, and nothing would be compared.
    #[error(
        "{} locks the layout of this crate's contract, which is called {contract}: rename it to {contract}{ENDING}, or remove it if no \
         deployed storage has to be kept", found.display()
    )]
    Misnamed {
        /// The contract.
        contract: String,
        /// The file.
        found: PathBuf,
    },
    /// Contracts that are upgraded would read other fields than they wrote.
    #[error("the storage of {contract} no longer lies as {} says", path.display())]
    Incompatible {
        /// The contract.
        contract: String,
        /// The file.
        path: PathBuf,
        /// What differs.
        changes: Vec<Change>,
    },
}

/// Something that an upgrade would break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `moved`, `retyped`, `renamed`, `removed` or `inserted`.
    pub what: &'static str,
    /// The field.
    pub label: String,
    /// How it was, and how it is.
    pub detail: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:8}  {}: {}", self.what, self.label, self.detail)
    }
}

/// The lock file of the contract `name` in `folder`.
#[must_use]
pub fn lock_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{ENDING}"))
}

/// The first file in `folder` that is called like a lock file and holds a layout.
fn any_lock_file(folder: &Path) -> Result<Option<PathBuf>, LockError> {
    let failed = |source| LockError::Io { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ENDING)) {
            found.push(path);
        }
    }
    found.sort();
    let is_layout =
        |path: &PathBuf| fs::read(path).is_ok_and(|text| serde_json::from_slice::<StorageLayout>(&text).is_ok());
    Ok(found.into_iter().find(is_layout))
}

/// Compares a layout with its lock file, and brings the file up to date where that is harmless.
///
/// # Errors
/// [`LockError::Incompatible`] lists what an upgrade would break; the file stays as it was. [`LockError::Misnamed`] if there
/// is a lock file, but not of this name, unless the layout is accepted whatever it is.
pub fn lock_layout(folder: &Path, name: &str, layout: &StorageLayout, mode: LockMode) -> Result<Locked, LockError> {
    let path = lock_file(folder, name);
    let exists = path.exists();
    if !exists
        && mode != LockMode::Accept
        && let Some(found) = any_lock_file(folder)?
    {
        return Err(LockError::Misnamed { contract: name.to_owned(), found });
    }
    if (!exists && mode == LockMode::Create) || mode == LockMode::Accept {
        write(&path, layout)?;
        return Ok(Locked::Written);
    }
    if !exists {
        return Ok(Locked::Unlocked);
    }
    let text = fs::read_to_string(&path).map_err(|source| LockError::Io { path: path.clone(), source })?;
    let locked: StorageLayout = serde_json::from_str(&text)
        .map_err(|error| LockError::Malformed { path: path.clone(), reason: error.to_string() })?;
    let (changes, appended) = compare(&locked, layout);
    if !changes.is_empty() {
        return Err(LockError::Incompatible { contract: name.to_owned(), path, changes });
    }
    if locked == *layout {
        return Ok(Locked::Same);
    }
    write(&path, layout)?;
    Ok(if appended.is_empty() { Locked::Same } else { Locked::Appended(appended) })
}

fn write(path: &Path, layout: &StorageLayout) -> Result<(), LockError> {
    let failed = |source| LockError::Io { path: path.to_owned(), source };
    let mut json = serde_json::to_string_pretty(layout).expect("a layout is plain JSON");
    json.push('\n');
    write_whole(path, &json, 0o644).map_err(failed)
}

/// What differs to the worse, and the labels of fields that are merely new.
fn compare(old: &StorageLayout, new: &StorageLayout) -> (Vec<Change>, Vec<String>) {
    let mut changes = Vec::new();
    let mut known: Vec<&str> = Vec::new();
    let change = |what, field: &StorageField, detail| Change { what, label: field.label.clone(), detail };
    for field in &old.storage {
        if let Some(now) = new.storage.iter().find(|now| now.label == field.label) {
            known.push(&now.label);
            if place(field) != place(now) {
                changes.push(change("moved", field, format!("{} -> {}", shown(field), shown(now))));
            }
            if let Some(difference) = Comparison::of(old, new).difference(&field.kind, &now.kind, false) {
                let (before, after) = (label(old, &field.kind), label(new, &now.kind));
                let renamed = before != after;
                changes.push(change(
                    "retyped",
                    field,
                    if renamed { format!("{before} -> {after}") } else { difference },
                ));
            }
            continue;
        }
        let is_new = |now: &&StorageField| !old.storage.iter().any(|known| known.label == now.label);
        let heir = new.storage.iter().filter(is_new).find(|now| place(field) == place(now));
        match heir {
            Some(now) if Comparison::of(old, new).same(&field.kind, &now.kind) => {
                known.push(&now.label);
                changes.push(change("renamed", field, format!("now {}, at {}", now.label, shown(now))));
            }
            _ => changes.push(change("removed", field, format!("{} at {}", label(old, &field.kind), shown(field)))),
        }
    }
    let fresh: Vec<&StorageField> = new.storage.iter().filter(|field| !known.contains(&field.label.as_str())).collect();
    // What stands between others without moving any fills bytes that nobody wrote.
    if !changes.is_empty() {
        let end = old.storage.iter().map(order).max();
        let inserted = fresh.iter().filter(|field| Some(order(field)) <= end);
        changes.extend(
            inserted.map(|field| change("inserted", field, format!("{} at {}", label(new, &field.kind), shown(field)))),
        );
    }
    (changes, fresh.iter().map(|field| field.label.clone()).collect())
}

fn place(field: &StorageField) -> (&str, u64) {
    (&field.slot, field.offset)
}

/// Decimal numbers without leading zeros are in order by length, then by digits.
fn order(field: &StorageField) -> (usize, &str, u64) {
    (field.slot.len(), &field.slot, field.offset)
}

fn shown(field: &StorageField) -> String {
    if field.offset == 0 {
        format!("slot {}", field.slot)
    } else {
        format!("slot {} byte {}", field.slot, field.offset)
    }
}

fn label(layout: &StorageLayout, kind: &str) -> String {
    layout.types.get(kind).map_or_else(|| kind.to_owned(), |entry| entry.label.clone())
}

/// Compares types of two layouts.
struct Comparison<'a> {
    old: &'a StorageLayout,
    new: &'a StorageLayout,
    /// Pairs that are being compared, and whether they may grow: a struct may hold a list of its own kind. That one may
    /// grow as a mapping's value says nothing of it as the list's element.
    around: Vec<(String, String, bool)>,
}

impl<'a> Comparison<'a> {
    const fn of(old: &'a StorageLayout, new: &'a StorageLayout) -> Self {
        Self { old, new, around: Vec::new() }
    }

    fn same(&mut self, before: &str, after: &str) -> bool {
        self.difference(before, after, false).is_none()
    }

    /// How the types lie differently, if they do. `may_grow`: nothing lies behind them, as behind a mapping's value.
    fn difference(&mut self, before: &str, after: &str, may_grow: bool) -> Option<String> {
        let pair = (before.to_owned(), after.to_owned(), may_grow);
        if self.around.contains(&pair) {
            return None;
        }
        let (Some(one), Some(other)) = (self.old.types.get(before), self.new.types.get(after)) else {
            return Some(format!("{before} -> {after}, one of which the layout does not describe"));
        };
        self.around.push(pair);
        let difference = match (&one.members, &other.members, &one.value, &other.value, &one.base, &other.base) {
            _ if one.encoding != other.encoding => Some(format!("{} -> {}", one.label, other.label)),
            (Some(was), Some(is), ..) => self.difference_of_members(one, was, other, is, may_grow),
            (None, None, Some(value), Some(other_value), ..) => {
                let keys = one.key.as_deref().zip(other.key.as_deref());
                keys.and_then(|(key, other_key)| self.difference(key, other_key, false))
                    .or_else(|| self.difference(value, other_value, true))
            }
            (None, None, .., Some(base), Some(other_base)) => {
                let length = |kind: &str| kind.rsplit(')').next().map(str::to_owned);
                let resized = one.encoding == "inplace" && length(before) != length(after);
                let resized = resized.then(|| format!("{} -> {}", one.label, other.label));
                resized.or_else(|| self.difference(base, other_base, false))
            }
            _ => difference_of_values(one, other),
        };
        self.around.pop();
        difference
    }

    fn difference_of_members(
        &mut self,
        one: &StorageTypeEntry,
        was: &[StorageField],
        other: &StorageTypeEntry,
        is: &[StorageField],
        may_grow: bool,
    ) -> Option<String> {
        for (index, was) in was.iter().enumerate() {
            let of = format!("{}.{}", one.label, was.label);
            let Some(is) = is.get(index) else { return Some(format!("{of} is gone")) };
            if was.label != is.label || place(was) != place(is) {
                return Some(format!("{of} at {} -> {} at {}", shown(was), is.label, shown(is)));
            }
            if let Some(difference) = self.difference(&was.kind, &is.kind, false) {
                return Some(format!("{of}: {difference}"));
            }
        }
        let (before, after) = (&one.number_of_bytes, &other.number_of_bytes);
        (!may_grow && before != after)
            .then(|| format!("{} takes {after} bytes instead of {before}, and others lie behind it", one.label))
    }
}

/// Of an enum, variants may come behind those that there were. A lock file of before variants were written down says
/// nothing of them.
fn difference_of_values(one: &StorageTypeEntry, other: &StorageTypeEntry) -> Option<String> {
    let beside = |entry: &StorageTypeEntry| StorageTypeEntry { variants: None, ..entry.clone() };
    if beside(one) != beside(other) || (one.variants.is_some() && other.variants.is_none()) {
        return Some(format!("{} -> {}", one.label, other.label));
    }
    let (was, is) = one.variants.as_ref().zip(other.variants.as_ref())?;
    (!is.starts_with(was))
        .then(|| format!("the variants of {} were {}, now {}", one.label, was.join(", "), is.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(label: &str, slot: u64, offset: u64, kind: &str) -> StorageField {
        let (contract, label) = ("src/lib.rs:T".to_owned(), label.to_owned());
        StorageField { contract, label, offset, slot: slot.to_string(), kind: kind.to_owned() }
    }

    fn entry(encoding: &str, label: &str, bytes: u64) -> StorageTypeEntry {
        StorageTypeEntry {
            encoding: encoding.to_owned(),
            label: label.to_owned(),
            number_of_bytes: bytes.to_string(),
            key: None,
            value: None,
            base: None,
            members: None,
            variants: None,
        }
    }

    /// A layout with a struct of `members` in a mapping, in a list and by itself.
    fn layout(fields: &[(&str, u64, u64, &str)], members: &[(&str, u64, u64, &str)]) -> StorageLayout {
        let of = |fields: &[(&str, u64, u64, &str)]| -> Vec<StorageField> {
            fields.iter().map(|(label, slot, offset, kind)| field(label, *slot, *offset, kind)).collect()
        };
        let slots = members.iter().map(|(_, slot, ..)| slot + 1).max().unwrap_or(1);
        let structure = "t_struct(S)1_storage";
        let types = [
            ("t_uint256", entry("inplace", "uint256", 32)),
            ("t_uint64", entry("inplace", "uint64", 8)),
            ("t_address", entry("inplace", "address", 20)),
            (structure, StorageTypeEntry { members: Some(of(members)), ..entry("inplace", "struct S", 32 * slots) }),
            (
                "t_mapping(t_uint256,S)",
                StorageTypeEntry {
                    key: Some("t_uint256".to_owned()),
                    value: Some(structure.to_owned()),
                    ..entry("mapping", "mapping(uint256 => struct S)", 32)
                },
            ),
            (
                "t_array(S)dyn_storage",
                StorageTypeEntry { base: Some(structure.to_owned()), ..entry("dynamic_array", "struct S[]", 32) },
            ),
        ];
        let types = types.into_iter().map(|(key, entry)| (key.to_owned(), entry)).collect();
        StorageLayout { storage: of(fields), types }
    }

    fn changes(old: &StorageLayout, new: &StorageLayout) -> Vec<String> {
        compare(old, new).0.iter().map(ToString::to_string).collect()
    }

    const MEMBERS: &[(&str, u64, u64, &str)] = &[("a", 0, 0, "t_uint256")];

    #[test]
    fn every_change_is_named() {
        let old = layout(
            &[("x", 0, 0, "t_uint64"), ("y", 0, 8, "t_uint64"), ("z", 1, 0, "t_uint256"), ("o", 2, 0, "t_address")],
            MEMBERS,
        );
        let new = layout(
            &[("y", 0, 0, "t_uint64"), ("n", 1, 0, "t_uint256"), ("w", 2, 0, "t_uint64"), ("o", 3, 0, "t_uint256")],
            MEMBERS,
        );
        assert_eq!(
            changes(&old, &new),
            [
                "removed   x: uint64 at slot 0",
                "moved     y: slot 0 byte 8 -> slot 0",
                "renamed   z: now n, at slot 1",
                "moved     o: slot 2 -> slot 3",
                "retyped   o: address -> uint256",
                "inserted  w: uint64 at slot 2",
            ]
        );
    }

    #[test]
    fn an_enums_variants_keep_their_numbers() {
        let of = |variants: Option<&[&str]>| {
            let mut layout = layout(&[("side", 0, 0, "t_enum(Side)"), ("next", 0, 1, "t_uint64")], MEMBERS);
            let variants = variants.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            let side = StorageTypeEntry { variants, ..entry("inplace", "enum Side", 1) };
            layout.types.insert("t_enum(Side)".to_owned(), side);
            layout
        };
        let old = of(Some(&["Buy", "Sell"]));
        assert_eq!(
            changes(&old, &of(Some(&["Sell", "Buy"]))),
            ["retyped   side: the variants of enum Side were Buy, Sell, now Sell, Buy"]
        );
        assert_eq!(changes(&old, &of(Some(&["Buy"]))).len(), 1);
        // Also where the enum is a list's.
        let mut listed = [old.clone(), of(Some(&["Buy"]))];
        for layout in &mut listed {
            let base = Some("t_enum(Side)".to_owned());
            let list = StorageTypeEntry { base, ..entry("dynamic_array", "enum Side[]", 32) };
            layout.types.insert("t_array(t_enum(Side))dyn_storage".to_owned(), list);
            layout.storage = vec![field("sides", 0, 0, "t_array(t_enum(Side))dyn_storage")];
        }
        let [before, after] = &listed;
        assert_eq!(changes(before, after), ["retyped   sides: the variants of enum Side were Buy, Sell, now Buy"]);
        assert_eq!(compare(&old, &of(Some(&["Buy", "Sell", "Hold"]))), (Vec::new(), Vec::new()));
        // What an older build wrote.
        assert_eq!(compare(&of(None), &old), (Vec::new(), Vec::new()));
    }

    #[test]
    fn what_is_appended_harms_nothing() {
        let old = layout(&[("x", 0, 0, "t_uint64"), ("z", 1, 0, "t_uint256")], MEMBERS);
        let new = layout(
            &[("x", 0, 0, "t_uint64"), ("gap", 0, 8, "t_uint64"), ("z", 1, 0, "t_uint256"), ("end", 2, 0, "t_address")],
            MEMBERS,
        );
        assert_eq!(compare(&old, &new), (Vec::new(), vec!["gap".to_owned(), "end".to_owned()]));
        assert_eq!(compare(&old, &old), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_struct_may_grow_where_nothing_lies_behind_it() {
        let grown: &[_] = &[("a", 0, 0, "t_uint256"), ("b", 1, 0, "t_uint64")];
        let changed: &[_] = &[("a", 0, 0, "t_uint64")];
        for (kind, may_grow) in
            [("t_mapping(t_uint256,S)", true), ("t_array(S)dyn_storage", false), ("t_struct(S)1_storage", false)]
        {
            let fields = [("s", 0, 0, kind)];
            let old = layout(&fields, MEMBERS);
            assert_eq!(changes(&old, &layout(&fields, grown)).is_empty(), may_grow, "{kind}");
            let refused = changes(&old, &layout(&fields, changed));
            assert_eq!(refused, ["retyped   s: struct S.a: uint256 -> uint64"], "{kind}");
            assert!(!changes(&layout(&fields, grown), &old).is_empty(), "{kind} shrank");
        }
        // Room that the struct has anyway may be used everywhere.
        let half: &[_] = &[("a", 0, 0, "t_uint64")];
        let whole: &[_] = &[("a", 0, 0, "t_uint64"), ("b", 0, 8, "t_uint64")];
        let fields = [("s", 0, 0, "t_array(S)dyn_storage")];
        assert!(changes(&layout(&fields, half), &layout(&fields, whole)).is_empty());
    }

    #[test]
    fn a_struct_that_lies_in_a_list_of_its_own_does_not_grow_as_a_mappings_value() {
        for (own, may_grow) in [("t_array(S)dyn_storage", false), ("t_mapping(t_uint256,S)", true)] {
            let members: &[_] = &[("a", 0, 0, "t_uint256"), ("children", 1, 0, own)];
            let grown: &[_] = &[("a", 0, 0, "t_uint256"), ("children", 1, 0, own), ("b", 2, 0, "t_uint64")];
            let fields = [("s", 0, 0, "t_mapping(t_uint256,S)")];
            let old = layout(&fields, members);
            assert_eq!(changes(&old, &layout(&fields, grown)).is_empty(), may_grow, "{own}");
            assert!(changes(&old, &old).is_empty(), "{own}");
        }
    }

    #[test]
    fn the_file_is_written_when_asked_for_and_follows_what_is_harmless() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let lock = |layout: &StorageLayout, mode| lock_layout(folder.path(), "T", layout, mode);
        let first = layout(&[("x", 0, 0, "t_uint256")], MEMBERS);
        let second = layout(&[("x", 0, 0, "t_uint256"), ("y", 1, 0, "t_uint256")], MEMBERS);
        assert_eq!(lock(&first, LockMode::Compare).expect("nothing to compare with"), Locked::Unlocked);
        assert!(!lock_file(folder.path(), "T").exists());
        assert_eq!(lock(&first, LockMode::Create).expect("written"), Locked::Written);
        assert_eq!(lock(&first, LockMode::Create).expect("compared"), Locked::Same);
        assert_eq!(lock(&second, LockMode::Compare).expect("appended"), Locked::Appended(vec!["y".to_owned()]));
        assert_eq!(lock(&second, LockMode::Compare).expect("kept"), Locked::Same);
        let error = lock(&first, LockMode::Compare).expect_err("y is gone");
        assert!(matches!(&error, LockError::Incompatible { changes, .. } if changes.len() == 1), "{error}");
        assert!(lock(&first, LockMode::Create).is_err());
        assert_eq!(lock(&second, LockMode::Compare).expect("the refusal changed nothing"), Locked::Same);
        assert_eq!(lock(&first, LockMode::Accept).expect("accepted"), Locked::Written);
        assert_eq!(lock(&first, LockMode::Compare).expect("compared"), Locked::Same);
        fs::write(lock_file(folder.path(), "T"), "{}").expect("written");
        assert!(matches!(lock(&first, LockMode::Compare), Err(LockError::Malformed { .. })));
        let names: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    #[test]
    fn a_lock_file_of_another_name_is_not_overlooked() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let lock = |name: &str, layout: &StorageLayout, mode| lock_layout(folder.path(), name, layout, mode);
        let first = layout(&[("x", 0, 0, "t_uint256")], MEMBERS);
        let second = layout(&[("y", 0, 0, "t_uint64")], MEMBERS);
        // What only looks like one is not the SDK's.
        fs::write(folder.path().join("page.layout.json"), "{\"grid\": 2}").expect("written");
        assert_eq!(lock("Old", &first, LockMode::Create).expect("written"), Locked::Written);
        for mode in [LockMode::Compare, LockMode::Create] {
            let error = lock("New", &second, mode).expect_err("it was renamed");
            assert!(matches!(&error, LockError::Misnamed { .. }), "{error}");
            let words = error.to_string();
            assert!(words.contains("Old.layout.json") && words.contains("rename it to New.layout.json"), "{words}");
        }
        assert!(!lock_file(folder.path(), "New").exists());
        fs::rename(lock_file(folder.path(), "Old"), lock_file(folder.path(), "New")).expect("renamed");
        assert!(matches!(lock("New", &second, LockMode::Compare), Err(LockError::Incompatible { .. })));
        assert_eq!(lock("New", &first, LockMode::Compare).expect("as it was"), Locked::Same);
        assert_eq!(lock("Other", &second, LockMode::Accept).expect("accepted"), Locked::Written);
    }

    /// Several builds may write it at a time, and none takes what another has begun.
    #[test]
    fn an_unfinished_file_is_each_writers_own() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = lock_file(folder.path(), "T");
        // A file of a fixed name could be there, as a link to anywhere or as a folder.
        fs::create_dir(folder.path().join("T.layout.json.new")).expect("made");
        write(&path, &layout(&[("x", 0, 0, "t_uint256")], MEMBERS)).expect("written");
        assert!(path.is_file());
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    }
}
