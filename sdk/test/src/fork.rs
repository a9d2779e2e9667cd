//! A state that lies on a running node: read over JSON-RPC, proven against one block's state root, and kept.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, keccak256};
use esker_runtime::block::protocol_version;
use esker_runtime::db::StoreError;
use esker_runtime::state::{Account, AccountProof, StateReader};
use esker_runtime::{ChainConfig, Upgrades};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::rpc::Node;

/// The state after one block of a running chain. Nothing that the node says is believed without a proof, but the block
/// itself: its hash can be given, so that it need not be.
pub(crate) struct Upstream {
    node: Node,
    pub(crate) header: Header,
    pub(crate) hash: B256,
    pub(crate) config: ChainConfig,
    known: Mutex<Known>,
}

/// What was read and proven.
#[derive(Default)]
struct Known {
    accounts: BTreeMap<Address, Option<Account>>,
    slots: BTreeMap<(Address, B256), B256>,
    codes: BTreeMap<B256, Bytes>,
    /// Whose code has that hash.
    holders: BTreeMap<B256, Address>,
    /// Headers from the block down, by number.
    headers: BTreeMap<u64, Header>,
}

/// A block of that node: by number, or the newest there was when this process first asked.
pub(crate) fn upstream(url: &str, block: Option<u64>) -> Result<Arc<Upstream>, String> {
    type Forks = BTreeMap<(String, Option<u64>), Arc<Upstream>>;
    static FORKS: std::sync::Mutex<Forks> = std::sync::Mutex::new(BTreeMap::new());
    // Held while asking, so that both runs of a test, and all tests of a process, stand on the same block.
    let mut forks = FORKS.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (url.to_owned(), block);
    if let Some(known) = forks.get(&key) {
        return Ok(Arc::clone(known));
    }
    let found = Arc::new(Upstream::open(Node::parse(url)?, block)?);
    forks.insert(key, Arc::clone(&found));
    Ok(found)
}

/// A number as JSON-RPC writes it.
fn quantity(number: u64) -> Value {
    json!(format!("{number:#x}"))
}

/// The header at `number`, or the newest.
fn header(node: &Node, number: Option<u64>) -> Result<Header, String> {
    let which = number.map_or(json!("latest"), quantity);
    let block: Value = node.ask("eth_getBlockByNumber", json!([which, false]))?;
    if block.is_null() {
        return Err(format!("the node has no block {which}"));
    }
    let stated = block.get("hash").and_then(Value::as_str).unwrap_or_default().to_owned();
    let header: Header = serde_json::from_value(block).map_err(|error| format!("block {which}: {error}"))?;
    if header.hash_slow().to_string() != stated {
        return Err(format!("block {which}: its hash is said to be {stated}, and is {}", header.hash_slow()));
    }
    if number.is_some_and(|number| header.number != number) {
        return Err(format!("block {which}: the node gave block {}", header.number));
    }
    Ok(header)
}

impl Upstream {
    fn open(node: Node, block: Option<u64>) -> Result<Self, String> {
        let chain_id: U64 = node.ask("eth_chainId", json!([]))?;
        let header = header(&node, block)?;
        let mut config = ChainConfig::new(chain_id.to());
        let version = protocol_version(&header.extra_data).unwrap_or(1);
        if version > 1 {
            // What holds at the block holds from there on.
            config.upgrades = Upgrades::new([(version, header.number)].into()).map_err(|error| error.to_string())?;
        }
        Ok(Self { node, hash: header.hash_slow(), config, known: Mutex::default(), header })
    }

    /// An account, and slots of it, proven; everything is kept.
    fn prove(&self, address: Address, slots: &[B256]) -> Result<AccountProof, String> {
        let at = quantity(self.header.number);
        let proof: AccountProof = self.node.ask("eth_getProof", json!([address, slots, at]))?;
        let asked =
            proof.address == address && proof.storage_proof.iter().map(|slot| slot.key).eq(slots.iter().copied());
        if !asked {
            return Err(format!("the node proves something else than {address} at block {}", self.header.number));
        }
        proof.verify(self.header.state_root).map_err(|error| {
            format!(
                "{address} at block {}, whose state root is {}: {error}",
                self.header.number, self.header.state_root
            )
        })?;
        let account = Account { nonce: proof.nonce.to(), balance: proof.balance, code_hash: proof.code_hash };
        let mut known = self.known.lock();
        known.accounts.insert(address, Some(account).filter(|account| !account.is_empty()));
        known.holders.insert(proof.code_hash, address);
        for slot in &proof.storage_proof {
            known.slots.insert((address, slot.key), slot.value.into());
        }
        Ok(proof)
    }

    /// The header of a block before this one, proven by the parents' hashes down to it.
    fn ancestor(&self, number: u64) -> Result<B256, String> {
        let mut parent_hash = self.header.parent_hash;
        for number in (number..self.header.number).rev() {
            let kept = self.known.lock().headers.get(&number).cloned();
            let found = match kept {
                Some(header) => header,
                None => header(&self.node, Some(number))?,
            };
            if found.hash_slow() != parent_hash {
                return Err(format!("the node's block {number} is not the one that the blocks after it stand on"));
            }
            parent_hash = found.parent_hash;
            self.known.lock().headers.insert(number, found);
        }
        let header = self.known.lock().headers.get(&number).map(Header::hash_slow);
        header.ok_or_else(|| format!("block {number} is not before block {}", self.header.number))
    }
}

fn failed(error: String) -> StoreError {
    StoreError::Mismatch(format!("the state that the chain was forked from: {error}"))
}

impl StateReader for Upstream {
    fn account(&self, address: Address) -> Result<Option<Account>, StoreError> {
        let known = self.known.lock().accounts.get(&address).copied();
        match known {
            Some(account) => Ok(account),
            None => {
                let proof = self.prove(address, &[]).map_err(failed)?;
                Ok(self.known.lock().accounts.get(&proof.address).copied().flatten())
            }
        }
    }

    fn storage(&self, address: Address, slot: B256) -> Result<B256, StoreError> {
        let known = self.known.lock().slots.get(&(address, slot)).copied();
        match known {
            Some(value) => Ok(value),
            None => {
                self.prove(address, &[slot]).map_err(failed)?;
                Ok(self.known.lock().slots.get(&(address, slot)).copied().unwrap_or_default())
            }
        }
    }

    fn code(&self, code_hash: B256) -> Result<Option<Bytes>, StoreError> {
        if code_hash == KECCAK256_EMPTY {
            return Ok(Some(Bytes::new()));
        }
        let (known, holder) = {
            let known = self.known.lock();
            (known.codes.get(&code_hash).cloned(), known.holders.get(&code_hash).copied())
        };
        let (None, Some(holder)) = (&known, holder) else { return Ok(known) };
        let at = quantity(self.header.number);
        let code: Bytes = self.node.ask("eth_getCode", json!([holder, at])).map_err(failed)?;
        if keccak256(&code) != code_hash {
            return Err(failed(format!("the node's code of {holder} is not the one with the hash {code_hash}")));
        }
        self.known.lock().codes.insert(code_hash, code.clone());
        Ok(Some(code))
    }

    fn block_hash(&self, number: u64) -> Result<Option<B256>, StoreError> {
        match number.cmp(&self.header.number) {
            std::cmp::Ordering::Less => self.ancestor(number).map(Some).map_err(failed),
            std::cmp::Ordering::Equal => Ok(Some(self.hash)),
            std::cmp::Ordering::Greater => Ok(None),
        }
    }
}
