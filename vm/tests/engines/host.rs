//! A deterministic host: what it answers depends on nothing but the arguments, the guest's memory and what came before.

use std::collections::BTreeMap;

use esker_abi::{HostFunction, HostFunctionId, Param};

use super::End;

/// What a call to another contract gives back: the word 1, which decoders take for `true`.
const RETURN_DATA: [u8; 32] = {
    let mut word = [0; 32];
    word[31] = 1;
    word
};

/// The host of one instance.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// The call's input.
    pub input: Vec<u8>,
    /// The module is a rewritten one: fuel is every function's last argument and result.
    pub metered: bool,
    pub trace: Vec<(HostFunctionId, Vec<u64>)>,
    /// Fuel that each call came with.
    pub gas_seen: Vec<i64>,
    /// Fuel charged.
    pub charged: u64,
    /// By how much fuel was below zero in the call that was refused for it.
    pub shortage: Option<i64>,
    /// Slots, plain and transient, by the function that writes them.
    pub storage: BTreeMap<(HostFunctionId, [u8; 32]), [u8; 32]>,
}

/// What the guest gets.
pub struct Served {
    pub result: Option<u64>,
    /// Fuel left, for a rewritten module.
    pub gas: Option<i64>,
}

impl Host {
    /// A host that gives `input` to the contract.
    pub fn new(input: &[u8]) -> Self {
        Self { input: input.to_vec(), ..Self::default() }
    }

    /// Serves a call with the arguments as they come, fuel last in a rewritten module.
    pub fn serve(
        &mut self,
        function: &'static HostFunction,
        arguments: &[u64],
        memory: &mut [u8],
    ) -> Result<Served, End> {
        let mut arguments = arguments.to_vec();
        let mut gas = None;
        if self.metered {
            let found = arguments.pop().expect("fuel is the last argument").cast_signed();
            if found < 0 {
                self.shortage = Some(found);
                return Err(End::OutOfGas);
            }
            self.gas_seen.push(found);
            let left = found - function.base_fuel.cast_signed();
            if left < 0 {
                self.shortage = Some(left);
                return Err(End::OutOfGas);
            }
            gas = Some(left);
        }
        self.charged += function.base_fuel;
        let answer = self.answer(function, &arguments, memory);
        self.trace.push((function.id, arguments));
        let answer = answer?;
        if function.diverges {
            return Err(End::Finished(function.id));
        }
        Ok(Served { result: function.result.map(|_| answer), gas })
    }

    fn answer(&mut self, function: &HostFunction, arguments: &[u64], memory: &mut [u8]) -> Result<u64, End> {
        let mut mixed = 0x9e37_79b9_7f4a_7c15_u64 ^ self.trace.len() as u64;
        for argument in arguments {
            mixed = (mixed ^ argument).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29);
        }
        let argument = |index: usize| arguments.get(index).copied().unwrap_or(0);
        match function.name {
            "input_size" => return Ok(self.input.len() as u64),
            "return_data_size" => return Ok(RETURN_DATA.len() as u64),
            "is_reentrant" => return Ok(0),
            "input_copy" => copy(memory, argument(0), &self.input, argument(1), argument(2))?,
            "return_data_copy" => copy(memory, argument(0), &RETURN_DATA, argument(1), argument(2))?,
            "storage_load" | "transient_load" => {
                let store = if function.name == "storage_load" { "storage_store" } else { "transient_store" };
                let store = esker_abi::find(store).expect("a row of the table").id;
                let key = word(memory, argument(0))?;
                let value = self.storage.get(&(store, key)).copied().unwrap_or_default();
                write(memory, argument(1), &value)?;
            }
            "storage_store" | "transient_store" => {
                let (key, value) = (word(memory, argument(0))?, word(memory, argument(1))?);
                self.storage.insert((function.id, key), value);
            }
            "keccak256" | "sha256" => {
                let (start, length) = (argument(0) as usize, argument(1) as usize);
                let bytes = start.checked_add(length).and_then(|end| memory.get(start..end)).ok_or(BAD_RANGE)?;
                let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                    (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
                });
                write(memory, argument(2), &spread(hash, 32))?;
            }
            name => {
                // Addresses are twenty bytes, everything else that is written a word.
                let length = if ["caller", "origin", "address", "coinbase"].contains(&name) { 20 } else { 32 };
                for ((_, kind), address) in function.params.iter().zip(arguments) {
                    if *kind == Param::Mut {
                        write(memory, *address, &spread(mixed, length))?;
                    }
                }
            }
        }
        Ok(mixed)
    }
}

const BAD_RANGE: End = End::Trap("argument");

/// `length` bytes that `seed` determines.
fn spread(seed: u64, length: usize) -> Vec<u8> {
    let words = (1_u64..).map(|index| seed.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(index)).rotate_left(31));
    words.flat_map(u64::to_le_bytes).take(length).collect()
}

fn word(memory: &[u8], address: u64) -> Result<[u8; 32], End> {
    let start = address as usize;
    memory.get(start..start + 32).and_then(|bytes| bytes.try_into().ok()).ok_or(BAD_RANGE)
}

fn write(memory: &mut [u8], address: u64, bytes: &[u8]) -> Result<(), End> {
    let start = address as usize;
    memory.get_mut(start..start + bytes.len()).ok_or(BAD_RANGE)?.copy_from_slice(bytes);
    Ok(())
}

fn copy(memory: &mut [u8], to: u64, source: &[u8], offset: u64, length: u64) -> Result<(), End> {
    let (start, length) = (offset as usize, length as usize);
    let bytes = start.checked_add(length).and_then(|end| source.get(start..end)).ok_or(BAD_RANGE)?;
    write(memory, to, bytes)
}
