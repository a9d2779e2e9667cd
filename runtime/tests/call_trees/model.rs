//! What `docs/spec/gas.md` and `docs/spec/transactions.md` say of a transaction, once more and plainly: the whole state is
//! copied where a frame begins, and put back where it fails.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bytes, U256};
use esker_runtime::exec::{create_address, create2_address};
use esker_vm::CallKind;

use super::program::{Case, Ending, Op, Program, Sent, Target};
use super::state::{Account, State};
use super::world::{BENEFICIARY, signer};
use super::{Seen, ended, envelope_of, wei_per_gas};

const FUEL: u64 = 10_000;

pub struct Model<'c> {
    programs: &'c [Program],
    code: &'c (dyn Fn(u64) -> Bytes + Sync),
    pub state: State,
    depth: u32,
    /// Not part of the state: a guest's own memory of it.
    created: Option<Address>,
    pub seen: Vec<Seen>,
}

struct OutOfGas;

/// A frame's outcome and the gas that it leaves.
struct Left {
    ending: Ending,
    gas: u64,
}

const HALT: Left = Left { ending: Ending::Halt, gas: 0 };

struct Frame {
    own: Address,
    is_static: bool,
    fuel: u64,
}

impl Frame {
    fn charge_fuel(&mut self, fuel: u64) -> Result<(), OutOfGas> {
        match self.fuel.checked_sub(fuel) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => Err(OutOfGas),
        }
    }

    fn charge(&mut self, gas: u64) -> Result<(), OutOfGas> {
        self.charge_fuel(gas * FUEL)
    }

    fn refuse_static(&self) -> Result<(), OutOfGas> {
        if self.is_static { Err(OutOfGas) } else { Ok(()) }
    }
}

/// What there is to run.
enum Reached {
    Nothing,
    Precompile,
    Code(Bytes),
}

/// Gas of a precompiled contract for the eight bytes that programs are named by; `None` if it refuses them.
fn precompile_gas(number: u8) -> Option<u64> {
    let row = |id: esker_abi::HostFunctionId| (id.row().base_fuel + 8 * id.row().byte_fuel).div_ceil(FUEL);
    match number {
        2 => Some((60 + 12).max(row(esker_abi::HostFunctionId::sha256))),
        4 => Some(15 + 3),
        0x0c => None,
        _ => unreachable!("no such target"),
    }
}

fn is_precompile(address: Address) -> bool {
    [2, 4, 0x0c].map(Address::with_last_byte).contains(&address)
}

/// Bytes that the header promises, and bytes of the stream.
fn header(code: &[u8]) -> (u64, u64) {
    let number = |at: usize| u32::from_be_bytes(code[at..at + 4].try_into().expect("a header"));
    (number(5).into(), number(9).into())
}

impl<'c> Model<'c> {
    pub fn new(case: &'c Case, state: State, code: &'c (dyn Fn(u64) -> Bytes + Sync)) -> Self {
        Self { programs: &case.programs, code, state, depth: 0, created: None, seen: Vec::new() }
    }

    fn account(&mut self, address: Address) -> &mut Account {
        self.state.accounts.entry(address).or_default()
    }

    fn move_value(&mut self, from: Address, to: Address, value: u64) {
        self.account(from).balance -= U256::from(value);
        self.account(to).balance += U256::from(value);
    }

