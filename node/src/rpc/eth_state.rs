//! Accounts, storage, code and their proofs.

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256};
use esker_runtime::state::{Account, AccountProof, StateReader};
use serde::Serialize;
use serde_json::Value;

use super::block_param::{BlockParam, Tag};
use super::params::SlotKey;
use super::{Api, Args, RpcError};
use crate::chain::Head;

/// Most slots that one `eth_getProof` may ask for.
const PROOF_SLOTS_MAX: usize = 1_024;

fn account(head: &Head, address: Address) -> Result<Account, RpcError> {
    Ok(head.state.account(address)?.unwrap_or_default())
}

fn code_of(head: &Head, account: &Account) -> Result<Bytes, RpcError> {
    if account.code_hash == KECCAK256_EMPTY {
        return Ok(Bytes::new());
    }
    let code = head.state.code(account.code_hash)?;
    code.ok_or_else(|| RpcError::internal(format!("code {} is missing from the store", account.code_hash)))
}

/// `eth_getBalance`
pub fn balance(api: &Api, args: &Args) -> Result<U256, RpcError> {
    let address = args.required(0)?;
    let block = args.optional(1)?.unwrap_or_default();
    Ok(account(&*api.state(block)?, address)?.balance)
}

/// `eth_getTransactionCount`
pub fn transaction_count(api: &Api, args: &Args) -> Result<U64, RpcError> {
    let address = args.required(0)?;
    let block = args.optional(1)?.unwrap_or_default();
    if block == BlockParam::Tag(Tag::Pending) {
        return api.pending_nonce(address).map(U64::from);
    }
    Ok(U64::from(account(&*api.state(block)?, address)?.nonce))
}

/// `eth_getCode`
pub fn code(api: &Api, args: &Args) -> Result<Bytes, RpcError> {
    let address = args.required(0)?;
    let head = api.state(args.optional(1)?.unwrap_or_default())?;
    code_of(&head, &account(&head, address)?)
}

/// `eth_getStorageAt`: always 32 bytes.
pub fn storage_at(api: &Api, args: &Args) -> Result<B256, RpcError> {
    let address = args.required(0)?;
    let key: SlotKey = args.required(1)?;
    let head = api.state(args.optional(2)?.unwrap_or_default())?;
    Ok(head.state.storage(address, key.slot)?)
}

/// An account as one answer.
#[derive(Debug, Serialize)]
pub struct AccountInfo {
    nonce: U64,
    balance: U256,
    code: Bytes,
}

/// `eth_getAccountInfo`: Foundry's forks ask for it.
pub fn account_info(api: &Api, args: &Args) -> Result<AccountInfo, RpcError> {
    let address = args.required(0)?;
    let head = api.state(args.optional(1)?.unwrap_or_default())?;
    let account = account(&head, address)?;
    Ok(AccountInfo { nonce: U64::from(account.nonce), balance: account.balance, code: code_of(&head, &account)? })
}

/// `eth_getProof` (EIP-1186). Keys are written back as they came: in full, or without leading zeros.
pub fn proof(api: &Api, args: &Args) -> Result<Value, RpcError> {
    let address = args.required(0)?;
    let keys: Vec<SlotKey> = args.required(1)?;
    if keys.len() > PROOF_SLOTS_MAX {
        return Err(RpcError::invalid_params(format!(
            "too many slots ({}) requested, limit {PROOF_SLOTS_MAX}",
            keys.len()
        )));
    }
    let head = api.state(args.optional(2)?.unwrap_or_default())?;
    let slots: Vec<B256> = keys.iter().map(|key| key.slot).collect();
    let proof: AccountProof = head.state.proof(address, &slots)?;
    let mut answer = serde_json::to_value(&proof).map_err(RpcError::internal)?;
    if let Some(entries) = answer.get_mut("storageProof").and_then(Value::as_array_mut) {
        for (entry, key) in entries.iter_mut().zip(&keys) {
            if !key.is_full {
                entry["key"] = Value::String(format!("{:#x}", U256::from_be_bytes(key.slot.0)));
            }
        }
    }
    Ok(answer)
}
