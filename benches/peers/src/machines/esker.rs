//! Esker's engine through its public interface: compiled modules cached in memory, gas metered by the instrumentation, a
//! fresh instance for every call from the engine's pool. All calls of a run share one session, as a block's do.

use std::collections::BTreeMap;

use esker_vm::abi::MeterVersion;
use esker_vm::{
    BlockContext, CallRequest, CallResult, Code, CreateRequest, CreateResult, Engine, EngineConfig, Entry, Frame, Host,
    HostError, Log, Meter, Outcome, TierPolicy, TransactionContext, envelope, execution,
};
use primitive_types::{H160, H256, U256};

use super::{Machine, Ran, load_all};
use crate::expected;
use crate::work::{AMOUNT, RECIPIENT, SENDER, SUPPLY, Shims, Work, address_word, balance_input, word};

/// The same modules run on wasmi.
pub(super) const SHIMS: Shims = Shims {
    trivial: include_str!("../../wat/esker/trivial.wat"),
    compute: include_str!("../../wat/esker/compute.wat"),
    hashing: Some(include_str!("../../wat/esker/hashing.wat")),
    token: include_str!("../../wat/esker/token.wat"),
};

/// The slot of an account's balance: Solidity's, for a mapping at slot 0.
pub(super) fn balance_slot(account: [u8; 20]) -> [u8; 32] {
    let key = [address_word(account), [0; 32]].concat();
    esker_vm::crypto::keccak256(&key)
}

/// More than any work needs.
const FUEL: u64 = 1 << 60;

/// Storage and events: what state costs is not what is compared here.
#[derive(Default)]
struct World {
    transaction: TransactionContext,
    block: BlockContext,
    slots: BTreeMap<H256, H256>,
    logs: u32,
    last_log: Option<Log>,
}

impl Host for World {
    fn transaction(&self) -> &TransactionContext {
        &self.transaction
    }
    fn block(&self) -> &BlockContext {
        &self.block
    }
    fn block_hash(&mut self, _: u64) -> Result<H256, HostError> {
        Ok(H256::zero())
    }
    fn storage_load(&mut self, key: H256, _: &mut Meter) -> Result<H256, HostError> {
        Ok(self.slots.get(&key).copied().unwrap_or_default())
    }
    fn storage_store(&mut self, key: H256, value: H256, _: &mut Meter) -> Result<(), HostError> {
        self.slots.insert(key, value);
        Ok(())
    }
    fn transient_load(&mut self, _: H256, _: &mut Meter) -> Result<H256, HostError> {
        Ok(H256::zero())
    }
    fn transient_store(&mut self, _: H256, _: H256, _: &mut Meter) -> Result<(), HostError> {
        Ok(())
    }
    fn balance(&mut self, _: H160, _: &mut Meter) -> Result<U256, HostError> {
        Ok(U256::zero())
    }
    fn code_hash(&mut self, _: H160, _: &mut Meter) -> Result<H256, HostError> {
        Ok(H256::zero())
    }
    fn code_size(&mut self, _: H160, _: &mut Meter) -> Result<u32, HostError> {
        Ok(0)
    }
    fn log(&mut self, log: Log, _: &mut Meter) -> Result<(), HostError> {
        self.logs += 1;
        self.last_log = Some(log);
        Ok(())
    }
    fn call(&mut self, _: CallRequest<'_>, _: &mut Meter) -> Result<CallResult, HostError> {
        Ok(CallResult::Halt)
    }
    fn create(&mut self, _: CreateRequest<'_>, _: &mut Meter) -> Result<CreateResult, HostError> {
        Ok(CreateResult::Halt)
    }
}

/// The contract library's ERC-20, as it is deployed.
const LIBRARY: &str = include_str!("../../../../tests/vectors/artifacts/Erc20.json");

/// The envelope in [`LIBRARY`].
fn library_envelope() -> Vec<u8> {
    let artifact: serde_json::Value = serde_json::from_str(LIBRARY).expect("JSON");
    let payload = artifact["bytecode"].as_str().and_then(|text| text.strip_prefix("0x")).expect("bytecode");
    hex::decode(payload).expect("hexadecimal")
}

