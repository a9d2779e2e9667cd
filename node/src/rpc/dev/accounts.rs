//! The unlocked accounts: listing them, and signing and sending with them.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};
use esker_runtime::{SignedTransaction, Transaction};
use serde::Serialize;

use super::DevApi;
use crate::accounts::SignError;
use crate::rpc::call_args::CallArgs;
use crate::rpc::register::on_worker;
use crate::rpc::views::{TransactionView, UnsignedView};
use crate::rpc::{Args, RpcError, eth_transactions, fill};

impl From<SignError> for RpcError {
    fn from(error: SignError) -> Self {
        Self::server(error.to_string())
    }
}

/// `eth_accounts`
pub fn accounts(dev: &DevApi, _: &Args) -> Result<Vec<Address>, RpcError> {
    Ok(dev.accounts.addresses().to_vec())
}

/// `eth_sign`: the account, then the message.
pub fn sign(dev: &DevApi, args: &Args) -> Result<Bytes, RpcError> {
    sign_message(dev, args.required(0)?, &args.required::<Bytes>(1)?)
}

/// `personal_sign`: the message, then the account.
pub fn personal_sign(dev: &DevApi, args: &Args) -> Result<Bytes, RpcError> {
    sign_message(dev, args.required(1)?, &args.required::<Bytes>(0)?)
}

fn sign_message(dev: &DevApi, address: Address, message: &[u8]) -> Result<Bytes, RpcError> {
    Ok(dev.accounts.sign_message(address, message)?.as_bytes().to_vec().into())
}

/// A signed transaction, encoded and in JSON.
#[derive(Debug, Serialize)]
pub struct Signed {
    raw: Bytes,
    tx: UnsignedView,
}

fn filled_and_signed(dev: &DevApi, args: &Args) -> Result<Transaction, RpcError> {
    let call: CallArgs = args.required(0)?;
    let from = call.from.ok_or_else(|| RpcError::server("from: the sender is missing"))?;
    if !dev.accounts.addresses().contains(&from) {
        return Err(SignError::UnknownAccount.into());
    }
    let transaction = fill::fill(&dev.api, &call)?;
    let envelope = dev.accounts.sign(from, transaction)?;
    Ok(SignedTransaction::from_envelope(envelope, dev.api.chain.config())?.recover()?)
}

/// `eth_signTransaction`
pub fn sign_transaction(dev: &DevApi, args: &Args) -> Result<Signed, RpcError> {
    let transaction = filled_and_signed(dev, args)?;
    let gas_price = transaction.envelope().tx_type() as u8 != 2;
    let view = UnsignedView::new(transaction.envelope(), gas_price.then(|| transaction.fee_cap()));
    Ok(Signed { raw: transaction.encoded().into(), tx: view })
}

/// `eth_sendTransaction`
pub async fn send_transaction(dev: &Arc<DevApi>, args: Args) -> Result<B256, RpcError> {
    let worker = dev.clone();
    on_worker(dev.api.executors.clone(), move || {
        // Filling in a nonce and taking it are one step, else two requests at a time get the same one.
        let _turn = worker.sending.lock();
        eth_transactions::submit(&worker.api, filled_and_signed(&worker, &args)?)
    })
    .await
}

/// `eth_pendingTransactions`: what waits of this node's own accounts.
pub fn pending(dev: &DevApi, _: &Args) -> Result<Vec<TransactionView>, RpcError> {
    let content = dev.api.pool.content(None);
    let ours = dev.accounts.addresses().iter().filter_map(|address| content.pending.get(address));
    Ok(ours.flat_map(|waiting| waiting.values()).map(|transaction| TransactionView::pending(transaction)).collect())
}