    /// Executes a transaction that is valid; gives status and gas used.
    pub fn transaction(&mut self, sent: &Sent) -> (Ending, u64) {
        let sender = signer(0);
        self.created = None;
        let input = (sent.program as u64).to_be_bytes();
        let own = Address::ZERO;
        let payload = match sent.target {
            Some(_) => input.to_vec(),
            None => [&(self.code)(sent.complexity)[..], &input].concat(),
        };
        let zeros = payload.iter().filter(|byte| **byte == 0).count() as u64;
        let others = payload.len() as u64 - zeros;
        let keys: u64 = sent.warm.iter().map(|(_, keys)| keys.len() as u64).sum();
        let intrinsic = 21_000
            + if sent.target.is_none() { 32_000 } else { 0 }
            + 4 * zeros
            + 16 * others
            + 2_400 * sent.warm.len() as u64
            + 1_900 * keys;
        let floor = 21_000 + 10 * (zeros + 4 * others);

        self.state.original = self.state.slots.clone();
        self.state.transient.clear();
        self.state.warm = BTreeSet::from([sender, BENEFICIARY]);
        self.state.warm_slots.clear();
        self.state.used_codes.clear();
        self.state.refund = 0;
        for (target, keys) in &sent.warm {
            let address = target.address(own, None);
            self.state.warm.insert(address);
            self.state.warm_slots.extend(keys.iter().map(|key| (address, *key)));
        }
        self.account(sender).balance -= U256::from(sent.gas_limit) * wei_per_gas();

        let gas = sent.gas_limit - intrinsic;
        let left = match sent.target {
            Some(target) => {
                let target = target.address(own, None);
                self.account(sender).nonce += 1;
                self.state.warm.insert(target);
                let mut meter = Frame { own, is_static: false, fuel: gas * FUEL };
                match self.reach(target, &mut meter) {
                    Err(OutOfGas) => HALT,
                    Ok(code) => {
                        let gas = meter.fuel / FUEL;
                        self.call(CallKind::Call, sender, target, target, &code, sent.value, sent.program, false, gas)
                    }
                }
            }
            None => match gas.checked_sub(950) {
                None => {
                    self.account(sender).nonce += 1;
                    HALT
                }
                Some(gas) => self.create(sender, sent.value, &payload, None, sent.program, sent.complexity, gas),
            },
        };
        let spent = sent.gas_limit - left.gas;
        let refund = u64::try_from(self.state.refund).unwrap_or(0).min(spent / 5);
        let used = (spent - refund).max(floor);
        self.account(sender).balance += U256::from(sent.gas_limit - used) * wei_per_gas();
        self.account(BENEFICIARY).balance += U256::from(used);
        (left.ending, used)
    }

    fn reach(&mut self, target: Address, frame: &mut Frame) -> Result<Reached, OutOfGas> {
        if is_precompile(target) {
            return Ok(Reached::Precompile);
        }
        let Some(code) = self.account(target).code.clone() else { return Ok(Reached::Nothing) };
        frame.charge(950)?;
        self.use_code(target, &code, frame)?;
        Ok(Reached::Code(code))
    }

    fn use_code(&mut self, target: Address, code: &Bytes, frame: &mut Frame) -> Result<(), OutOfGas> {
        if !self.state.used_codes.contains(&target) {
            // What promises more than a module may have is no envelope to anybody; no more is asked than for the largest.
            let bytes = header(code).0.min(262_144).max(code.len() as u64);
            frame.charge_fuel(500 * bytes)?;
            self.state.used_codes.insert(target);
        }
        Ok(())
    }

