//! A natively run frame on the runtime's own journal: the SDK's native host over the VM's host.

use std::panic::{AssertUnwindSafe, catch_unwind};

use esker_sdk::abi::{ErrorSet, EventItem};
use esker_sdk::native::{
    BlockContext, CallKind, CallRequest, CallResult, CreateRequest, CreateResult, CryptoRequest, Curve, Declared,
    Frame, Heard, Host, Interrupted, NativeContract, TransactionContext,
};
use esker_vm::crypto::{self, bls12_381, bn254};
use esker_vm::{HostError, Meter, abi::HostFunctionId};
use primitive_types::{H160, H256, U256};

use crate::machine::{TestMachine, words_of};

/// One native frame. Charges nothing for computing; state costs what it costs.
pub(crate) struct Bridge<'a> {
    machine: &'a TestMachine,
    frame: &'a esker_vm::Frame,
    host: &'a mut dyn esker_vm::Host,
    pub(crate) meter: Meter,
    /// The ABI of the contract that runs.
    declared: Declared,
    /// What it may pass on.
    heard: Heard,
    /// What it emitted and reverted with that its ABI does not hold, and why it got no code for what it creates.
    pub(crate) undeclared: Vec<String>,
    /// Why the host could not go on, once it could not.
    pub(crate) struck: Option<HostError>,
}

impl<'a> Bridge<'a> {
    pub(crate) fn new(
        machine: &'a TestMachine,
        frame: &'a esker_vm::Frame,
        host: &'a mut dyn esker_vm::Host,
        meter: Meter,
        declared: Declared,
    ) -> Self {
        Self { machine, frame, host, meter, declared, heard: Heard::default(), undeclared: Vec::new(), struck: None }
    }

    /// Keeps the host's reason where the SDK only learns that there is one.
    fn keep<T>(&mut self, result: Result<T, HostError>) -> Result<T, Interrupted> {
        result.map_err(|error| {
            self.struck = Some(error);
            Interrupted
        })
    }
}

