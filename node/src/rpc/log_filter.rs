//! The filter object of `eth_getLogs`, `eth_newFilter` and the `logs` subscription.

use alloy_primitives::{Address, B256, Bloom, BloomInput, Log};
use serde_json::Value;

use super::RpcError;
use super::block_param::{BlockNumberOrTag, Tag};
use super::params::FromParam;

/// Most addresses that one filter may name.
const ADDRESSES_MAX: usize = 1_000;
/// Most alternatives that one topic position may name.
const TOPIC_ALTERNATIVES_MAX: usize = 1_000;
/// A log has at most four topics.
const TOPICS_MAX: usize = 4;

/// Which blocks a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockRange {
    /// One block, by hash.
    Block(B256),
    /// From one block to another, both included; `None` is the head.
    Between {
        /// First block.
        from: Option<BlockNumberOrTag>,
        /// Last block.
        to: Option<BlockNumberOrTag>,
    },
}

/// A filter over logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter {
    /// Blocks.
    pub range: BlockRange,
    /// Emitting addresses; empty means any.
    pub addresses: Vec<Address>,
    /// Alternatives by topic position; an empty list means any topic there.
    pub topics: Vec<Vec<B256>>,
}

impl Default for LogFilter {
    fn default() -> Self {
        Self { range: BlockRange::Between { from: None, to: None }, addresses: Vec::new(), topics: Vec::new() }
    }
}

impl LogFilter {
    /// Whether `log` passes.
    #[must_use]
    pub fn matches(&self, log: &Log) -> bool {
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self.topics.len() <= log.topics().len()
            && self
                .topics
                .iter()
                .zip(log.topics())
                .all(|(alternatives, topic)| alternatives.is_empty() || alternatives.contains(topic))
    }

    /// Whether a block or receipt with this bloom can hold a log that passes.
    #[must_use]
    pub fn may_match(&self, bloom: &Bloom) -> bool {
        let any = |inputs: &mut dyn Iterator<Item = &[u8]>| {
            let mut is_empty = true;
            for input in inputs {
                is_empty = false;
                if bloom.contains_input(BloomInput::Raw(input)) {
                    return true;
                }
            }
            is_empty
        };
        any(&mut self.addresses.iter().map(|address| address.as_slice()))
            && self.topics.iter().all(|alternatives| any(&mut alternatives.iter().map(|topic| topic.as_slice())))
    }

    /// What it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let topics: usize = self.topics.iter().map(|alternatives| size_of_val(alternatives.as_slice())).sum();
        size_of::<Self>() + size_of_val(self.addresses.as_slice()) + topics
    }

    /// Refuses what the protocol's own words refuse beyond the JSON: the same text and code as geth.
    ///
    /// # Errors
    /// -32602 when a limit is exceeded.
    pub fn check(&self) -> Result<(), RpcError> {
        if self.topics.len() > TOPICS_MAX {
            return Err(RpcError::invalid_params("exceed max topics"));
        }
        if self.addresses.len() > ADDRESSES_MAX {
            return Err(RpcError::invalid_params("exceed max addresses"));
        }
        if self.topics.iter().any(|alternatives| alternatives.len() > TOPIC_ALTERNATIVES_MAX) {
            return Err(RpcError::invalid_params("exceed max topics"));
        }
        if let BlockRange::Between { from, to } = self.range
            && [from, to].contains(&Some(BlockNumberOrTag::Tag(Tag::Pending)))
        {
            return Err(RpcError::invalid_params("pending logs are not supported"));
        }
        Ok(())
    }
}

/// One value or a list of them; null and absence mean any.
fn one_or_many<T: FromParam>(value: Option<&Value>, name: &str) -> Result<Vec<T>, String> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                T::from_param(item).map_err(|reason| format!("invalid {name} at index {index}: {reason}"))
            })
            .collect(),
        Some(value) => T::from_param(value).map(|one| vec![one]).map_err(|reason| format!("invalid {name}: {reason}")),
    }
}

fn topics(value: Option<&Value>) -> Result<Vec<Vec<B256>>, String> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(positions)) => positions
            .iter()
            .map(|position| match position {
                // An alternative that is null makes the whole position a wildcard.
                Value::Array(items) if items.iter().any(Value::is_null) => Ok(Vec::new()),
                position => one_or_many(Some(position), "topic"),
            })
            .collect(),
        Some(_) => Err("invalid topics: want an array".to_owned()),
    }
}

impl FromParam for LogFilter {
    fn from_param(value: &Value) -> Result<Self, String> {
        let fields = value.as_object().ok_or("a filter must be an object")?;
        let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
        let bound = |name: &str| {
            given(name)
                .map(|value| BlockNumberOrTag::from_param(value).map_err(|reason| format!("{name}: {reason}")))
                .transpose()
        };
        let range = match given("blockHash") {
            Some(_) if given("fromBlock").is_some() || given("toBlock").is_some() => {
                return Err("cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other".to_owned());
            }
            Some(hash) => BlockRange::Block(B256::from_param(hash).map_err(|reason| format!("blockHash: {reason}"))?),
            None => BlockRange::Between { from: bound("fromBlock")?, to: bound("toBlock")? },
        };
        Ok(Self { range, addresses: one_or_many(given("address"), "address")?, topics: topics(given("topics"))? })
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Bytes;
    use serde_json::json;

    use super::*;

    fn log(address: u8, topics: &[u8]) -> Log {
        let topics = topics.iter().map(|&topic| B256::repeat_byte(topic)).collect();
        Log::new(Address::repeat_byte(address), topics, Bytes::new()).expect("at most four topics")
    }

    fn bloom(log: &Log) -> Bloom {
        let mut bloom = Bloom::ZERO;
        bloom.accrue_log(log);
        bloom
    }

    #[test]
    fn a_filter_passes_what_it_names_and_the_bloom_never_hides_it() {
        let any = json!(null);
        let [one, two] = [1, 2].map(B256::repeat_byte);
        for (topics, log_topics, passes) in [
            (json!([]), vec![], true),
            (json!([one]), vec![1], true),
            (json!([one]), vec![2], false),
            (json!([one]), vec![], false),
            (json!([any, two]), vec![1, 2], true),
            (json!([any, two]), vec![1], false),
            (json!([[one, two]]), vec![2], true),
            (json!([[one, any]]), vec![9], true),
            (json!([[]]), vec![9], true),
        ] {
            let filter =
                LogFilter::from_param(&json!({"address": Address::repeat_byte(5), "topics": topics})).expect("good");
            let log = log(5, &log_topics);
            assert_eq!(filter.matches(&log), passes, "{topics} {log_topics:?}");
            assert!(!passes || filter.may_match(&bloom(&log)));
            let elsewhere = super::tests::log(6, &log_topics);
            assert!(!filter.matches(&elsewhere) && !filter.may_match(&bloom(&elsewhere)));
        }
    }

    #[test]
    fn contradictory_and_oversized_filters_are_refused() {
        let both = json!({"blockHash": B256::ZERO, "fromBlock": "0x0"});
        assert!(
            LogFilter::from_param(&both).unwrap_err().contains("cannot specify both BlockHash and FromBlock/ToBlock")
        );
        let filter = LogFilter::from_param(&json!({"topics": [null, null, null, null, null]})).expect("reads");
        assert_eq!(filter.check().unwrap_err().message, "exceed max topics");
        let bad = json!({"address": ["0x12"]});
        assert!(LogFilter::from_param(&bad).unwrap_err().starts_with("invalid address at index 0"));
    }
}
