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
    /// A contract of the library, with its tests, by the name of its template.
    Library(&'static str),
}

/// The library's contracts that are templates: the template's name, and the folder's. Three have names of their own, since a
/// smaller template has theirs.
const LIBRARY_TEMPLATES: &[(&str, &str)] = &[
    ("amm-pair", "amm-pair"),
    ("board-game", "board-game"),
    ("collection", "nft"),
    ("crowdfunding", "crowdfunding"),
    ("erc1155", "erc1155"),
    ("erc4626", "vault"),
    ("escrow", "escrow"),
    ("governor", "governor"),
    ("lending-pool", "lending-pool"),
    ("lottery", "lottery"),
    ("merkle-airdrop", "merkle-airdrop"),
    ("multisig", "multisig"),
    ("payment-splitter", "payment-splitter"),
    ("prediction-market", "prediction-market"),
    ("price-feed", "price-feed"),
    ("staking-rewards", "staking-rewards"),
    ("supply-chain", "supply-chain"),
    ("timelock", "timelock"),
    ("vesting-stream", "vesting-stream"),
    ("votes-token", "token"),
    ("weth", "weth"),
];

impl Template {
    /// All of them.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let library = LIBRARY_TEMPLATES.iter().map(|(name, _)| Self::Library(name));
        [Self::Counter, Self::Token, Self::Nft, Self::Vault].into_iter().chain(library).collect()
    }

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Token => "token",
            Self::Nft => "nft",
            Self::Vault => "vault",
            Self::Library(name) => name,
        }
    }

    /// The template of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|template| template.name() == name)
    }

    /// What a crate of the name `module` begins with.
    fn content(self, module: &str) -> Content {
        let (source, tests) = match self {
            Self::Counter => {
                (include_str!("template/counter/lib.rs.txt"), include_str!("template/counter/behaviour.rs.txt"))
            }
            Self::Token => (include_str!("template/token/lib.rs.txt"), include_str!("template/token/behaviour.rs.txt")),
            Self::Nft => (include_str!("template/nft/lib.rs.txt"), include_str!("template/nft/behaviour.rs.txt")),
            Self::Vault => (include_str!("template/vault/lib.rs.txt"), include_str!("template/vault/behaviour.rs.txt")),
            Self::Library(name) => return Content::of_library(name, module),
        };
        let named = |text: &str| {
            text.replace("{Type}", &crate::pipeline::contract_name(module))
                .replace("{module}", module)
                .replace("{crate}", module)
        };
        Content {
            files: vec![("src/lib.rs".to_owned(), named(source)), ("tests/behaviour.rs".to_owned(), named(tests))],
            dependencies: vec!["esker-sdk".to_owned()],
            ..Content::default()
        }
    }
}

/// A new crate's files, beside its manifest, and the carried crates that it needs.
#[derive(Default)]
struct Content {
    /// Path below the crate's folder, and text.
    files: Vec<(String, String)>,
    dependencies: Vec<String>,
    /// For tests alone.
    dev_dependencies: Vec<String>,
    /// Lines of the manifest for tests' crates that come from the registry.
    from_registry: Vec<String>,
    /// What the manifest says of the contract's name, where the library's does.
    metadata: Option<String>,
}

impl Content {
    /// A contract of the library as it is, in a crate of another name.
    fn of_library(template: &str, module: &str) -> Self {
        let folder =
            LIBRARY_TEMPLATES.iter().find(|(name, _)| *name == template).map_or(template, |(_, folder)| folder);
        let (place, own) = (format!("contracts/{folder}"), format!("esker-{folder}"));
        let manifest: toml::Table = carried::text(&format!("{place}/Cargo.toml")).parse().unwrap_or_default();
        let keys = manifest.get("dependencies").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
        let mut content = Self { dependencies: keys.cloned().collect(), ..Self::default() };
        let named =
            manifest.get("package").and_then(|package| package.get("metadata")?.get("esker")?.get("name")?.as_str());
        content.metadata = named.map(|name| format!("\n[package.metadata.esker]\nname = \"{name}\"\n"));
        for (path, text) in carried::files_below(&place) {
            if path.starts_with("src/") {
                content.files.push((path.to_owned(), text.to_owned()));
            } else if path.starts_with("tests/") {
                content.add_test(path, text, &own, module);
            }
        }
        content.dev_dependencies.push("esker-sdk-test".to_owned());
        content.dev_dependencies.sort();
        content.dev_dependencies.dedup();
        content.from_registry.dedup();
        content
    }

