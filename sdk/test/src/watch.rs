//! A frame's host, watched: what it writes to transient storage, which nothing else shows after the transaction.

use alloy_primitives::{Address, B256};
use esker_vm::{
    BlockContext, CallRequest, CallResult, CreateRequest, CreateResult, Host, HostError, Log, Meter, TransactionContext,
};
use parking_lot::Mutex;
use primitive_types::{H160, H256, U256};

use crate::observe::TransientWrite;

/// The host of a frame of `account`; transient writes go to `writes` as well.
pub(crate) struct Watch<'w> {
    pub(crate) host: &'w mut dyn Host,
    pub(crate) account: H160,
    pub(crate) writes: &'w Mutex<Vec<TransientWrite>>,
}

impl Host for Watch<'_> {
    fn transaction(&self) -> &TransactionContext {
        self.host.transaction()
    }

    fn block(&self) -> &BlockContext {
        self.host.block()
    }

    fn block_hash(&mut self, number: u64) -> Result<H256, HostError> {
        self.host.block_hash(number)
    }

    fn storage_load(&mut self, key: H256, meter: &mut Meter) -> Result<H256, HostError> {
        self.host.storage_load(key, meter)
    }

    fn storage_store(&mut self, key: H256, value: H256, meter: &mut Meter) -> Result<(), HostError> {
        self.host.storage_store(key, value, meter)
    }

    fn transient_load(&mut self, key: H256, meter: &mut Meter) -> Result<H256, HostError> {
        self.host.transient_load(key, meter)
    }

    fn transient_store(&mut self, key: H256, value: H256, meter: &mut Meter) -> Result<(), HostError> {
        self.host.transient_store(key, value, meter)?;
        let account = Address::new(self.account.0);
        self.writes.lock().push(TransientWrite { account, slot: B256::new(key.0), value: B256::new(value.0) });
        Ok(())
    }

    fn balance(&mut self, account: H160, meter: &mut Meter) -> Result<U256, HostError> {
        self.host.balance(account, meter)
    }

    fn code_hash(&mut self, account: H160, meter: &mut Meter) -> Result<H256, HostError> {
        self.host.code_hash(account, meter)
    }

    fn code_size(&mut self, account: H160, meter: &mut Meter) -> Result<u32, HostError> {
        self.host.code_size(account, meter)
    }

    fn log(&mut self, log: Log, meter: &mut Meter) -> Result<(), HostError> {
        self.host.log(log, meter)
    }

    fn call(&mut self, request: CallRequest<'_>, meter: &mut Meter) -> Result<CallResult, HostError> {
        self.host.call(request, meter)
    }

    fn create(&mut self, request: CreateRequest<'_>, meter: &mut Meter) -> Result<CreateResult, HostError> {
        self.host.create(request, meter)
    }
}
