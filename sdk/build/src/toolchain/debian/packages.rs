//! Which packages make a compiler.

use std::collections::BTreeMap;

use super::apt::Apt;

/// The compiler's package and its source's, the preferred one first.
pub(super) const RUSTC_PACKAGES: &[(&str, &str)] = &[("rustc-web", "rust-web-src"), ("rustc", "rust-src")];

/// A package to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// Size of the download, in bytes.
    pub(super) size: u64,
    /// Whether it is the compiler's source.
    pub(super) is_source: bool,
}

/// The first compiler on offer that is new enough: its package, its version, its source's package.
pub(super) fn compiler(apt: &Apt) -> Option<(&'static str, String, &'static str)> {
    RUSTC_PACKAGES.iter().find_map(|&(rustc, source)| {
        let version = apt.candidate(rustc)?;
        is_new_enough(&version, env!("CARGO_PKG_RUST_VERSION")).then_some((rustc, version, source))
    })
}

/// Whether a Debian version's upstream part is at least `minimum` ("1.95").
fn is_new_enough(version: &str, minimum: &str) -> bool {
    let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
    let numbers = |text: &str| -> Vec<u32> {
        text.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse().ok()).take(2).collect()
    };
    numbers(upstream) >= numbers(minimum)
}

/// The compiler, its libraries, its source, and a linker where the machine has none. Says what is missing, otherwise.
pub(super) fn needed(apt: &Apt, with_linker: bool) -> Result<Vec<Package>, String> {
    let (rustc, version, source) = compiler(apt).ok_or("the compiler is no longer on offer")?;
    let mut found: BTreeMap<String, Package> = BTreeMap::new();
    let mut queue = vec![(source.to_owned(), version.clone()), (rustc.to_owned(), version)];
    while let Some((name, version)) = queue.pop() {
        if found.contains_key(&name) {
            continue;
        }
        let record = apt.show(&name, &version).ok_or_else(|| format!("{name} {version} is not on offer"))?;
        let size = field(&record, "Size").and_then(|size| size.parse().ok()).unwrap_or(0);
        for dependency in dependencies(&record) {
            if !is_wanted(&dependency.name) {
                continue;
            }
            let Some(version) = dependency.version.or_else(|| apt.candidate(&dependency.name)) else {
                return Err(format!("{}, which {name} needs, is not on offer", dependency.name));
            };
            if with_linker && let Some(llvm) = dependency.name.strip_prefix("libllvm") {
                let lld = format!("lld-{llvm}");
                if let Some(version) = apt.candidate(&lld) {
                    queue.push((lld, version));
                }
            }
            queue.push((dependency.name, version));
        }
        found.insert(name.clone(), Package { is_source: name == source, name, version, size });
    }
    Ok(found.into_values().collect())
}

/// Whether a dependency has to be unpacked: Rust's and LLVM's own libraries always (an installed one may be of another
/// version), other libraries where the system lacks them, programs never.
fn is_wanted(name: &str) -> bool {
    let own = name.starts_with("libstd-rust") || name.to_ascii_lowercase().starts_with("libllvm");
    let system = name.starts_with("libc6") || name == "libc-dev" || name.starts_with("libgcc");
    own || name.starts_with("lib") && !system && !Apt::is_installed(name)
        || name == "zlib1g" && !Apt::is_installed(name)
}

#[derive(Debug, PartialEq, Eq)]
struct Dependency {
    name: String,
    /// Where exactly one version will do.
    version: Option<String>,
}

/// The dependencies of a record, the first of each set of alternatives.
fn dependencies(record: &str) -> Vec<Dependency> {
    let list = field(record, "Depends").unwrap_or_default();
    let first_alternatives = list.split(',').filter_map(|entry| entry.split('|').next());
    first_alternatives
        .filter_map(|entry| {
            let mut words = entry.split_whitespace();
            let name = words.next()?.split(':').next()?.to_owned();
            let version = entry
                .split_once("(= ")
                .and_then(|(_, rest)| rest.split_once(')'))
                .map(|(version, _)| version.to_owned());
            Some(Dependency { name, version })
        })
        .collect()
}

fn field<'a>(record: &'a str, name: &str) -> Option<&'a str> {
    record.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "Package: libstd-rust-web-1.96\nVersion: 1.96.0+dfsg1-1\nSize: 21977620\n\
        Depends: libc6 (>= 2.34), libstd-rust-web-dev:any (= 1.96.0+dfsg1-1), gcc | clang, libllvm22\nSection: libs";

    #[test]
    fn a_record_gives_its_dependencies_with_pinned_versions() {
        let names: Vec<_> = dependencies(RECORD).into_iter().map(|d| (d.name, d.version)).collect();
        let pinned = Some("1.96.0+dfsg1-1".to_owned());
        assert_eq!(
            names,
            [
                ("libc6".to_owned(), None),
                ("libstd-rust-web-dev".to_owned(), pinned),
                ("gcc".to_owned(), None),
                ("libllvm22".to_owned(), None)
            ]
        );
        assert_eq!(field(RECORD, "Size"), Some("21977620"));
    }

    #[test]
    fn versions_compare_by_their_numbers() {
        assert!(is_new_enough("1.96.0+dfsg1-1~deb12u2", "1.95"));
        assert!(is_new_enough("1:1.100.0-1", "1.95"));
        assert!(is_new_enough("2.0", "1.95"));
        assert!(!is_new_enough("1.63.0+dfsg1-2", "1.95"));
        assert!(!is_new_enough("1.9", "1.95"));
        assert!(!is_new_enough("", "1.95"));
    }
}
