//! Which method a command means, and its call data.

use alloy_dyn_abi::JsonAbiExt;
use alloy_json_abi::{Function, JsonAbi};
use alloy_primitives::Bytes;

use super::super::failure::Failure;
use super::source::{canonical, one_line};
use super::values::parse_arguments;

/// What is sent to a contract, and the method it calls, if that is known.
#[derive(Clone, Debug)]
pub struct Call {
    /// The call data.
    pub data: Bytes,
    /// The method; `None` for raw data.
    pub function: Option<Function>,
}

impl Call {
    /// Encodes a call of `method` (a name in `abi`, a signature, or the whole call data as 0x hexadecimal digits).
    ///
    /// # Errors
    /// If there is no such method, it is ambiguous, or the arguments do not fit.
    pub fn encode(abi: &JsonAbi, method: &str, arguments: &[String]) -> Result<Self, Failure> {
        if let Some(digits) = method.strip_prefix("0x") {
            let data = hex::decode(digits)
                .map_err(|error| Failure::usage(format!("{method:?} is no call data")).because(error))?;
            if !arguments.is_empty() {
                return Err(Failure::usage("raw call data take no arguments")
                    .hint("name the method with its signature, like \"transfer(address,uint256)\""));
            }
            let function = data.get(..4).and_then(|selector| {
                abi.functions().find(|function| function.selector().as_slice() == selector).cloned()
            });
            return Ok(Self { data: data.into(), function });
        }
        let function =
            if method.contains('(') { from_signature(abi, method)? } else { by_name(abi, method, arguments)? };
        let values = parse_arguments(&function.signature(), &function.inputs, arguments)?;
        let data = function
            .abi_encode_input(&values)
            .map_err(|error| Failure::usage(format!("{} cannot be encoded", function.signature())).because(error))?;
        Ok(Self { data: data.into(), function: Some(function) })
    }
}

/// A signature. If the interface knows it too, its version is used: that one has names and results.
fn from_signature(abi: &JsonAbi, text: &str) -> Result<Function, Failure> {
    let bad = |reason: String| {
        Failure::usage(format!("{text:?} is no method's signature"))
            .because(reason)
            .hint("write name, parameters and results, like \"balanceOf(address)(uint256)\"")
    };
    let mut function = Function::parse(text).map_err(|error| bad(one_line(&error.to_string())))?;
    canonical(function.inputs.iter_mut().chain(&mut function.outputs)).map_err(bad)?;
    let known = abi.functions().find(|known| known.selector() == function.selector());
    Ok(match known {
        Some(known) if function.outputs.is_empty() => known.clone(),
        _ => function,
    })
}

fn by_name(abi: &JsonAbi, name: &str, arguments: &[String]) -> Result<Function, Failure> {
    let Some(overloads) = abi.functions.get(name).filter(|overloads| !overloads.is_empty()) else {
        let failure = Failure::usage(format!("there is no method {name:?}"));
        return Err(if abi.functions.is_empty() {
            failure.because("no interface was given").hint(format!(
                "write its signature, like \"{name}(address)(uint256)\", or name the contract with --artifact"
            ))
        } else {
            let known: Vec<String> = abi.functions().map(Function::signature).collect();
            let failure = failure.because(format!("the interface has {}", known.join(", ")));
            match closest(name, abi.functions.keys().map(String::as_str)) {
                Some(closest) => failure.hint(format!("did you mean {closest:?}?")),
                None => failure,
            }
        });
    };
    let fitting: Vec<&Function> =
        overloads.iter().filter(|function| function.inputs.len() == arguments.len()).collect();
    match (fitting.as_slice(), overloads.as_slice()) {
        ([function], _) => Ok((*function).clone()),
        ([], [function]) => Ok(function.clone()),
        _ => {
            let signatures: Vec<String> = overloads.iter().map(Function::signature).collect();
            Err(Failure::usage(format!("{name:?} is the name of {} methods", overloads.len()))
                .because(format!("the interface has {}", signatures.join(" and ")))
                .hint(format!("write the whole signature, like \"{}\"", signatures[0])))
        }
    }
}

/// The name most like `name`, if one is near.
fn closest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let distance = |candidate: &str| edits(&wanted, &candidate.to_lowercase());
    names
        .map(|candidate| (distance(candidate), candidate))
        .min()
        .filter(|(edits, _)| *edits <= 1 + name.len() / 3)
        .map(|(_, name)| name)
}

/// Levenshtein's distance, in characters.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abi() -> JsonAbi {
        JsonAbi::parse([
            "function transfer(address to, uint256 value) returns (bool)",
            "function safe(uint256 a)",
            "function safe(address a)",
            "function safe(uint256 a, uint256 b)",
        ])
        .expect("the interface is right")
    }

    fn encode(method: &str, arguments: &[&str]) -> Result<Call, Failure> {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        Call::encode(&abi(), method, &arguments)
    }

    const TO: &str = "0x00000000000000000000000000000000000000aa";

    #[test]
    fn methods_are_found_by_name_signature_or_taken_raw() {
        let by_name = encode("transfer", &[TO, "5"]).expect("known by name");
        assert_eq!(hex::encode(&by_name.data[..4]), "a9059cbb");
        let by_signature = encode("transfer(address,uint256)", &[TO, "5"]).expect("a signature");
        assert_eq!(by_signature.data, by_name.data);
        assert_eq!(by_signature.function.expect("known").outputs.len(), 1, "results come from the interface");
        let with_results = encode("other(address)(uint256,bool)", &[TO]).expect("a signature with results");
        assert_eq!(with_results.function.expect("parsed").outputs.len(), 2);
        let alias = encode("transfer(address,uint)(bool)", &[TO, "5"]).expect("uint is uint256");
        assert_eq!(alias.data, by_name.data);
        let raw = encode(&by_name.data.to_string(), &[]).expect("raw data");
        assert_eq!(raw.function.expect("its selector is known").name, "transfer");
        assert_eq!(encode("safe", &["1", "2"]).expect("only one has two parameters").data.len(), 68);
    }

    #[test]
    fn wrong_methods_are_explained() {
        for (method, arguments, words) in [
            ("transfr", &[][..], "did you mean \"transfer\""),
            ("safe", &["1"][..], "write the whole signature"),
            ("transfer", &[TO][..], "takes 2 arguments, 1 given"),
            ("transfer(", &[][..], "is no method's signature"),
            ("transfer(adress)", &[TO][..], "there is no type \"adress\""),
            ("0x123", &[][..], "is no call data"),
            ("0x12345678", &["1"][..], "take no arguments"),
        ] {
            let error = encode(method, arguments).expect_err(method).to_string();
            assert!(error.contains(words), "{error}");
        }
        let error = Call::encode(&JsonAbi::new(), "mint", &[]).expect_err("no interface").to_string();
        assert!(error.contains("--artifact"), "{error}");
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!((edits("", "abc"), edits("kitten", "sitting"), edits("a", "a")), (3, 3, 0));
    }
}
