//! How cases are written: contracts from a few lines of text, transactions of one account, and how they must end.

use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, Bytes, U256};
use esker_abi::{HOST_FUNCTIONS, HostFunction, Param};
use esker_runtime::genesis::GenesisAccount;
use esker_vm::{Halt, envelope};

use crate::format::{End, Module, Sent, Vector};
use crate::world::word;

/// Who sends.
pub const SENDER: Address = Address::repeat_byte(0x5e);
/// The contract that is called.
pub const CONTRACT: Address = Address::repeat_byte(0xc0);
/// Another contract.
pub const OTHER: Address = Address::repeat_byte(0xc1);
/// An account that nobody has heard of.
pub const NOBODY: Address = Address::repeat_byte(0x99);

/// How a case must end, whatever the prices.
#[derive(Clone, Debug)]
enum Wanted {
    /// With this output, if it is given.
    Success(Option<Vec<u8>>),
    Revert(Option<Vec<u8>>),
    Halt(Halt),
    /// No block may carry it; the reason begins so.
    Invalid(&'static str),
}

/// A vector before it is run, and how it must end.
pub struct Case {
    pub name: String,
    vector: Vector,
    wanted: Wanted,
}

impl Case {
    /// A call of [`CONTRACT`] with ample gas.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let rich = GenesisAccount { balance: U256::from(10).pow(U256::from(18)), ..GenesisAccount::default() };
        let transaction = Sent {
            from: SENDER,
            to: Some(CONTRACT),
            nonce: 0,
            gas_limit: 3_000_000,
            max_fee_per_gas: 100,
            max_priority_fee_per_gas: 1,
            value: U256::ZERO,
            input: Bytes::new(),
            access_list: AccessList::default(),
        };
        let vector = Vector {
            name: name.clone(),
            about: String::new(),
            transaction,
            pre: [(SENDER, rich)].into(),
            modules: Vec::new(),
            expect: End::default(),
        };
        Self { name, vector, wanted: Wanted::Success(None) }
    }

    /// A call of a contract with this text.
    pub fn of(name: impl Into<String>, text: &str) -> Self {
        Self::new(name).with(CONTRACT, text)
    }

    pub fn about(mut self, about: &str) -> Self {
        self.vector.about = about.to_owned();
        self
    }

    /// Puts a contract with this text at `address`.
    pub fn with(mut self, address: Address, text: &str) -> Self {
        let wasm = wasm(text);
        let account = self.vector.pre.entry(address).or_default();
        (account.nonce, account.code) = (1, envelope::encode(&wasm).into());
        self.vector.modules.push(Module { at: Some(address), wat: Some(text.to_owned()), wasm: wasm.into() });
        self
    }

    pub fn account(mut self, address: Address, change: impl FnOnce(&mut GenesisAccount)) -> Self {
        change(self.vector.pre.entry(address).or_default());
        self
    }

    pub fn balance(self, address: Address, wei: u64) -> Self {
        self.account(address, |account| account.balance = U256::from(wei))
    }

    pub fn slot(self, address: Address, slot: u64, value: u64) -> Self {
        self.account(address, |account| {
            account.storage.insert(word(slot), word(value));
        })
    }

    pub fn send(mut self, change: impl FnOnce(&mut Sent)) -> Self {
        change(&mut self.vector.transaction);
        self
    }

    pub fn input(self, input: impl Into<Bytes>) -> Self {
        self.send(|sent| sent.input = input.into())
    }

    pub fn gas(self, gas_limit: u64) -> Self {
        self.send(|sent| sent.gas_limit = gas_limit)
    }

    pub fn value(self, wei: u64) -> Self {
        self.send(|sent| sent.value = U256::from(wei))
    }

    /// A creation from a module with this text, and constructor arguments.
    pub fn creating(name: impl Into<String>, text: &str, arguments: &[u8]) -> Self {
        let wasm = wasm(text);
        let payload = [&envelope::encode(&wasm)[..], arguments].concat();
        let mut case = Self::new(name).input(payload).send(|sent| sent.to = None);
        case.vector.modules.push(Module { at: None, wat: Some(text.to_owned()), wasm: wasm.into() });
        case
    }

    /// Leaves the modules' readable forms out, for code that is not what they say.
    pub fn without_modules(mut self) -> Self {
        self.vector.modules.clear();
        self
    }

