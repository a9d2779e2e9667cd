//! `esker contract new`: a contract to begin with.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{CacheDir, CacheError, Silent, carried};

/// A new contract could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The name cannot be a crate's.
    #[error("{0:?} cannot be a contract's name: use lowercase letters, digits, `-` and `_`, beginning with a letter")]
    Name(String),
    /// The name means something else already.
    #[error("{0:?} cannot be a contract's name: Rust, or the SDK, means something else by it")]
    Reserved(String),
    /// The folder exists.
    #[error("{} exists already: nothing was changed", .0.display())]
    Exists(PathBuf),
    /// The SDK's folder is not where the caller says.
    #[error("there is no esker-sdk at {}: give the `sdk` folder of Esker's source", .0.display())]
    NoSdk(PathBuf),
    /// The carried SDK could not be unpacked.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The file system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Where a new contract's SDK comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdkSource<'a> {
    /// The manifest asks the registry for it, and gets what this program carries.
    Carried,
    /// The folder `sdk` of Esker's source tree.
    At(&'a Path),
}

/// What a new contract does to begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Template {
    /// Counts, for its owner and others.
    #[default]
    Counter,
    /// A fungible token (ERC-20) of which its owner may make more.
    Token,
    /// A collection of non-fungible tokens (ERC-721) that are for sale.
    Nft,
    /// Keeps coins for whoever pays them in.
    Vault,
}

impl Template {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Counter, Self::Token, Self::Nft, Self::Vault];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Token => "token",
            Self::Nft => "nft",
            Self::Vault => "vault",
        }
    }

    /// The template of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.name() == name)
    }

    /// The library, and its tests.
    const fn files(self) -> (&'static str, &'static str) {
        match self {
            Self::Counter => {
                (include_str!("template/counter/lib.rs.txt"), include_str!("template/counter/behaviour.rs.txt"))
            }
            Self::Token => (include_str!("template/token/lib.rs.txt"), include_str!("template/token/behaviour.rs.txt")),
            Self::Nft => (include_str!("template/nft/lib.rs.txt"), include_str!("template/nft/behaviour.rs.txt")),
            Self::Vault => (include_str!("template/vault/lib.rs.txt"), include_str!("template/vault/behaviour.rs.txt")),
        }
    }
}

/// A new contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its folder.
    pub folder: PathBuf,
    /// A configuration file of cargo's that is there already and that lacks the lines by which plain cargo, without
    /// `esker contract` before it, finds the carried SDK.
    pub unchanged: Option<PathBuf>,
}

/// Writes a contract crate called `name` into a new folder of that name below `parent`.
///
/// The crate is a workspace of its own unless a workspace's folder lies around it.
///
/// # Errors
/// [`TemplateError`]; an existing folder is left alone.
pub fn create(
    parent: &Path,
    name: &str,
    template: Template,
    sdk: SdkSource<'_>,
    cache: &CacheDir,
) -> Result<Created, TemplateError> {
    let first_is_letter = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if !first_is_letter || !name.bytes().all(plain) {
        return Err(TemplateError::Name(name.to_owned()));
    }
    let module = name.replace('-', "_");
    if is_reserved(&module) {
        return Err(TemplateError::Reserved(name.to_owned()));
    }
    let dependency = match sdk {
        SdkSource::Carried => "\"0.1\"".to_owned(),
        SdkSource::At(path) => {
            let no_sdk = || TemplateError::NoSdk(path.to_owned());
            let path = path.canonicalize().map_err(|_| no_sdk())?;
            if !path.join("macros").is_dir() || !path.join("Cargo.toml").is_file() {
                return Err(no_sdk());
            }
            // JSON's strings are TOML's.
            format!("{{ path = {} }}", serde_json::Value::from(path.to_string_lossy().as_ref()))
        }
    };
    let folder = parent.join(name);
    fs::create_dir_all(parent).map_err(failed(parent))?;
    let around = workspace_around(parent);
    match fs::create_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(TemplateError::Exists(folder)),
        other => other.map_err(failed(&folder))?,
    }
    let named = |text: &str| {
        text.replace("{Type}", &crate::pipeline::contract_name(&module))
            .replace("{module}", &module)
            .replace("{crate}", &module)
    };
    write(&folder.join("Cargo.toml"), &manifest(name, &dependency, around.is_none()))?;
    let (source, tests) = template.files();
    write(&folder.join("src/lib.rs"), &named(source))?;
    write(&folder.join("tests/behaviour.rs"), &named(tests))?;
    write(&folder.join(".gitignore"), "/target\n/artifacts\n/.esker\n")?;
    let mut unchanged = None;
    if sdk == SdkSource::Carried {
        let root = around.as_deref().unwrap_or(&folder);
        let config = root.join(".cargo/config.toml");
        if !config.exists() {
            write(&config, CONFIG)?;
        } else if !fs::read_to_string(&config).is_ok_and(|text| text.contains(carried::LINK)) {
            unchanged = Some(config);
        }
        if around.is_none() {
            // The versions that this SDK was tested with; cargo leaves out what the contract has no use for.
            write(&folder.join("Cargo.lock"), carried::text("Cargo.lock"))?;
        }
        carried::link(root, cache, &Silent)?;
    }
    Ok(Created { folder, unchanged })
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> TemplateError {
    move |source| TemplateError::Io { path: path.to_owned(), source }
}

fn write(path: &Path, content: &str) -> Result<(), TemplateError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed(parent))?;
    }
    fs::write(path, content).map_err(failed(path))
}

/// Rust's words, with `-` written `_`: none can be a module's name.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Crates that everything needs, and names that cargo refuses.
const CRATES: &[&str] = &["alloc", "core", "esker_abi", "esker_sdk", "proc_macro", "std", "test"];

/// Names whose type, or whose module, a template has another meaning for.
const TYPES: &[&str] = &[
    "address",
    "approval",
    "approval_for_all",
    "cell",
    "changed",
    "context",
    "deposited",
    "error",
    "fixed_bytes",
    "map",
    "string",
    "text",
    "transfer",
    "u256",
    "vec",
    "withdrawn",
];

fn is_reserved(module: &str) -> bool {
    [KEYWORDS, CRATES, TYPES].iter().any(|names| names.contains(&module))
}

/// The folder of the workspace that `folder` lies in.
fn workspace_around(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let is_root = |folder: &&Path| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line.trim() == "[workspace]")
    };
    folder.ancestors().find(is_root).map(Path::to_owned)
}

fn manifest(name: &str, sdk: &str, standalone: bool) -> String {
    let root = "\n# Overflow ends a call on chain: it does so in tests as well, however they are built.\n\
        [profile.release]\noverflow-checks = true\n\n\
        # A workspace of its own, with its own lock file and target folder.\n[workspace]\n";
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\n\
         [dependencies]\nesker-sdk = {sdk}\n{}",
        if standalone { root } else { "" }
    )
}

/// The lines by which plain cargo finds the carried SDK.
const CONFIG: &str = "\
# The `esker` program carries the sources of the SDK; every `esker contract` command puts them below `.esker`, which is no
# part of the repository. So that cargo finds them when nothing of `esker` runs before it:
[patch.crates-io]
esker-sdk = { path = \".esker/sdk/sdk\" }
# For tests that run as wasm on the real machine, with `esker-sdk-test = \"0.1\"` among the dev-dependencies:
# esker-sdk-test = { path = \".esker/sdk/sdk/test\" }
";