impl Host for Bridge<'_> {
    fn frame(&mut self) -> Frame {
        Frame {
            address: self.frame.address,
            caller: self.frame.caller,
            value: self.frame.value,
            input: self.frame.input.clone(),
            is_reentrant: self.frame.is_reentrant,
        }
    }

    fn transaction(&mut self) -> TransactionContext {
        let transaction = self.host.transaction();
        TransactionContext { origin: transaction.origin, gas_price: transaction.gas_price }
    }

    fn block(&mut self) -> BlockContext {
        let block = self.host.block();
        BlockContext {
            number: block.number,
            timestamp: block.timestamp,
            gas_limit: block.gas_limit,
            base_fee: block.base_fee,
            coinbase: block.coinbase,
            prevrandao: block.prevrandao,
            chain_id: block.chain_id,
        }
    }

    fn gas_left(&mut self) -> u64 {
        self.meter.gas()
    }

    fn block_hash(&mut self, number: u64) -> Result<H256, Interrupted> {
        let hash = self.host.block_hash(number);
        self.keep(hash)
    }

    fn storage_load(&mut self, key: H256) -> Result<H256, Interrupted> {
        let value = self.host.storage_load(key, &mut self.meter);
        self.keep(value)
    }

    fn storage_store(&mut self, key: H256, value: H256) -> Result<(), Interrupted> {
        let stored = self.host.storage_store(key, value, &mut self.meter);
        self.keep(stored)
    }

    fn transient_load(&mut self, key: H256) -> Result<H256, Interrupted> {
        let value = self.host.transient_load(key, &mut self.meter);
        self.keep(value)
    }

    fn transient_store(&mut self, key: H256, value: H256) -> Result<(), Interrupted> {
        let stored = self.host.transient_store(key, value, &mut self.meter);
        self.keep(stored)
    }

    fn balance(&mut self, account: H160) -> Result<U256, Interrupted> {
        let balance = self.host.balance(account, &mut self.meter);
        self.keep(balance)
    }

    fn code_hash(&mut self, account: H160) -> Result<H256, Interrupted> {
        let hash = self.host.code_hash(account, &mut self.meter);
        self.keep(hash)
    }

    fn code_size(&mut self, account: H160) -> Result<u32, Interrupted> {
        let size = self.host.code_size(account, &mut self.meter);
        self.keep(size)
    }

    fn log(&mut self, topics: &[H256], data: &[u8]) -> Result<(), Interrupted> {
        let log = esker_vm::Log { topics: topics.to_vec(), data: data.to_vec() };
        let logged = self.host.log(log, &mut self.meter);
        self.keep(logged)
    }

    fn call(&mut self, request: CallRequest<'_>) -> Result<CallResult, Interrupted> {
        let kind = match request.kind {
            CallKind::Call => esker_vm::CallKind::Call,
            CallKind::Static => esker_vm::CallKind::Static,
            CallKind::Delegate => esker_vm::CallKind::Delegate,
        };
        let CallRequest { gas, target, value, input, .. } = request;
        let request = esker_vm::CallRequest { kind, gas, target, value, input };
        let result = self.host.call(request, &mut self.meter);
        Ok(match self.keep(result)? {
            esker_vm::CallResult::Success(output) => CallResult::Success(output),
            esker_vm::CallResult::Revert(output) => {
                self.heard.hear(&output);
                CallResult::Revert(output)
            }
            esker_vm::CallResult::Halt => CallResult::Halt,
        })
    }

    fn create(&mut self, request: CreateRequest<'_>) -> Result<CreateResult, Interrupted> {
        let CreateRequest { value, payload, salt } = request;
        let result = self.host.create(esker_vm::CreateRequest { value, payload, salt }, &mut self.meter);
        Ok(match self.keep(result)? {
            esker_vm::CreateResult::Success(address) => CreateResult::Success(address),
            esker_vm::CreateResult::Revert(output) => {
                self.heard.hear(&output);
                CreateResult::Revert(output)
            }
            esker_vm::CreateResult::Halt => CreateResult::Halt,
        })
    }

    fn code_of(&mut self, contract: &NativeContract) -> Option<Vec<u8>> {
        // A panic would pass for one of the contract that asks, and become a revert.
        let code = catch_unwind(AssertUnwindSafe(|| self.machine.code_of(contract)));
        code.map_err(|panic| self.undeclared.push(words_of(panic.as_ref()).to_owned())).ok()
    }

    fn emits(&mut self, event: &'static EventItem) {
        self.undeclared.extend(self.declared.lacks_event(event));
    }

    fn raises(&mut self, errors: &'static ErrorSet, data: &[u8]) {
        self.undeclared.extend(self.declared.lacks_error(errors, data, &self.heard));
    }

    fn crypto(&mut self, request: CryptoRequest<'_>) -> Result<Option<Vec<u8>>, Interrupted> {
        let valid = |is_valid: bool| is_valid.then(Vec::new);
        Ok(match request {
            CryptoRequest::Sha256(data) => Some(crypto::sha256(data).to_vec()),
            CryptoRequest::Ripemd160(data) => Some(crypto::ripemd160(data).to_vec()),
            CryptoRequest::Ecrecover { hash, signature, recovery_id } => {
                crypto::secp256k1_recover(hash, signature, recovery_id).map(|address| address.to_vec())
            }
            CryptoRequest::Ed25519Verify { public_key, signature, message } => {
                valid(crypto::ed25519_verify(public_key, signature, message))
            }
            CryptoRequest::P256Verify { hash, signature, public_key } => {
                valid(crypto::p256_verify(hash, signature, public_key))
            }
            CryptoRequest::Curve { operation, input } => curve(operation, input),
        })
    }
}

/// `None` when the function refuses the input, or when the input's length is not the function's.
fn curve(operation: Curve, input: &[u8]) -> Option<Vec<u8>> {
    fn fixed<const N: usize, T: AsRef<[u8]>>(
        input: &[u8],
        function: impl Fn(&[u8; N]) -> Option<T>,
    ) -> Option<Vec<u8>> {
        function(input.try_into().ok()?).map(|output| output.as_ref().to_vec())
    }
    let pairing = |result: Option<bool>| result.map(|is_one| vec![u8::from(is_one)]);
    match operation {
        HostFunctionId::bn254_add => fixed(input, bn254::add),
        HostFunctionId::bn254_mul => fixed(input, bn254::mul),
        HostFunctionId::bn254_pairing => pairing(bn254::pairing(input)),
        HostFunctionId::bls12_381_g1_add => fixed(input, bls12_381::g1_add),
        HostFunctionId::bls12_381_g1_msm => bls12_381::g1_msm(input).map(|output| output.to_vec()),
        HostFunctionId::bls12_381_g2_add => fixed(input, bls12_381::g2_add),
        HostFunctionId::bls12_381_g2_msm => bls12_381::g2_msm(input).map(|output| output.to_vec()),
        HostFunctionId::bls12_381_pairing => pairing(bls12_381::pairing(input)),
        HostFunctionId::bls12_381_map_fp_to_g1 => fixed(input, bls12_381::map_fp_to_g1),
        HostFunctionId::bls12_381_map_fp2_to_g2 => fixed(input, bls12_381::map_fp2_to_g2),
        other => unreachable!("{other:?} is no curve operation"),
    }
}
