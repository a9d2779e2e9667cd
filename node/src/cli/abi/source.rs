//! Where a contract's interface comes from: an artifact, an ABI file, or signatures as people write them.

use std::fs;
use std::path::{Path, PathBuf};

use alloy_dyn_abi::DynSolType;
use alloy_json_abi::{AbiItem, JsonAbi, Param};
use alloy_primitives::Bytes;
use clap::Args;
use serde_json::Value;

use super::super::failure::Failure;

/// Which interface to encode and decode with.
#[derive(Args, Clone, Debug, Default)]
pub struct InterfaceArgs {
    /// Take methods, events and errors from this artifact: a path, or a name looked up in artifacts/
    #[arg(long, value_name = "NAME|PATH")]
    pub artifact: Option<String>,

    /// Take methods, events and errors from an ABI file, or one signature like "event Paid(address indexed by)"
    ///
    /// May be given more than once; joins --artifact.
    #[arg(long, value_name = "PATH|SIGNATURE")]
    pub abi: Vec<String>,
}

impl InterfaceArgs {
    /// Everything named, in one interface; empty if nothing is named.
    ///
    /// # Errors
    /// If a file cannot be read or is neither artifact nor ABI, or a signature is none.
    pub fn load(&self) -> Result<JsonAbi, Failure> {
        let mut abi = match &self.artifact {
            Some(name) => Artifact::find(name)?.abi,
            None => JsonAbi::new(),
        };
        for given in &self.abi {
            if given.contains('(') && !Path::new(given).exists() {
                add_signature(&mut abi, given)?;
            } else {
                merge(&mut abi, read_abi(Path::new(given))?);
            }
        }
        Ok(abi)
    }

    /// Whether any interface was named.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.artifact.is_some() || !self.abi.is_empty()
    }
}

/// A compiled contract.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The contract's name.
    pub name: String,
    /// Its interface.
    pub abi: JsonAbi,
    /// What a creating transaction carries before the constructor's arguments; empty for an interface.
    pub bytecode: Bytes,
    /// The file it came from.
    pub path: PathBuf,
}

impl Artifact {
    /// Finds the artifact of that name or path: names are looked up in `artifacts/` here and in the folders above.
    ///
    /// # Errors
    /// If there is none, or the file is no artifact.
    pub fn find(name: &str) -> Result<Self, Failure> {
        let path = Path::new(name);
        if path.is_file() || name.ends_with(".json") || name.contains(std::path::MAIN_SEPARATOR) {
            return Self::read(path);
        }
        let mut names = Vec::new();
        let here = std::env::current_dir()
            .map_err(|error| Failure::infrastructure("the current folder cannot be found").because(error))?;
        for folder in here.ancestors().map(|folder| folder.join("artifacts")).filter(|folder| folder.is_dir()) {
            let exact = folder.join(format!("{name}.json"));
            if exact.is_file() {
                return Self::read(&exact);
            }
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut found: Vec<PathBuf> = entries
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
                .collect();
            found.sort();
            let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(path) = found.iter().find(|path| stem(path).eq_ignore_ascii_case(name)) {
                return Self::read(path);
            }
            names.extend(found.iter().map(|path| stem(path)));
        }
        let failure = Failure::usage(format!("there is no artifact {name:?}"));
        Err(if names.is_empty() {
            failure
                .because("no artifacts/ folder with a .json file lies here or above")
                .hint("build the contract with `esker contract build`, or give the path of its artifact")
        } else {
            failure.because(format!("artifacts/ holds {}", names.join(", "))).hint("give one of these, or a path")
        })
    }

    /// Reads the artifact at `path`: Esker's, Hardhat's or Foundry's.
    ///
    /// # Errors
    /// If the file cannot be read or is no artifact.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let json = read_json(path)?;
        let bad = |reason: String| {
            Failure::usage(format!("{} is no artifact", path.display()))
                .because(reason)
                .hint("an artifact is the JSON file that `esker contract build` writes")
        };
        let abi = json.get("abi").ok_or_else(|| bad("it has no member \"abi\"".to_owned()))?;
        let abi = parse_abi(abi).map_err(|reason| bad(format!("its \"abi\" is unusable: {reason}")))?;
        let bytecode = match json.get("bytecode") {
            Some(Value::Object(object)) => object.get("object"),
            other => other,
        };
        let bytecode = match bytecode {
            Some(Value::String(text)) => text.parse().map_err(|error| {
                bad(format!("its \"bytecode\" is no hexadecimal text ({error}); unlinked libraries?"))
            })?,
            None | Some(Value::Null) => Bytes::new(),
            Some(_) => return Err(bad("its \"bytecode\" is no text".to_owned())),
        };
        let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = json.get("contractName").and_then(Value::as_str).map_or_else(stem, str::to_owned);
        Ok(Self { name, abi, bytecode, path: path.to_owned() })
    }
}

fn parse_abi(value: &Value) -> Result<JsonAbi, String> {
    serde_json::from_value(value.clone()).map_err(|error| error.to_string())
}

fn read_json(path: &Path) -> Result<Value, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}", path.display())).because(error))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("{} is no JSON file", path.display())).because(error))
}

fn read_abi(path: &Path) -> Result<JsonAbi, Failure> {
    let json = read_json(path)?;
    let abi = if json.is_array() { Some(&json) } else { json.get("abi") };
    let abi = abi.map_or_else(|| Err("it is neither a list nor has a member \"abi\"".to_owned()), parse_abi);
    abi.map_err(|reason| Failure::usage(format!("{} is no ABI", path.display())).because(reason))
}

