//! The unlocked accounts: listing them, and signing and sending with them.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};
use esker_runtime::{SignedTransaction, Transaction};
use serde::Serialize;

use super::call_args::CallArgs;
use super::fill;
use super::register::on_worker;
use super::views::UnsignedView;
use super::{Api, Args, RpcError};
use crate::accounts::SignError;

impl From<SignError> for RpcError {
    fn from(error: SignError) -> Self {
        Self::server(error.to_string())
    }
}

/// `eth_accounts`
pub fn accounts(api: &Api, _: &Args) -> Result<Vec<Address>, RpcError> {
    Ok(api.accounts.addresses().to_vec())
}

/// `eth_sign`: the account, then the message.
pub fn sign(api: &Api, args: &Args) -> Result<Bytes, RpcError> {
    sign_message(api, args.required(0)?, &args.required::<Bytes>(1)?)
}

/// `personal_sign`: the message, then the account.
pub fn personal_sign(api: &Api, args: &Args) -> Result<Bytes, RpcError> {
    sign_message(api, args.required(1)?, &args.required::<Bytes>(0)?)
}

fn sign_message(api: &Api, address: Address, message: &[u8]) -> Result<Bytes, RpcError> {
    Ok(api.accounts.sign_message(address, message)?.as_bytes().to_vec().into())
}

/// A signed transaction, encoded and in JSON.
#[derive(Debug, Serialize)]
pub struct Signed {
    raw: Bytes,
    tx: UnsignedView,
}

fn filled_and_signed(api: &Api, args: &Args) -> Result<Transaction, RpcError> {
    let call: CallArgs = args.required(0)?;
    let from = call.from.ok_or_else(|| RpcError::server("from: the sender is missing"))?;
    if !api.accounts.addresses().contains(&from) {
        return Err(SignError::UnknownAccount.into());
    }
    let transaction = fill::fill(api, &call)?;
    let envelope = api.accounts.sign(from, transaction)?;
    Ok(SignedTransaction::from_envelope(envelope, api.chain.config())?.recover()?)
}

/// `eth_signTransaction`
pub fn sign_transaction(api: &Api, args: &Args) -> Result<Signed, RpcError> {
    let transaction = filled_and_signed(api, args)?;
    let gas_price = transaction.envelope().tx_type() as u8 != 2;
    let view = UnsignedView::new(transaction.envelope(), gas_price.then(|| transaction.fee_cap()));
    Ok(Signed { raw: transaction.encoded().into(), tx: view })
}

/// `eth_sendTransaction`
pub async fn send_transaction(api: &Arc<Api>, args: Args) -> Result<B256, RpcError> {
    let worker = api.clone();
    on_worker(api.executors.clone(), move || {
        // Filling in a nonce and taking it are one step, else two requests at a time get the same one.
        let _turn = worker.sending.lock();
        super::eth_transactions::submit(&worker, filled_and_signed(&worker, &args)?)
    })
    .await
}
