//! near-vm-runner with the configuration of its newest protocol version: wasmtime's Winch on x86-64, pooled instances, its
//! gas instrumentation, compiled modules cached in memory, prepare and run for every call. Only the gas limits are raised,
//! which a single call of the heavier work would break.

use std::collections::BTreeMap;
use std::sync::Arc;

use near_parameters::vm::Config;
use near_parameters::{RuntimeConfigStore, RuntimeFeesConfig};
use near_primitives_core::account::AccountContract;
use near_primitives_core::code::ContractCode;
use near_primitives_core::hash::CryptoHash;
use near_primitives_core::types::{Balance, Gas};
use near_primitives_core::version::PROTOCOL_VERSION;
use near_vm_runner::logic::mocks::mock_external::MockedExternal;
use near_vm_runner::logic::{ReturnData, VMContext};
use near_vm_runner::{Contract, FilesystemContractRuntimeCache, noop_background_spawner};
use tempfile::TempDir;

use super::{Machine, NEAR, Ran, load_all};
use crate::work::{AMOUNT, RECIPIENT, SENDER, SUPPLY, Shims, Work, word};

const SHIMS: Shims = Shims {
    trivial: include_str!("../../wat/near/trivial.wat"),
    compute: include_str!("../../wat/near/compute.wat"),
    hashing: Some(include_str!("../../wat/near/hashing.wat")),
    token: include_str!("../../wat/near/token.wat"),
};

/// More than any work needs, with room for the sums that the runner forms.
const GAS: Gas = Gas::from_gas(1 << 60);

/// One deployed contract.
struct Deployed(Arc<ContractCode>);

impl Contract for Deployed {
    fn hash(&self) -> CryptoHash {
        *self.0.hash()
    }
    fn get_code(&self) -> Option<Arc<ContractCode>> {
        Some(self.0.clone())
    }
}

/// The runner's configuration, cache, contracts and state.
pub struct Near {
    config: Arc<Config>,
    fees: Arc<RuntimeFeesConfig>,
    cache: FilesystemContractRuntimeCache,
    contracts: BTreeMap<Work, Deployed>,
    /// nearcore's own stand-in for a trie: a hash map.
    world: MockedExternal,
    _folder: TempDir,
}

fn balance_key(account: [u8; 20]) -> Vec<u8> {
    [b"balance".as_slice(), &account].concat()
}

#[expect(clippy::arc_with_non_send_sync, reason = "the type is the runner's")]
fn context(input: &[u8]) -> VMContext {
    let account = |name: &str| name.parse().expect("a valid account");
    VMContext {
        current_account_id: account("token.near"),
        signer_account_id: account(&format!("0x{}", hex::encode(SENDER))),
        signer_account_pk: vec![0; 33],
        predecessor_account_id: account(&format!("0x{}", hex::encode(SENDER))),
        refund_to_account_id: account(&format!("0x{}", hex::encode(SENDER))),
        input: input.into(),
        promise_results: Arc::new([]),
        block_height: 1,
        block_timestamp: 1,
        epoch_height: 1,
        account_balance: Balance::from_near(1_000),
        account_locked_balance: Balance::ZERO,
        storage_usage: 10_000,
        account_contract: AccountContract::None,
        attached_deposit: Balance::ZERO,
        prepaid_gas: GAS,
        random_seed: vec![0; 32],
        view_config: None,
        output_data_receivers: Vec::new(),
    }
}

impl Near {
    /// Sets the runner up; modules compile at their first call.
    pub fn new() -> Self {
        let newest = RuntimeConfigStore::new(None).get_config(PROTOCOL_VERSION).clone();
        let mut config = (*newest.wasm_config).clone();
        config.limit_config.max_gas_burnt = GAS;
        let folder = tempfile::tempdir().expect("a folder");
        let cache = FilesystemContractRuntimeCache::with_memory_cache(
            folder.path(),
            None::<&str>,
            "contracts",
            256,
            None,
            1 << 30,
            noop_background_spawner(),
        )
        .expect("a cache");
        let contracts = load_all(&SHIMS, |_, wasm| Deployed(Arc::new(ContractCode::new(wasm, None))));
        let mut world = MockedExternal::new();
        world.fake_trie.insert(balance_key(SENDER), word(SUPPLY).to_vec());
        Self { config: Arc::new(config), fees: newest.fees.clone(), cache, contracts, world, _folder: folder }
    }
}

impl Machine for Near {
    fn name(&self) -> &'static str {
        NEAR
    }

    fn can(&self, work: Work) -> bool {
        self.contracts.contains_key(&work)
    }

    fn run(&mut self, work: Work, times: u32) -> Ran {
        let context = context(&work.input());
        let contract = &self.contracts[&work];
        let mut last = None;
        for _ in 0..times {
            let gas = context.make_gas_counter(&self.config);
            let prepared = near_vm_runner::prepare(contract, self.config.clone(), Some(&self.cache), gas, "call");
            let outcome = near_vm_runner::run(prepared, &mut self.world, &context, self.fees.clone())
                .unwrap_or_else(|error| panic!("{}: {error:?}", work.name()));
            assert!(outcome.aborted.is_none(), "{}: {:?}", work.name(), outcome.aborted);
            last = Some(outcome);
        }
        let last = last.expect("at least one call");
        if work == Work::Transfer {
            let event = [hex::encode(SENDER), hex::encode(RECIPIENT), hex::encode(word(AMOUNT))].concat();
            assert_eq!(last.logs, [event]);
        }
        let output = match last.return_data {
            ReturnData::Value(value) => value,
            _ => Vec::new(),
        };
        Ran { output, gas: last.burnt_gas.as_gas() }
    }

    fn balance(&mut self, _: Work, account: [u8; 20]) -> [u8; 32] {
        let value = self.world.fake_trie.get(&balance_key(account)).cloned().unwrap_or_else(|| vec![0; 32]);
        value.try_into().expect("32 bytes")
    }
}
