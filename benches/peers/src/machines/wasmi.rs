//! wasmi, an interpreter: modules translated once, its own fuel metering on, a fresh store and instance for every call. It
//! has no contract interface of its own, so it runs Esker's modules, with as much of the interface as they use.

use std::collections::BTreeMap;

use ::wasmi::{Caller, Config, Engine, Error, Extern, Linker, Memory, Module, Store};

use super::esker::{SHIMS, balance_slot};
use super::{Machine, Ran, WASMI, load_all};
use crate::expected;
use crate::work::{AMOUNT, RECIPIENT, SENDER, SUPPLY, Work, word};

const FUEL: u64 = 1 << 60;

/// One call's data, with the storage lent to it.
#[derive(Default)]
struct Call {
    memory: Option<Memory>,
    input: Vec<u8>,
    output: Vec<u8>,
    slots: BTreeMap<[u8; 32], [u8; 32]>,
    /// Topics and data.
    logs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// wasmi's engine, modules and linker.
pub struct Wasmi {
    engine: Engine,
    modules: BTreeMap<Work, Module>,
    linker: Linker<Call>,
    slots: BTreeMap<[u8; 32], [u8; 32]>,
}

/// The guest's memory beside the call's data.
fn parts<'a>(caller: &'a mut Caller<'_, Call>) -> Result<(&'a mut [u8], &'a mut Call), Error> {
    let memory = caller.data().memory.ok_or_else(|| Error::new("no memory"))?;
    Ok(memory.data_and_store_mut(caller))
}

fn range(memory: &mut [u8], at: i32, length: usize) -> Result<&mut [u8], Error> {
    let at = at as u32 as usize;
    memory.get_mut(at..at + length).ok_or_else(|| Error::new("outside memory"))
}

fn read<const N: usize>(memory: &mut [u8], at: i32) -> Result<[u8; N], Error> {
    let bytes: &[u8] = range(memory, at, N)?;
    Ok(bytes.try_into().expect("a range of N bytes"))
}

fn linker(engine: &Engine) -> Result<Linker<Call>, Error> {
    let mut linker = Linker::new(engine);
    let module = "esker_v1";
    linker.func_wrap(module, "input_copy", |mut caller: Caller<'_, Call>, to: i32, offset: i32, length: i32| {
        let (memory, call) = parts(&mut caller)?;
        let (offset, length) = (offset as u32 as usize, length as u32 as usize);
        let input = call.input.get(offset..offset + length).ok_or_else(|| Error::new("outside the input"))?;
        range(memory, to, length)?.copy_from_slice(input);
        Ok::<(), Error>(())
    })?;
    linker.func_wrap(module, "caller", |mut caller: Caller<'_, Call>, to: i32| {
        range(parts(&mut caller)?.0, to, 20)?.copy_from_slice(&SENDER);
        Ok::<(), Error>(())
    })?;
    linker.func_wrap(module, "keccak256", |mut caller: Caller<'_, Call>, from: i32, length: i32, to: i32| {
        let memory = parts(&mut caller)?.0;
        let hash = esker_vm::crypto::keccak256(range(memory, from, length as u32 as usize)?);
        range(memory, to, 32)?.copy_from_slice(&hash);
        Ok::<(), Error>(())
    })?;
    linker.func_wrap(module, "storage_load", |mut caller: Caller<'_, Call>, key: i32, to: i32| {
        let (memory, call) = parts(&mut caller)?;
        let value = call.slots.get(&read(memory, key)?).copied().unwrap_or_default();
        range(memory, to, 32)?.copy_from_slice(&value);
        Ok::<(), Error>(())
    })?;
    linker.func_wrap(module, "storage_store", |mut caller: Caller<'_, Call>, key: i32, value: i32| {
        let (memory, call) = parts(&mut caller)?;
        call.slots.insert(read(memory, key)?, read(memory, value)?);
        Ok::<(), Error>(())
    })?;
    linker.func_wrap(
        module,
        "log",
        |mut caller: Caller<'_, Call>, topics: i32, count: i32, data: i32, length: i32| {
            let (memory, call) = parts(&mut caller)?;
            let topics = range(memory, topics, 32 * count as u32 as usize)?.to_vec();
            let data = range(memory, data, length as u32 as usize)?.to_vec();
            call.logs.push((topics, data));
            Ok::<(), Error>(())
        },
    )?;
    linker.func_wrap(module, "set_output", |mut caller: Caller<'_, Call>, from: i32, length: i32| {
        let (memory, call) = parts(&mut caller)?;
        call.output = range(memory, from, length as u32 as usize)?.to_vec();
        Ok::<(), Error>(())
    })?;
    Ok(linker)
}

impl Wasmi {
    /// Translates every module.
    pub fn new() -> Self {
        let mut config = Config::default();
        config.consume_fuel(true);
        let engine = Engine::new(&config);
        let modules = load_all(&SHIMS, |_, wasm| Module::new(&engine, &wasm).expect("a valid module"));
        let linker = linker(&engine).expect("every name is defined once");
        Self { engine, modules, linker, slots: BTreeMap::from([(balance_slot(SENDER), word(SUPPLY))]) }
    }

    fn call(&mut self, work: Work, input: &[u8]) -> Result<(Call, u64), Error> {
        let call = Call { input: input.to_vec(), slots: std::mem::take(&mut self.slots), ..Call::default() };
        let mut store = Store::new(&self.engine, call);
        store.set_fuel(FUEL)?;
        let instance = self.linker.instantiate_and_start(&mut store, &self.modules[&work])?;
        store.data_mut().memory = instance.get_export(&store, "memory").and_then(Extern::into_memory);
        instance.get_typed_func::<(), ()>(&store, "call")?.call(&mut store, ())?;
        let gas = FUEL - store.get_fuel()?;
        let mut call = store.into_data();
        self.slots = std::mem::take(&mut call.slots);
        Ok((call, gas))
    }
}

impl Machine for Wasmi {
    fn name(&self) -> &'static str {
        WASMI
    }

    /// It has no hash function of its own.
    fn can(&self, work: Work) -> bool {
        work != Work::HostKeccak && self.modules.contains_key(&work)
    }

    fn run(&mut self, work: Work, times: u32) -> Ran {
        let input = work.input();
        let mut last = None;
        for _ in 0..times {
            last = Some(self.call(work, &input).unwrap_or_else(|error| panic!("{}: {error}", work.name())));
        }
        let (Call { output, logs, .. }, gas) = last.expect("at least one call");
        let topics = || expected::topics(SENDER, RECIPIENT).concat();
        let event = work.is_transfer().then(|| (topics(), word(AMOUNT).to_vec()));
        assert_eq!(logs, Vec::from_iter(event), "events");
        Ran { output, gas }
    }

    fn balance(&mut self, _: Work, account: [u8; 20]) -> [u8; 32] {
        self.slots.get(&balance_slot(account)).copied().unwrap_or_default()
    }
}