    fn add_test(&mut self, path: &str, text: &str, own: &str, module: &str) {
        let in_code = |name: &str| format!("{}::", name.replace('-', "_"));
        self.files.push((path.to_owned(), text.replace(&in_code(own), &format!("{module}::"))));
        let others = carried::crates().keys().filter(|name| *name != own && text.contains(&in_code(name)));
        let dependencies = &self.dependencies;
        self.dev_dependencies.extend(others.filter(|name| !dependencies.contains(name)).cloned());
        if text.contains("secp256k1::") {
            self.from_registry.push(SECP256K1.to_owned());
        }
    }
}

/// What tests sign with.
const SECP256K1: &str = "secp256k1 = { version = \"0.31\", default-features = false, features = [\"std\", \"recovery\", \"global-context\"] }";

/// A new contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its folder.
    pub folder: PathBuf,
    /// A configuration file of cargo's that is there already and that lacks lines by which plain cargo, without
    /// `esker contract` before it, finds what is carried.
    pub unchanged: Option<PathBuf>,
    /// These lines.
    pub patches: Vec<String>,
}

/// Writes a contract crate called `name` into a new folder of that name below `parent`.
///
/// The crate is a workspace of its own unless a workspace's folder lies around it.
///
/// # Errors
/// [`TemplateError`]; an existing folder is left alone, and a new one is taken away again.
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
    let library = match sdk {
        SdkSource::Carried => None,
        SdkSource::At(path) => {
            let no_sdk = || TemplateError::NoSdk(path.to_owned());
            let path = path.canonicalize().map_err(|_| no_sdk())?;
            if !path.join("macros").is_dir() || !path.join("Cargo.toml").is_file() {
                return Err(no_sdk());
            }
            Some(path)
        }
    };
    let folder = parent.join(name);
    fs::create_dir_all(parent).map_err(failed(parent))?;
    let around = workspace_around(parent);
    match fs::create_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(TemplateError::Exists(folder)),
        other => other.map_err(failed(&folder))?,
    }
    let filled = fill(&folder, &template.content(&module), library.as_deref(), around.as_deref(), cache);
    if filled.is_err() {
        // Else the next attempt would find a folder that exists. That this fails as well is the lesser news.
        let _ = fs::remove_dir_all(&folder);
    }
    let (unchanged, patches) = filled?;
    Ok(Created { folder, unchanged, patches })
}

/// Writes a new crate's files. Gives cargo's configuration if it was left as it was, and the lines that it lacks.
fn fill(
    folder: &Path,
    content: &Content,
    library: Option<&Path>,
    around: Option<&Path>,
    cache: &CacheDir,
) -> Result<(Option<PathBuf>, Vec<String>), TemplateError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    write(&folder.join("Cargo.toml"), &manifest(&name, content, library, around.is_none()))?;
    for (path, text) in &content.files {
        write(&folder.join(path), text)?;
    }
    write(&folder.join(".gitignore"), "/target\n/artifacts\n/.esker\n")?;
    if library.is_some() {
        return Ok((None, Vec::new()));
    }
    let root = around.unwrap_or(folder);
    carried::link(root, cache, &Silent)?;
    if around.is_none() {
        // The versions that this SDK was tested with; cargo leaves out what the contract has no use for.
        write(&folder.join("Cargo.lock"), carried::text("Cargo.lock"))?;
    }
    // At the end: it may be a workspace's, where what was written before is not taken away.
    let (config, mut patches) = (root.join(".cargo/config.toml"), content.patches());
    if !config.exists() {
        write(&config, &configuration(&patches))?;
        return Ok((None, Vec::new()));
    }
    let text = fs::read_to_string(&config).unwrap_or_default();
    patches.retain(|line| !text.contains(line.as_str()));
    Ok((Some(config).filter(|_| !patches.is_empty()), patches))
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

