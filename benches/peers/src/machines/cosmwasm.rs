//! cosmwasm-vm: Wasmer's single-pass compiler, its metering middleware, modules pinned in memory, an instance for every
//! call, the backend taken back from it afterwards. That is how wasmd runs contracts that a chain pinned.

use std::collections::BTreeMap;

use cosmwasm_std::{Checksum, Order, Record};
use cosmwasm_vm::testing::{MockApi, MockQuerier, mock_env};
use cosmwasm_vm::{
    Backend, BackendError, BackendResult, Cache, CacheOptions, GasInfo, InstanceOptions, Size, Storage,
    call_execute_raw, capabilities_from_csv, to_vec,
};
use tempfile::TempDir;

use super::{COSMWASM, Machine, Ran, load_all};
use crate::work::{AMOUNT, RECIPIENT, SENDER, SUPPLY, Shims, Work, word};

const SHIMS: Shims = Shims {
    trivial: include_str!("../../wat/cosmwasm/trivial.wat"),
    compute: include_str!("../../wat/cosmwasm/compute.wat"),
    hashing: None,
    token: include_str!("../../wat/cosmwasm/token.wat"),
};

const OPTIONS: InstanceOptions = InstanceOptions { gas_limit: 1 << 60 };

/// Contract storage in memory.
#[derive(Default)]
struct Slots(BTreeMap<Vec<u8>, Vec<u8>>);

impl Storage for Slots {
    fn get(&self, key: &[u8]) -> BackendResult<Option<Vec<u8>>> {
        (Ok(self.0.get(key).cloned()), GasInfo::with_externally_used(1))
    }
    fn scan(&mut self, _: Option<&[u8]>, _: Option<&[u8]>, _: Order) -> BackendResult<u32> {
        (Err(BackendError::unknown("not used here")), GasInfo::free())
    }
    fn next(&mut self, id: u32) -> BackendResult<Option<Record>> {
        (Err(BackendError::iterator_does_not_exist(id)), GasInfo::free())
    }
    fn set(&mut self, key: &[u8], value: &[u8]) -> BackendResult<()> {
        self.0.insert(key.to_vec(), value.to_vec());
        (Ok(()), GasInfo::with_externally_used(1))
    }
    fn remove(&mut self, key: &[u8]) -> BackendResult<()> {
        self.0.remove(key);
        (Ok(()), GasInfo::with_externally_used(1))
    }
}

type World = Backend<MockApi, Slots, MockQuerier>;

/// A cache with all modules pinned.
pub struct CosmWasm {
    cache: Cache<MockApi, Slots, MockQuerier>,
    checksums: BTreeMap<Work, Checksum>,
    /// Lent to the instance for each call.
    world: Option<World>,
    env: Vec<u8>,
    info: Vec<u8>,
    _folder: TempDir,
}

fn balance_key(account: [u8; 20]) -> Vec<u8> {
    [b"balance".as_slice(), &account].concat()
}

impl CosmWasm {
    /// Stores and pins every module.
    #[expect(unsafe_code, reason = "the cache believes what it finds in its folder")]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = CacheOptions::new(
            folder.path(),
            capabilities_from_csv("iterator,staking"),
            Size::mebi(200),
            Size::mebi(32),
        );
        // SAFETY: the folder was made just now, with access for this user alone; nothing else writes to it.
        let cache = unsafe { Cache::new(options) }.expect("a cache");
        let checksums = load_all(&SHIMS, |_, wasm| {
            let checksum = cache.store_code(&wasm, true, true).expect("acceptable");
            cache.pin(&checksum).expect("pinned");
            checksum
        });
        let storage = Slots(BTreeMap::from([(balance_key(SENDER), word(SUPPLY).to_vec())]));
        Self {
            cache,
            checksums,
            world: Some(Backend { api: MockApi::default(), storage, querier: MockQuerier::new(&[]) }),
            env: to_vec(&mock_env()).expect("serialises"),
            info: format!(r#"{{"sender":"{}","funds":[]}}"#, hex::encode(SENDER)).into_bytes(),
            _folder: folder,
        }
    }
}

impl Machine for CosmWasm {
    fn name(&self) -> &'static str {
        COSMWASM
    }

    fn can(&self, work: Work) -> bool {
        self.checksums.contains_key(&work)
    }

    fn run(&mut self, work: Work, times: u32) -> Ran {
        let message = work.input();
        let mut ran = Ran { output: Vec::new(), gas: 0 };
        for _ in 0..times {
            let world = self.world.take().expect("the last call gave it back");
            let mut instance = self.cache.get_instance(&self.checksums[&work], world, OPTIONS).expect("an instance");
            let output = call_execute_raw(&mut instance, &self.env, &self.info, &message)
                .unwrap_or_else(|error| panic!("{}: {error}", work.name()));
            // wasmd asks for the same report after every call.
            let gas = instance.create_gas_report();
            ran = Ran { output, gas: gas.limit - gas.remaining };
            self.world = instance.recycle();
        }
        if work == Work::Transfer {
            // The event follows the result.
            let event = ran.output.split_off(32);
            assert_eq!(event, [SENDER.as_slice(), &RECIPIENT, &word(AMOUNT)].concat());
        }
        ran
    }

    fn balance(&mut self, _: Work, account: [u8; 20]) -> [u8; 32] {
        let storage = self.world.as_ref().map(|world| &world.storage.0).expect("the last call gave it back");
        let value = storage.get(&balance_key(account)).cloned().unwrap_or_else(|| vec![0; 32]);
        value.try_into().expect("32 bytes")
    }
}