/// The library's constructor's arguments: name, symbol, supply.
fn library_arguments() -> Vec<u8> {
    let text = |text: &str| [word(text.len() as u64).as_slice(), text.as_bytes(), &[0; 32]].concat()[..64].to_vec();
    [word(0x60).as_slice(), &word(0xa0), &word(SUPPLY), &text("Peers"), &text("PEER")].concat()
}

/// A contract and what it has stored.
struct Deployed {
    hash: H256,
    envelope: Vec<u8>,
    world: World,
}

/// Esker's engine and its contracts.
pub struct Esker {
    name: &'static str,
    engine: Engine,
    contracts: BTreeMap<Work, Deployed>,
}

impl Esker {
    /// Compiles every module by that policy before anything runs and gives the supply to the sender.
    pub fn new(name: &'static str, tiers: TierPolicy) -> Self {
        let engine = Engine::new(EngineConfig { tiers, ..EngineConfig::default() }).expect("the engine starts");
        let mut envelopes = load_all(&SHIMS, |_, wasm| envelope::encode(&wasm));
        envelopes.insert(Work::LibraryTransfer, library_envelope());
        let deployed = |(work, envelope): (Work, Vec<u8>)| {
            let hash = H256(esker_vm::crypto::keccak256(&envelope));
            execution(&engine, |session| session.prepare(Code { hash, envelope: &envelope, meter: MeterVersion::V1 }, u64::MAX))
                .unwrap_or_else(|error| panic!("{}: {error}", work.name()));
            (work, Deployed { hash, envelope, world: World::default() })
        };
        let contracts = envelopes.into_iter().map(deployed).collect();
        let mut esker = Self { name, engine, contracts };
        let slots = &mut esker.contract(Work::Transfer).world.slots;
        slots.insert(H256(balance_slot(SENDER)), H256(word(SUPPLY)));
        esker.execute(Work::LibraryTransfer, Entry::Deploy, library_arguments(), 1);
        esker
    }

    fn contract(&mut self, work: Work) -> &mut Deployed {
        self.contracts.get_mut(&work).expect("a contract for all work")
    }

    /// Executes frames of the contract that does `work` and gives what the last one did.
    fn execute(&mut self, work: Work, entry: Entry, input: Vec<u8>, times: u32) -> Ran {
        let frame = Frame { caller: H160(SENDER), input, ..Frame::default() };
        let Deployed { hash, envelope, world } = self.contracts.get_mut(&work).expect("a contract for all work");
        let code = Code { hash: *hash, envelope, meter: MeterVersion::V1 };
        world.logs = 0;
        execution(&self.engine, |session| {
            let mut ran = Ran { output: Vec::new(), gas: 0 };
            for _ in 0..times {
                let ended = session.execute(code, entry, &frame, world, FUEL);
                match ended.outcome {
                    Outcome::Return(output) => ran = Ran { output, gas: FUEL - ended.fuel_left },
                    other => panic!("{}: {other:?}", work.name()),
                }
            }
            ran
        })
    }
}

impl Machine for Esker {
    fn name(&self) -> &'static str {
        self.name
    }

    fn can(&self, _: Work) -> bool {
        true
    }

    fn run(&mut self, work: Work, times: u32) -> Ran {
        let ran = self.execute(work, Entry::Call, work.input(), times);
        let World { logs, last_log, .. } = &mut self.contract(work).world;
        assert_eq!(*logs, if work.is_transfer() { times } else { 0 }, "events");
        if work.is_transfer() {
            let topics = expected::topics(SENDER, RECIPIENT).map(H256).to_vec();
            assert_eq!(last_log.take(), Some(Log { topics, data: word(AMOUNT).to_vec() }));
        }
        ran
    }

    fn balance(&mut self, token: Work, account: [u8; 20]) -> [u8; 32] {
        if token == Work::LibraryTransfer {
            let ran = self.execute(token, Entry::Call, balance_input(account), 1);
            return ran.output.try_into().expect("a word");
        }
        self.contract(token).world.slots.get(&H256(balance_slot(account))).copied().unwrap_or_default().0
    }
}
