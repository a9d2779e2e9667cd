//! Programs that are measured: one step, unrolled in a loop whose count comes from the input.

use esker_vm::abi::{HOST_FUNCTIONS, HostFunctionId, Param};

use crate::engines::Code;

/// Where the operands from the input lie in memory.
pub const OPERANDS: usize = 1024;

/// Where the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A single frame with a host that does nothing: exact fuel.
    Frame,
    /// A transaction on a state: what the host does counts.
    Transaction,
}

/// One row of the table, before it is measured.
#[derive(Clone, Debug)]
pub struct Program {
    /// Operator class, host function or what else the row is about.
    pub class: String,
    /// Which case of it.
    pub case: String,
    pub setting: Setting,
    /// Host functions that the step uses, by name.
    pub imports: Vec<&'static str>,
    /// Functions, globals, tables, data.
    pub items: String,
    /// Memory at the start, in pages.
    pub pages: u32,
    /// Run once, before the loop.
    pub setup: String,
    /// Run in each round of the loop. `{k}` is the number of the copy.
    pub step: String,
    /// Copies of the step in the loop's body.
    pub unroll: usize,
    /// Given in the input, found at [`OPERANDS`].
    pub operands: Vec<u8>,
    /// Rounds, where they cannot be chosen by time.
    pub rounds: Option<u32>,
}

impl Program {
    /// A program whose frame uses nothing but its own instructions. It finds the locals `$i` (i32), `$x $y $z $w` (i64)
    /// and `$a $b $c $d` (i32), which are set to values without short patterns.
    pub fn new(class: &str, case: &str, step: &str) -> Self {
        Self {
            class: class.to_owned(),
            case: case.to_owned(),
            setting: Setting::Frame,
            imports: Vec::new(),
            items: String::new(),
            pages: 1,
            setup: String::new(),
            step: step.to_owned(),
            unroll: 16,
            operands: Vec::new(),
            rounds: None,
        }
    }

    pub fn items(self, items: impl Into<String>) -> Self {
        Self { items: items.into(), ..self }
    }

    pub fn setup(self, setup: impl Into<String>) -> Self {
        Self { setup: setup.into(), ..self }
    }

    pub fn pages(self, pages: u32) -> Self {
        Self { pages, ..self }
    }

    pub fn unroll(self, unroll: usize) -> Self {
        Self { unroll, ..self }
    }

    pub fn rounds(self, rounds: u32) -> Self {
        Self { rounds: Some(rounds), ..self }
    }

    pub fn operands(self, operands: Vec<u8>) -> Self {
        Self { operands, ..self }
    }

    pub fn importing(self, imports: &[&'static str]) -> Self {
        Self { imports: imports.to_vec(), ..self }
    }

    pub fn transaction(self) -> Self {
        Self { setting: Setting::Transaction, ..self }
    }

    /// What the input has to be for `rounds` rounds.
    pub fn input(&self, rounds: u32) -> Vec<u8> {
        [&rounds.to_le_bytes()[..], &self.operands].concat()
    }

    pub fn code(&self) -> Code {
        let text = self.text();
        match wat::parse_str(&text) {
            Ok(wasm) => Code::of(&wasm),
            Err(error) => panic!("{} {}: {error}\n{text}", self.class, self.case),
        }
    }

    fn text(&self) -> String {
        let mut names = self.imports.clone();
        if !names.contains(&"input_copy") {
            names.push("input_copy");
        }
        let imports: String = names.iter().map(|name| import(name)).collect();
        let body: String = (0..self.unroll).map(|copy| self.step.replace("{k}", &copy.to_string())).collect();
        let (items, pages, setup, length) = (&self.items, self.pages, &self.setup, self.operands.len());
        format!(
            r#"(module {imports} (memory (export "memory") {pages}) {items}
            (func (export "call")
                (local $i i32) (local $a i32) (local $b i32) (local $c i32) (local $d i32)
                (local $x i64) (local $y i64) (local $z i64) (local $w i64)
                (call $input_copy (i32.const 0) (i32.const 0) (i32.const 4))
                (local.set $i (i32.load (i32.const 0)))
                (call $input_copy (i32.const {OPERANDS}) (i32.const 4) (i32.const {length}))
                (i32.store (i32.const 0) (i32.const 0))
                (local.set $x (i64.const 0x9e3779b97f4a7c15)) (local.set $y (i64.const -0x4b5a697887a6b5c3))
                (local.set $z (i64.const 0x7c15f4a7b97f3779)) (local.set $w (i64.const 0x0123456789abcdef))
                (local.set $a (i32.const 0x3c6ef372)) (local.set $b (i32.const 0x51ed270b))
                (local.set $c (i32.const 0x1b873593)) (local.set $d (i32.const 0x0eadbeef))
                {setup}
                (loop $again
                    {body}
                    (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
                (i64.store (i32.const 64) (local.get $x)) (i64.store (i32.const 72) (local.get $y))
                (i64.store (i32.const 80) (local.get $z)) (i64.store (i32.const 88) (local.get $w))
                (i32.store (i32.const 96) (local.get $a)) (i32.store (i32.const 100) (local.get $b))
                (i32.store (i32.const 104) (local.get $c)) (i32.store (i32.const 108) (local.get $d))))"#
        )
    }
}

fn import(name: &str) -> String {
    let row = esker_vm::abi::find(name).unwrap_or_else(|| panic!("no host function {name}"));
    let kind = |param: Param| if param == Param::I64 { "i64" } else { "i32" };
    let params: String = row.params.iter().map(|(_, param)| format!(" {}", kind(*param))).collect();
    let result = row.result.map_or(String::new(), |result| format!("(result {})", kind(result)));
    format!(r#"(import "esker_v1" "{name}" (func ${name} (param {params}) {result}))"#)
}

/// A call of a host function with these arguments, its result dropped.
pub fn host_call(id: HostFunctionId, arguments: &[i64]) -> String {
    let row = &HOST_FUNCTIONS[id as usize];
    assert_eq!(row.params.len(), arguments.len(), "{}", row.name);
    let arguments: String = row
        .params
        .iter()
        .zip(arguments)
        .map(|((_, param), value)| match param {
            Param::I64 => format!("(i64.const {value})"),
            _ => format!("(i32.const {value})"),
        })
        .collect();
    let call = format!("(call ${} {arguments})", row.name);
    if row.result.is_some() { format!("(drop {call})") } else { call }
}