/// Adds `function …`, `event …`, `error …`, `constructor …` or a bare function signature.
fn add_signature(abi: &mut JsonAbi, signature: &str) -> Result<(), Failure> {
    let keywords = ["function", "event", "error", "constructor", "fallback", "receive"];
    let first = signature.trim_start().split(|character: char| !character.is_ascii_alphabetic()).next();
    let text = match first {
        Some(word) if keywords.contains(&word) => signature.trim().to_owned(),
        _ => format!("function {}", signature.trim()),
    };
    let item = AbiItem::parse(&text).map_err(|error| {
        Failure::usage(format!("{signature:?} is no signature")).because(one_line(&error.to_string())).hint(
            "write it like \"transfer(address,uint256)(bool)\" or \"event Paid(address indexed by, uint256 amount)\"",
        )
    })?;
    let bad_type = |reason: String| {
        Failure::usage(format!("{signature:?} is no signature")).because(reason).hint("check the names of its types")
    };
    let mut other = JsonAbi::new();
    other.functions.extend(match item {
        AbiItem::Function(function) => {
            let mut function = function.into_owned();
            canonical(function.inputs.iter_mut().chain(&mut function.outputs)).map_err(bad_type)?;
            Some((function.name.clone(), vec![function]))
        }
        AbiItem::Event(event) => {
            let mut event = event.into_owned();
            for param in &mut event.inputs {
                canonical_type(&mut param.ty, &mut param.components).map_err(bad_type)?;
            }
            other.events.insert(event.name.clone(), vec![event]);
            None
        }
        AbiItem::Error(error) => {
            let mut error = error.into_owned();
            canonical(&mut error.inputs).map_err(bad_type)?;
            other.errors.insert(error.name.clone(), vec![error]);
            None
        }
        AbiItem::Constructor(constructor) => {
            let mut constructor = constructor.into_owned();
            canonical(&mut constructor.inputs).map_err(bad_type)?;
            other.constructor = Some(constructor);
            None
        }
        AbiItem::Fallback(_) | AbiItem::Receive(_) => None,
    });
    merge(abi, other);
    Ok(())
}

fn merge(abi: &mut JsonAbi, other: JsonAbi) {
    abi.constructor = abi.constructor.take().or(other.constructor);
    for (name, items) in other.functions {
        abi.functions.entry(name).or_default().extend(items);
    }
    for (name, items) in other.events {
        abi.events.entry(name).or_default().extend(items);
    }
    for (name, items) in other.errors {
        abi.errors.entry(name).or_default().extend(items);
    }
}

/// Puts types as selectors spell them (`uint` is `uint256`): the parser of signatures takes any word for a type.
///
/// # Errors
/// Which type there is none of.
pub(super) fn canonical<'a>(params: impl IntoIterator<Item = &'a mut Param>) -> Result<(), String> {
    params.into_iter().try_for_each(|param| canonical_type(&mut param.ty, &mut param.components))
}

fn canonical_type(name: &mut String, components: &mut [Param]) -> Result<(), String> {
    if !components.is_empty() {
        return canonical(components);
    }
    let kind = DynSolType::parse(name).map_err(|_| format!("there is no type {name:?}"))?;
    *name = kind.sol_type_name().into_owned();
    Ok(())
}

/// A parser's drawing of where it stopped, as one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(abi: &[&str]) -> Result<JsonAbi, Failure> {
        InterfaceArgs { artifact: None, abi: abi.iter().map(ToString::to_string).collect() }.load()
    }

    #[test]
    fn signatures_of_every_kind_are_read() {
        let abi = load(&[
            "transfer(address,uint256)(bool)",
            "function transfer(address to) external view returns (uint256)",
            "event Paid(address indexed by, uint256 amount)",
            "error Broke(uint256)",
            "constructor(string name)",
        ])
        .expect("all are signatures");
        assert_eq!(abi.functions["transfer"].len(), 2);
        assert!(abi.events.contains_key("Paid") && abi.errors.contains_key("Broke") && abi.constructor.is_some());
        let abi = load(&["f(uint,(int,bytes)[2],uint8[])(byte)", "event E(uint indexed)"]);
        assert!(abi.is_err(), "byte is no type of the ABI");
        let abi = load(&["f(uint,(int,bytes)[2],uint8[])", "event E(uint indexed)"]).expect("all are types");
        assert_eq!(abi.functions["f"][0].signature(), "f(uint256,(int256,bytes)[2],uint8[])");
        assert_eq!(abi.events["E"][0].signature(), "E(uint256)");
    }

    #[test]
    fn what_is_no_signature_is_named() {
        let error = load(&["transfer(adress)"]).expect_err("there is no such type").to_string();
        assert!(error.contains("transfer(adress)"), "{error}");
        let error = load(&["/nonexistent.json"]).expect_err("there is no such file").to_string();
        assert!(error.contains("/nonexistent.json"), "{error}");
    }

    #[test]
    fn artifacts_of_three_tools_are_read_and_others_are_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("the temporary folder is writable");
            Artifact::read(&path)
        };
        let esker = write("Coin.json", r#"{"contractName":"Token","abi":[],"bytecode":"0x01"}"#).expect("an artifact");
        assert_eq!((esker.name.as_str(), esker.bytecode.as_ref()), ("Token", &[1u8][..]));
        let foundry = write("Coin2.json", r#"{"abi":[],"bytecode":{"object":"0x0102"}}"#).expect("an artifact");
        assert_eq!((foundry.name.as_str(), foundry.bytecode.len()), ("Coin2", 2));
        for text in ["{", "[]", r#"{"abi":5}"#, r#"{"abi":[],"bytecode":"0x__"}"#, r#"{"abi":[],"bytecode":7}"#] {
            let error = write("bad.json", text).expect_err(text);
            assert!(error.to_string().contains("bad.json"), "{error}");
        }
    }
}