    fn access(&mut self, address: Address, frame: &mut Frame) -> Result<(), OutOfGas> {
        let warm = is_precompile(address) || self.state.warm.contains(&address);
        frame.charge(if warm { 100 } else { 2_600 })?;
        self.state.warm.insert(address);
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "the specification's")]
    fn call(
        &mut self,
        kind: CallKind,
        from: Address,
        own: Address,
        target: Address,
        code: &Reached,
        value: u64,
        program: usize,
        is_static: bool,
        gas: u64,
    ) -> Left {
        let before = self.state.clone();
        self.depth += 1;
        self.seen.push(Seen::Begins { gas });
        if kind == CallKind::Call {
            self.move_value(from, own, value);
        }
        let left = match code {
            Reached::Nothing => Left { ending: Ending::Return, gas },
            Reached::Precompile => match precompile_gas(target.0[19]).and_then(|price| gas.checked_sub(price)) {
                Some(gas) => Left { ending: Ending::Return, gas },
                None => HALT,
            },
            Reached::Code(code) if super::is_liar(code) => HALT,
            Reached::Code(_) => self.run(program, own, is_static, gas * FUEL),
        };
        self.end(before, gas, left)
    }

    fn end(&mut self, before: State, gas: u64, left: Left) -> Left {
        self.depth -= 1;
        if !matches!(left.ending, Ending::Return) {
            self.state = before;
        }
        self.seen.push(Seen::Ends { status: ended(left.ending), used: gas - left.gas });
        left
    }

    fn run(&mut self, program: usize, own: Address, is_static: bool, fuel: u64) -> Left {
        let mut frame = Frame { own, is_static, fuel };
        let program = &self.programs[program];
        for op in &program.ops {
            if self.step(op, &mut frame).is_err() {
                return HALT;
            }
            self.seen.push(Seen::Fuel(frame.fuel));
        }
        match program.ending {
            Ending::Halt => HALT,
            ending => Left { ending, gas: frame.fuel / FUEL },
        }
    }

    fn step(&mut self, op: &Op, frame: &mut Frame) -> Result<(), OutOfGas> {
        let (own, created) = (frame.own, self.created);
        let place = |target: &Target| target.address(own, created);
        match op {
            Op::Burn { fuel } => frame.charge_fuel(*fuel),
            Op::Call { kind, target, gas, value, program } => {
                self.host_call(*kind, place(target), *gas, *value, *program, frame)
            }
            Op::Create { value, salt, complexity, promise, program } => {
                self.host_create(*value, *salt, *complexity, *promise, *program, frame)
            }
            Op::Load { slot } => {
                let warm = !self.state.warm_slots.insert((own, *slot));
                frame.charge(if warm { 100 } else { 2_100 })
            }
            Op::Store { slot, value } => self.store((own, *slot), *value, frame),
            Op::TransientStore { slot, value } => {
                frame.refuse_static()?;
                frame.charge(100)?;
                self.state.transient.insert((own, *slot), *value);
                Ok(())
            }
            Op::TransientLoad { slot } => {
                frame.charge(100)?;
                let value = self.state.transient.get(&(own, *slot)).copied().unwrap_or_default();
                self.seen.push(Seen::Number(value));
                Ok(())
            }
            Op::Balance(target) => {
                self.access(place(target), frame)?;
                let balance = self.account(place(target)).balance;
                self.seen.push(Seen::Number(balance.wrapping_to()));
                Ok(())
            }
            Op::CodeHash(target) => self.access(place(target), frame),
            Op::CodeSize(target) => {
                self.access(place(target), frame)?;
                let code = self.account(place(target)).code.clone();
                if let Some(code) = &code {
                    self.use_code(place(target), code, frame)?;
                }
                self.seen.push(Seen::Number(code.map_or(0, |code| code.len() as u64)));
                Ok(())
            }
            Op::Log { topics, bytes } => {
                frame.refuse_static()?;
                frame.charge(375 + 375 * *topics as u64 + 8 * *bytes as u64)?;
                self.state.logs += 1;
                Ok(())
            }
        }
    }

    fn store(&mut self, key: (Address, u64), new: u64, frame: &mut Frame) -> Result<(), OutOfGas> {
        frame.refuse_static()?;
        if frame.fuel / FUEL <= 2_300 {
            return Err(OutOfGas);
        }
        if !self.state.warm_slots.contains(&key) {
            frame.charge(2_100)?;
        }
        self.state.warm_slots.insert(key);
        let original = self.state.original.get(&key).copied().unwrap_or_default();
        let current = self.state.slots.get(&key).copied().unwrap_or_default();
        let (gas, refund) = if new == current {
            (100, 0)
        } else if current == original {
            match original {
                0 => (20_000, 0),
                _ => (2_900, if new == 0 { 4_800 } else { 0 }),
            }
        } else {
            let mut refund = 0;
            if original != 0 && current == 0 {
                refund -= 4_800;
            } else if original != 0 && new == 0 {
                refund += 4_800;
            }
            if new == original {
                refund += if original == 0 { 20_000 - 100 } else { 2_900 - 100 };
            }
            (100, refund)
        };
        frame.charge(gas)?;
        self.state.refund += refund;
        self.state.slots.insert(key, new);
        Ok(())
    }

    fn host_call(
        &mut self,
        kind: CallKind,
        target: Address,
        asked: u64,
        value: u64,
        program: usize,
        frame: &mut Frame,
    ) -> Result<(), OutOfGas> {
        if value > 0 {
            frame.refuse_static()?;
        }
        self.access(target, frame)?;
        if value > 0 {
            frame.charge(9_000)?;
            if self.account(target).is_empty() {
                frame.charge(25_000)?;
            }
        }
        let code = self.reach(target, frame)?;
        let laid_down = if matches!(code, Reached::Code(_)) { 2_000 } else { 0 };
        frame.charge(laid_down)?;
        let most = frame.fuel / FUEL;
        let mut gas = asked.min(most - most / 64);
        frame.charge(gas)?;
        if value > 0 {
            gas += 2_300;
        }
        if U256::from(value) > self.account(frame.own).balance || self.depth == 256 {
            frame.fuel += (gas + laid_down) * FUEL;
            self.seen.push(Seen::Number(2));
            return Ok(());
        }
        let own = if kind == CallKind::Delegate { frame.own } else { target };
        let is_static = frame.is_static || kind == CallKind::Static;
        let left = self.call(kind, frame.own, own, target, &code, value, program, is_static, gas);
        frame.fuel += left.gas * FUEL;
        if !matches!(left.ending, Ending::Halt) {
            frame.fuel += laid_down * FUEL;
        }
        self.seen.push(Seen::Number(ended(left.ending).into()));
        Ok(())
    }

    fn host_create(
        &mut self,
        value: u64,
        salt: Option<u64>,
        complexity: u64,
        promise: Option<u32>,
        program: usize,
        frame: &mut Frame,
    ) -> Result<(), OutOfGas> {
        let code = envelope_of(&(self.code)(complexity), promise);
        let payload = [&code[..], &(program as u64).to_be_bytes()].concat();
        frame.refuse_static()?;
        frame.charge(32_000)?;
        if salt.is_some() {
            frame.charge(6 * (payload.len() as u64).div_ceil(32))?;
        }
        frame.charge(950)?;
        let most = frame.fuel / FUEL;
        let gas = most - most / 64;
        frame.charge(gas)?;
        if U256::from(value) > self.account(frame.own).balance || self.depth == 256 {
            frame.fuel += gas * FUEL;
            self.seen.push(Seen::Number(2));
            return Ok(());
        }
        let left = self.create(frame.own, value, &payload, salt, program, complexity, gas);
        frame.fuel += left.gas * FUEL;
        self.seen.push(Seen::Number(ended(left.ending).into()));
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "the specification's")]
    fn create(
        &mut self,
        creator: Address,
        value: u64,
        payload: &[u8],
        salt: Option<u64>,
        program: usize,
        complexity: u64,
        gas: u64,
    ) -> Left {
        let nonce = self.account(creator).nonce;
        let address = match salt {
            None => create_address(creator, nonce),
            Some(salt) => create2_address(creator, B256::from(U256::from(salt)), payload),
        };
        self.account(creator).nonce += 1;
        self.state.warm.insert(address);
        let before = self.state.clone();
        self.depth += 1;
        self.seen.push(Seen::Begins { gas });
        let left = self.run_create(creator, address, value, payload, program, complexity, gas);
        if matches!(left.ending, Ending::Return) && self.depth > 1 {
            self.created = Some(address);
        }
        self.end(before, gas, left)
    }

    #[allow(clippy::too_many_arguments, reason = "the specification's")]
    fn run_create(
        &mut self,
        creator: Address,
        address: Address,
        value: u64,
        payload: &[u8],
        program: usize,
        complexity: u64,
        gas: u64,
    ) -> Left {
        let there = self.account(address).clone();
        if there.nonce != 0 || there.code.is_some() {
            return HALT;
        }
        self.account(address).nonce = 1;
        self.move_value(creator, address, value);
        let (raw, stream) = header(payload);
        let code = &payload[..13 + stream as usize];
        if super::is_liar(code) {
            return HALT;
        }
        let price = 20 * FUEL * raw.max(stream) + 100_000 * complexity;
        let Some(fuel) = (gas * FUEL).checked_sub(price) else { return HALT };
        let left = self.run(program, address, false, fuel);
        if matches!(left.ending, Ending::Return) {
            self.account(address).code = Some(Bytes::copy_from_slice(code));
            self.state.used_codes.insert(address);
        }
        left
    }
}
