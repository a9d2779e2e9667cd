//! The block parameter: a number, a tag, a hash, or an EIP-1898 object.

use alloy_primitives::B256;
use serde_json::Value;

use super::params::{FromParam, quantity, text};

/// A named block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// The head.
    Latest,
    /// The block that would come next; state queries see the head's state.
    Pending,
    /// The head: a block here is final when it is acknowledged.
    Safe,
    /// The head: a block here is final when it is acknowledged.
    Finalized,
    /// Genesis.
    Earliest,
}

/// A block by number or name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockNumberOrTag {
    /// By height.
    Number(u64),
    /// By name.
    Tag(Tag),
}

/// A block by number, name or hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockParam {
    /// By height.
    Number(u64),
    /// By name.
    Tag(Tag),
    /// By hash.
    Hash(B256),
}

impl Default for BlockParam {
    fn default() -> Self {
        Self::Tag(Tag::Latest)
    }
}

impl From<BlockNumberOrTag> for BlockParam {
    fn from(block: BlockNumberOrTag) -> Self {
        match block {
            BlockNumberOrTag::Number(number) => Self::Number(number),
            BlockNumberOrTag::Tag(tag) => Self::Tag(tag),
        }
    }
}

fn number_or_tag(text: &str) -> Result<BlockNumberOrTag, String> {
    let tag = match text {
        "latest" => Tag::Latest,
        "pending" => Tag::Pending,
        "safe" => Tag::Safe,
        "finalized" => Tag::Finalized,
        "earliest" => Tag::Earliest,
        number => {
            let number = u64::try_from(quantity(number)?).map_err(|_| "hex number > 64 bits".to_owned())?;
            if number > i64::MAX as u64 {
                return Err("block number larger than int64".to_owned());
            }
            return Ok(BlockNumberOrTag::Number(number));
        }
    };
    Ok(BlockNumberOrTag::Tag(tag))
}

impl FromParam for BlockNumberOrTag {
    fn from_param(value: &Value) -> Result<Self, String> {
        number_or_tag(text(value, "a block number or tag")?)
    }
}

impl FromParam for BlockParam {
    fn from_param(value: &Value) -> Result<Self, String> {
        if let Value::Object(fields) = value {
            let number = fields.get("blockNumber").filter(|value| !value.is_null());
            let hash = fields.get("blockHash").filter(|value| !value.is_null());
            return match (number, hash) {
                (Some(_), Some(_)) => {
                    Err("cannot specify both BlockHash and BlockNumber, choose one or the other".to_owned())
                }
                (Some(number), None) => BlockNumberOrTag::from_param(number).map(Self::from),
                (None, Some(hash)) => B256::from_param(hash).map(Self::Hash),
                (None, None) => {
                    Err("at least one of BlockNumber or BlockHash is needed if a dictionary is provided".to_owned())
                }
            };
        }
        let text = text(value, "a block number, tag or hash")?;
        if text.len() == 66 {
            return B256::from_param(value).map(Self::Hash);
        }
        number_or_tag(text).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_the_block_parameter_is_read() {
        let hash = B256::repeat_byte(7);
        for (value, block) in [
            (json!("latest"), BlockParam::Tag(Tag::Latest)),
            (json!("0x10"), BlockParam::Number(16)),
            (json!(hash), BlockParam::Hash(hash)),
            (json!({"blockHash": hash, "requireCanonical": true}), BlockParam::Hash(hash)),
            (json!({"blockNumber": "0x1"}), BlockParam::Number(1)),
            (json!({"blockNumber": "earliest"}), BlockParam::Tag(Tag::Earliest)),
        ] {
            assert_eq!(BlockParam::from_param(&value), Ok(block), "{value}");
        }
    }

    #[test]
    fn what_geth_refuses_is_refused() {
        for value in [
            json!("0x01"),
            json!("0x"),
            json!("16"),
            json!(16),
            json!("newest"),
            json!({}),
            json!({"blockNumber": "0x1", "blockHash": B256::ZERO}),
            json!("0x8000000000000000"),
        ] {
            assert!(BlockParam::from_param(&value).is_err(), "{value}");
        }
    }
}
