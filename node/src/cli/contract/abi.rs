//! `esker contract abi`.

use alloy_json_abi::{JsonAbi, StateMutability};
use clap::Args;
use esker_sdk_build::{Artifact, ContractAbi, InterfaceError, NatSpec, solidity, typescript};
use serde_json::{Value, json};

use super::source::ContractSource;
use crate::cli::answer::{Answer, printable};
use crate::cli::failure::Failure;

/// `esker contract abi`.
#[derive(Args, Clone, Debug)]
pub(super) struct AbiArgs {
    #[command(flatten)]
    source: ContractSource,

    /// Print it as a list of signatures (text), the JSON ABI (json), a Solidity interface, or a TypeScript module for viem
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json", "solidity", "typescript"])]
    format: String,
}

pub(super) fn run(args: &AbiArgs) -> Result<Answer, Failure> {
    let (name, items, docs) = items(&args.source)?;
    let malformed = |error: InterfaceError| Failure::failed(error.to_string());
    let written = match args.format.as_str() {
        "json" => Some(serde_json::to_string_pretty(&items).unwrap_or_else(|_| items.to_string())),
        "solidity" => Some(solidity(&name, &items, &docs).map_err(malformed)?),
        "typescript" => Some(typescript(&name, &items, &docs).map_err(malformed)?),
        _ => None,
    };
    if let Some(text) = written {
        let text = text.trim_end();
        let mut json = json!({"contractName": name, "format": args.format, "text": text, "abi": items});
        add_docs(&mut json, &docs);
        return Ok(Answer::new(text, json));
    }
    let abi: JsonAbi = serde_json::from_value(items.clone())
        .map_err(|error| Failure::failed("its ABI is not one that Ethereum tools read").because(error))?;
    let mut json = json!({"contractName": name, "abi": items});
    add_docs(&mut json, &docs);
    Ok(Answer::new(signatures(&abi), json))
}

/// `userdoc` and `devdoc`, where they are known.
fn add_docs(json: &mut Value, docs: &NatSpec) {
    for (key, docs) in [("userdoc", &docs.user), ("devdoc", &docs.dev)] {
        if !docs.is_null() {
            json[key] = docs.clone();
        }
    }
}

/// The contract's name, its ABI and its documentation, which a module does not carry.
fn items(source: &ContractSource) -> Result<(String, Value, NatSpec), Failure> {
    // An artifact says it in its own words, also when the module inside carries none.
    if source.path.extension().is_some_and(|extension| extension == "json") && source.path.is_file() {
        let artifact = Artifact::read(&source.path).map_err(|error| Failure::usage(error.to_string()))?;
        return Ok((artifact.contract_name, artifact.abi, artifact.docs));
    }
    if let Some(built) = source.built()? {
        return Ok((built.artifact.contract_name, built.artifact.abi, built.artifact.docs));
    }
    let wasm = source.wasm()?;
    let abi =
        ContractAbi::read(&wasm).map_err(|reason| Failure::failed("its ABI section is invalid").because(reason))?;
    let file = source.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    abi.map(|abi| (abi.name.unwrap_or(file), abi.items, NatSpec::default())).ok_or_else(|| {
        Failure::failed(format!("{} carries no ABI", source.path.display())).hint("a `#[contract] mod` gives one")
    })
}

/// One line an item, as Solidity's interfaces have them.
fn signatures(abi: &JsonAbi) -> String {
    let mut lines = Vec::new();
    let parameters = |inputs: &[alloy_json_abi::Param]| {
        let shown =
            inputs.iter().map(|input| format!("{} {}", input.selector_type(), input.name).trim_end().to_owned());
        shown.collect::<Vec<_>>().join(", ")
    };
    if let Some(constructor) = &abi.constructor {
        let payable = if constructor.state_mutability == StateMutability::Payable { " payable" } else { "" };
        lines.push(format!("constructor({}){payable}", parameters(&constructor.inputs)));
    }
    for function in abi.functions() {
        let mutability = match function.state_mutability {
            StateMutability::NonPayable => "",
            StateMutability::Pure => " pure",
            StateMutability::View => " view",
            StateMutability::Payable => " payable",
        };
        let outputs = parameters(&function.outputs);
        let returns = if outputs.is_empty() { String::new() } else { format!(" returns ({outputs})") };
        let selector = function.selector();
        lines.push(format!(
            "{selector}  function {}({}){mutability}{returns}",
            function.name,
            parameters(&function.inputs)
        ));
    }
    if abi.fallback.is_some() {
        lines.push("fallback()".to_owned());
    }
    if abi.receive.is_some() {
        lines.push("receive() payable".to_owned());
    }
    for event in abi.events() {
        let inputs = event.inputs.iter().map(|input| {
            let indexed = if input.indexed { " indexed" } else { "" };
            format!("{}{indexed} {}", input.selector_type(), input.name).trim_end().to_owned()
        });
        let anonymous = if event.anonymous { " anonymous" } else { "" };
        lines.push(format!("event {}({}){anonymous}", event.name, inputs.collect::<Vec<_>>().join(", ")));
    }
    for error in abi.errors() {
        lines.push(format!("{}  error {}({})", error.selector(), error.name, parameters(&error.inputs)));
    }
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abi_reads_like_an_interface() {
        let items = json!([
            {"type": "constructor", "inputs": [{"name": "name", "type": "string"}], "stateMutability": "nonpayable"},
            {"type": "function", "name": "balanceOf", "inputs": [{"name": "owner", "type": "address"}],
             "outputs": [{"name": "", "type": "uint256"}], "stateMutability": "view"},
            {"type": "event", "name": "Paid", "anonymous": false, "inputs": [
                {"name": "to", "type": "address", "indexed": true}, {"name": "value", "type": "uint256", "indexed": false}]},
            {"type": "error", "name": "Broke", "inputs": [{"name": "have", "type": "uint256"}]},
        ]);
        let abi: JsonAbi = serde_json::from_value(items).expect("an ABI");
        let expected = "constructor(string name)\n\
            0x70a08231  function balanceOf(address owner) view returns (uint256)\n\
            event Paid(address indexed to, uint256 value)\n";
        let text = signatures(&abi);
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with("error Broke(uint256 have)"), "{text}");
    }
}