    pub fn gives(mut self, output: impl Into<Vec<u8>>) -> Self {
        self.wanted = Wanted::Success(Some(output.into()));
        self
    }

    pub fn reverts(mut self) -> Self {
        self.wanted = Wanted::Revert(None);
        self
    }

    pub fn reverts_with(mut self, output: impl Into<Vec<u8>>) -> Self {
        self.wanted = Wanted::Revert(Some(output.into()));
        self
    }

    pub fn halts(mut self, halt: Halt) -> Self {
        self.wanted = Wanted::Halt(halt);
        self
    }

    pub fn invalid(mut self, reason: &'static str) -> Self {
        self.wanted = Wanted::Invalid(reason);
        self
    }

    pub fn vector(&self) -> Vector {
        self.vector.clone()
    }

    /// Whether an end is the one that the case is about.
    pub fn meets(&self, end: &End) -> Result<(), String> {
        let reason = end.reason.as_deref().unwrap_or_default();
        let output_is = |wanted: &Option<Vec<u8>>| wanted.as_ref().is_none_or(|wanted| *wanted == end.output.to_vec());
        let met = match &self.wanted {
            Wanted::Success(output) => end.status == "success" && output_is(output),
            Wanted::Revert(output) => end.status == "revert" && output_is(output),
            Wanted::Halt(halt) => end.status == "halt" && reason == halt.to_string(),
            Wanted::Invalid(words) => end.status == "invalid" && reason.starts_with(words),
        };
        if met { Ok(()) } else { Err(format!("wanted {:?}, found {end:?}", self.wanted)) }
    }
}

/// Translates the text format.
pub fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The text of an import.
fn import(row: &HostFunction) -> String {
    let kind = |kind: Param| if kind == Param::I64 { "i64" } else { "i32" };
    let params: String = row.params.iter().map(|(_, param)| format!(" {}", kind(*param))).collect();
    let params = if params.is_empty() { params } else { format!(" (param{params})") };
    let result = row.result.map_or(String::new(), |result| format!(" (result {})", kind(result)));
    format!("  (import \"esker_v1\" \"{0}\" (func ${0}{params}{result}))\n", row.name)
}

/// Whether `text` names `$name`.
fn names(text: &str, name: &str) -> bool {
    let name = format!("${name}");
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
    text.match_indices(&name).any(|(at, found)| ends(&text[at + found.len()..]))
}

/// A module of these fields, with the imports that they name, and a memory of `pages`.
pub fn module(pages: u32, fields: &str) -> String {
    let imports: String = HOST_FUNCTIONS.iter().filter(|row| names(fields, row.name)).map(import).collect();
    format!("(module\n{imports}  (memory (export \"memory\") {pages})\n{fields})\n")
}

/// A module whose `call` is `body`.
pub fn contract(body: &str) -> String {
    contract_with("", body)
}

/// A module whose `call` is `body`, beside more fields.
pub fn contract_with(fields: &str, body: &str) -> String {
    let fields = if fields.is_empty() { String::new() } else { format!("  {fields}\n") };
    module(2, &format!("{fields}  (func (export \"call\")\n    {body})"))
}

/// A module whose `call` is `body` and that hands out numbers: `$gas` notes the gas left, `$put` a number. Eight bytes
/// each, little-endian, in order. Memory below 4,096 is the body's.
pub fn noting(fields: &str, body: &str) -> String {
    let fields = format!(
        "(global $at (mut i32) (i32.const 4096))
  (func $put (param $number i64)
    (i64.store (global.get $at) (local.get $number))
    (global.set $at (i32.add (global.get $at) (i32.const 8))))
  (func $status (param $number i32) (call $put (i64.extend_i32_u (local.get $number))))
  (func $gas (call $put (call $gas_left)))
  {fields}"
    );
    let body = format!(
        "{body}
    (call $finish (i32.const 4096) (i32.sub (global.get $at) (i32.const 4096)))"
    );
    contract_with(&fields, &body)
}

/// A data segment.
pub fn data(at: u32, bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {at}) \"{text}\")")
}

/// Hex digits, spaces between them ignored.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    alloy_primitives::hex::decode(digits).expect("hex digits")
}

/// The module with one page of memory, which a frame has for nothing, instead of two.
pub fn with_one_page(module: &str) -> String {
    module.replace("(memory (export \"memory\") 2)", "(memory (export \"memory\") 1)")
}