/// Crates that contracts or their tests need, and names that cargo refuses.
const CRATES: &[&str] = &["alloc", "core", "proc_macro", "secp256k1", "std", "test"];

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

/// What the names of all carried crates begin with: a lock file cannot tell two of one name apart.
const CARRIED: &str = "esker_";

fn is_reserved(module: &str) -> bool {
    module.starts_with(CARRIED) || [KEYWORDS, CRATES, TYPES].iter().any(|names| names.contains(&module))
}

/// The folder of the workspace that `folder` lies in.
fn workspace_around(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let is_root = |folder: &&Path| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.parse::<toml::Table>().is_ok_and(|manifest| manifest.contains_key("workspace"))
    };
    folder.ancestors().find(is_root).map(Path::to_owned)
}

impl Content {
    /// The lines by which plain cargo finds what is carried.
    fn patches(&self) -> Vec<String> {
        let asked = self.dependencies.iter().chain(&self.dev_dependencies);
        let place = |name: &String| carried::crates().get(name).map(|place| patch(name, place));
        asked.filter_map(place).collect()
    }
}

fn patch(name: &str, place: &str) -> String {
    format!("{name} = {{ path = \"{}/{place}\" }}", carried::LINK)
}

/// The manifest. `sdk` is the folder of the SDK in a source tree, if it is not the carried one.
fn manifest(name: &str, content: &Content, sdk: Option<&Path>, standalone: bool) -> String {
    let dependency = |name: &String| match (sdk, carried::crates().get(name)) {
        (Some(sdk), Some(place)) => {
            let folder = match place.strip_prefix("sdk") {
                Some(below) => sdk.join(below.trim_start_matches('/')),
                None => sdk.parent().unwrap_or(sdk).join(place),
            };
            // JSON's strings are TOML's.
            format!("{name} = {{ path = {} }}\n", serde_json::Value::from(folder.to_string_lossy().as_ref()))
        }
        _ => format!("{name} = \"0.1\"\n"),
    };
    let mut text = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{}\n[lib]\ncrate-type = [\"cdylib\", \
         \"rlib\"]\n\n[dependencies]\n",
        content.metadata.as_deref().unwrap_or_default()
    );
    text.extend(content.dependencies.iter().map(dependency));
    if !content.dev_dependencies.is_empty() {
        text.push_str("\n[dev-dependencies]\n");
        text.extend(content.dev_dependencies.iter().map(dependency));
        text.extend(content.from_registry.iter().map(|line| format!("{line}\n")));
    }
    if standalone {
        text.push_str(
            "\n# Overflow ends a call on chain: it does so in tests as well, however they are built.\n\
             [profile.release]\noverflow-checks = true\n\n\
             # A workspace of its own, with its own lock file and target folder.\n[workspace]\n",
        );
    }
    text
}

/// The file by which plain cargo finds what is carried.
fn configuration(patches: &[String]) -> String {
    let kit = patch("esker-sdk-test", "sdk/test");
    let mut text = "\
# The `esker` program carries the sources of the SDK and of the contract library; every `esker contract` command puts them
# below `.esker`, which is no part of the repository. So that cargo finds them when nothing of `esker` runs before it:
[patch.crates-io]
".to_owned();
    text.extend(patches.iter().map(|line| format!("{line}\n")));
    if !patches.contains(&kit) {
        text.push_str(&format!(
            "# For tests that run as wasm on the real machine, with `esker-sdk-test = \"0.1\"` among the dev-dependencies:\n# {kit}\n"
        ));
    }
    text
}
