//! What a contract's documentation says, as Solidity's compiler gives it: its documentation, "NatSpec Format", "Documentation
//! Output". The first paragraph of a doc comment is for users (`notice`), what follows for developers (`details`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// `userdoc` and `devdoc` of an artifact. Null where they are not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NatSpec {
    /// The notices: `{"kind": "user", "version": 1, "methods", "events", "errors", "notice"?}`.
    #[serde(rename = "userdoc", default, skip_serializing_if = "Value::is_null")]
    pub user: Value,
    /// The details: the same shape, with `details` for `notice`.
    #[serde(rename = "devdoc", default, skip_serializing_if = "Value::is_null")]
    pub dev: Value,
}

/// What is said of one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remark {
    /// For users.
    pub(crate) notice: String,
    /// For developers.
    pub(crate) details: String,
}

impl NatSpec {
    /// Of the documentation of a contract and of each item of its ABI, in order.
    ///
    /// # Errors
    /// If there are not as many as the ABI has items.
    pub(crate) fn new(abi: &Value, docs: &[String]) -> Result<Self, String> {
        let items = abi.as_array().map(Vec::as_slice).unwrap_or_default();
        let Some((contract, docs)) = docs.split_first().filter(|(_, docs)| docs.len() == items.len()) else {
            return Err(format!(
                "it has {} items, its documentation is of {}",
                items.len(),
                docs.len().saturating_sub(1)
            ));
        };
        let mut sections: BTreeMap<&str, [Map<String, Value>; 2]> =
            ["methods", "events", "errors"].into_iter().map(|key| (key, Default::default())).collect();
        for (item, text) in items.iter().zip(docs) {
            let Some((key, signature)) = place(item) else { continue };
            let [notices, details] = sections.entry(key).or_default();
            let remark = parts(text);
            for (target, word, text) in [(notices, "notice", remark.notice), (details, "details", remark.details)] {
                if !text.is_empty() {
                    let entry = json!({ word: text });
                    // Several errors can have one signature, each from its own source.
                    target.insert(signature.clone(), if key == "errors" { json!([entry]) } else { entry });
                }
            }
        }
        let own = parts(contract);
        let object = |index: usize, kind: &str, word: &str, own: String| {
            let mut object = json!({"kind": kind, "version": 1});
            for (key, parts) in &sections {
                object[*key] = parts.get(index).cloned().unwrap_or_default().into();
            }
            if !own.is_empty() {
                object[word] = own.into();
            }
            object
        };
        Ok(Self { user: object(0, "user", "notice", own.notice), dev: object(1, "dev", "details", own.details) })
    }

    /// What is said of the contract.
    pub(crate) fn contract(&self) -> Remark {
        Remark { notice: text(&self.user, "notice"), details: text(&self.dev, "details") }
    }

    /// What is said of an item of the ABI.
    pub(crate) fn item(&self, item: &Value) -> Remark {
        let Some((key, signature)) = place(item) else { return Remark::default() };
        let said = |docs: &Value, word: &str| {
            let entry = docs.get(key).and_then(|section| section.get(&signature));
            // Errors have a list.
            let entry = entry.map(|entry| entry.get(0).unwrap_or(entry));
            entry.map(|entry| text(entry, word)).unwrap_or_default()
        };
        Remark { notice: said(&self.user, "notice"), details: said(&self.dev, "details") }
    }
}

impl Remark {
    pub(crate) fn is_empty(&self) -> bool {
        self.notice.is_empty() && self.details.is_empty()
    }
}

fn text(object: &Value, key: &str) -> String {
    object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Where an item's documentation stands: the section, and the item's canonical signature.
fn place(item: &Value) -> Option<(&'static str, String)> {
    let key = match item.get("type").and_then(Value::as_str)? {
        "function" => "methods",
        "constructor" => return Some(("methods", "constructor".to_owned())),
        "event" => "events",
        "error" => "errors",
        _ => return None,
    };
    Some((key, format!("{}{}", text(item, "name"), types(item.get("inputs")))))
}

/// `(type,…)`, with tuples as their parts.
fn types(parameters: Option<&Value>) -> String {
    let parameters = parameters.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let types = parameters.iter().map(|parameter| {
        let kind = text(parameter, "type");
        match kind.strip_prefix("tuple") {
            Some(suffix) => types(parameter.get("components")) + suffix,
            None => kind,
        }
    });
    format!("({})", types.collect::<Vec<_>>().join(","))
}

/// A doc comment's two parts, each on one line.
fn parts(docs: &str) -> Remark {
    let (notice, details) = docs.split_once("\n\n").unwrap_or((docs, ""));
    let joined = |text: &str| text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned();
    Remark { notice: joined(notice), details: joined(details) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn docs() -> (Value, NatSpec) {
        let pair = json!([{"name": "a", "type": "uint8"}, {"name": "b", "type": "bytes"}]);
        let abi = json!([
            {"type": "constructor", "inputs": []},
            {"type": "receive"},
            {"type": "function", "name": "put", "inputs": [{"name": "p", "type": "tuple[2]", "components": pair}]},
            {"type": "function", "name": "bare", "inputs": []},
            {"type": "event", "name": "Put", "inputs": [{"name": "by", "type": "address"}]},
            {"type": "error", "name": "Full", "inputs": []},
        ]);
        let texts =
            ["A box.\n\nOf wood.", "Makes\none.", "", "Puts.\n\nTwice,\nin fact.", "", "It was put.", "No room."];
        let docs = NatSpec::new(&abi, &texts.map(str::to_owned)).expect("as many as items");
        (abi, docs)
    }

    #[test]
    fn documentation_is_laid_out_as_solidity_has_it() {
        let (_, docs) = docs();
        let user = json!({
            "kind": "user", "version": 1, "notice": "A box.",
            "methods": {"constructor": {"notice": "Makes one."}, "put((uint8,bytes)[2])": {"notice": "Puts."}},
            "events": {"Put(address)": {"notice": "It was put."}},
            "errors": {"Full()": [{"notice": "No room."}]},
        });
        let dev = json!({
            "kind": "dev", "version": 1, "details": "Of wood.", "events": {}, "errors": {},
            "methods": {"put((uint8,bytes)[2])": {"details": "Twice, in fact."}},
        });
        assert_eq!((docs.user, docs.dev), (user, dev));
    }

    #[test]
    fn an_item_finds_its_own_remark() {
        let (abi, docs) = docs();
        let of = |index: usize| docs.item(&abi[index]);
        assert_eq!(of(2), Remark { notice: "Puts.".to_owned(), details: "Twice, in fact.".to_owned() });
        assert_eq!((of(0).notice.as_str(), of(5).notice.as_str()), ("Makes one.", "No room."));
        assert!(of(1).is_empty() && of(3).is_empty() && NatSpec::default().item(&abi[2]).is_empty());
        assert_eq!(docs.contract().details, "Of wood.");
        assert!(NatSpec::new(&abi, &["one too few".to_owned()]).is_err());
    }
}
