//! `esker contract new`: a contract to begin with.

use std::fs;
use std::path::{Path, PathBuf};

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
    /// The file system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Writes a contract crate called `name` into a new folder of that name below `parent`, and gives the folder.
///
/// The crate depends on the SDK in the folder `sdk`. It is a workspace of its own unless a workspace's folder lies
/// around it.
///
/// # Errors
/// [`TemplateError`]; an existing folder is left alone.
pub fn create(parent: &Path, name: &str, sdk: &Path) -> Result<PathBuf, TemplateError> {
    let first_is_letter = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if !first_is_letter || !name.bytes().all(plain) {
        return Err(TemplateError::Name(name.to_owned()));
    }
    let module = name.replace('-', "_");
    if is_reserved(&module) {
        return Err(TemplateError::Reserved(name.to_owned()));
    }
    let sdk = sdk.canonicalize().map_err(|_| TemplateError::NoSdk(sdk.to_owned()))?;
    if !sdk.join("macros").is_dir() || !sdk.join("Cargo.toml").is_file() {
        return Err(TemplateError::NoSdk(sdk));
    }
    let folder = parent.join(name);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TemplateError::Io { path, source }
    };
    fs::create_dir_all(parent).map_err(failed(parent))?;
    match fs::create_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(TemplateError::Exists(folder)),
        other => other.map_err(failed(&folder))?,
    }
    let named = |text: &str| {
        text.replace("{Type}", &crate::pipeline::contract_name(&module))
            .replace("{module}", &module)
            .replace("{crate}", &module)
    };
    let files = [
        ("Cargo.toml", manifest(name, &sdk, !inside_workspace(parent))),
        ("src/lib.rs", named(SOURCE)),
        ("tests/behaviour.rs", named(TESTS)),
        (".gitignore", "/target\n/artifacts\n".to_owned()),
    ];
    for (file, content) in files {
        let path = folder.join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        fs::write(&path, content).map_err(failed(&path))?;
    }
    Ok(folder)
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

/// Names whose type the template has another meaning for.
const TYPES: &[&str] = &["address", "cell", "changed", "context", "error", "u256"];

fn is_reserved(module: &str) -> bool {
    [KEYWORDS, CRATES, TYPES].iter().any(|names| names.contains(&module))
}

/// Whether a folder at or above `folder` holds a workspace's manifest.
fn inside_workspace(folder: &Path) -> bool {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.ancestors().any(|folder| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line.trim() == "[workspace]")
    })
}

fn manifest(name: &str, sdk: &Path, standalone: bool) -> String {
    let workspace = if standalone {
        "\n# A workspace of its own, with its own lock file and target folder.\n[workspace]\n"
    } else {
        ""
    };
    // JSON's strings are TOML's.
    let path = serde_json::Value::from(sdk.to_string_lossy().as_ref());
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\n\
         [dependencies]\nesker-sdk = {{ path = {path} }}\n{workspace}"
    )
}

const SOURCE: &str = include_str!("template/lib.rs.txt");
const TESTS: &str = include_str!("template/behaviour.rs.txt");
