//! The programs of the differential test: each is determined by its number alone.

use std::path::Path;

use arbitrary::Unstructured;
use esker_vm::crypto::keccak256;
use esker_vm::envelope;
use serde_json::Value;
use wasm_encoder::{Instruction as I, MemArg, ValType};

use super::mutation::{interesting, mutate};
use super::template::Template;
use crate::seeded::Seeded;
use crate::smith;

/// A contract and what it is called with.
pub struct Program {
    pub wasm: Vec<u8>,
    pub input: Vec<u8>,
    /// Where it comes from.
    pub kind: &'static str,
}

/// A contract that programs are made from.
struct Source {
    template: Template,
    /// Selectors of its methods; none if it takes no input.
    selectors: Vec<[u8; 4]>,
}

/// What programs are made from: real contracts, and the small modules of the metering vectors.
pub struct Sources {
    contracts: Vec<Source>,
    kernels: Vec<Source>,
    /// Imports and exports of generated modules.
    shape: Vec<u8>,
}

/// Most instructions of a part of a contract.
const PART_MAX: usize = 900;

fn leaked(wasm: Vec<u8>) -> Template {
    Template::read(Box::leak(wasm.into_boxed_slice()))
}

impl Sources {
    /// Reads the committed artifacts and vectors.
    ///
    /// # Panics
    /// If they are not there.
    pub fn load() -> Self {
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
        let contracts = ["Erc20", "Erc721"].map(|name| {
            let path = vectors.join("artifacts").join(format!("{name}.json"));
            let text = std::fs::read_to_string(path).expect("the artifact stands in the repository");
            let artifact: Value = serde_json::from_str(&text).expect("the artifact is JSON");
            let bytecode = artifact["bytecode"].as_str().and_then(|text| text.strip_prefix("0x")).expect("hex");
            let wasm =
                envelope::decode_code(&hex::decode(bytecode).expect("hex"), u32::MAX).expect("the artifact is sound");
            Source { template: leaked(wasm), selectors: selectors(&artifact["abi"]) }
        });
        let mut kernels: Vec<_> = std::fs::read_dir(vectors.join("metering"))
            .expect("the vectors stand in the repository")
            .map(|entry| entry.expect("the folder can be read").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
            .collect();
        kernels.sort();
        let kernels = kernels.into_iter().map(|path| {
            let wasm = wat::parse_file(path).expect("the vectors are sound");
            Source { template: leaked(wasm), selectors: Vec::new() }
        });
        Self {
            contracts: contracts.into(),
            kernels: kernels.collect(),
            shape: wat::parse_str(smith::CALLING).expect("the shape is sound"),
        }
    }

    /// Program `number`; `None` if the generator makes nothing of that number.
    pub fn program(&self, number: u64) -> Option<Program> {
        let mut random = Seeded::new(number);
        random.next();
        match random.below(16) {
            0..=5 => self.generated(&mut random),
            6..=8 => {
                let source = random.pick(&self.kernels)?;
                let mut template = source.template.clone();
                mutate(&mut template, &mut random);
                Some(Program { wasm: template.encoded(), input: Vec::new(), kind: "mutated kernel" })
            }
            9..=12 => {
                let source = random.pick(&self.contracts)?;
                let mut template = inside(&source.template, &mut random)?;
                mutate(&mut template, &mut random);
                let input = input(source, &mut random);
                Some(Program { wasm: template.encoded(), input, kind: "part of a contract, mutated" })
            }
            13 | 14 => {
                let source = if random.once_in(4) { &self.contracts } else { &self.kernels };
                let source = random.pick(source)?;
                let template = inside(&source.template, &mut random)?;
                let wasm = damaged(template.encoded(), &mut random);
                Some(Program { wasm, input: input(source, &mut random), kind: "damaged bytes" })
            }
            _ => {
                // Whole contracts take long to compile, so they are few.
                if !random.once_in(10) {
                    return None;
                }
                let source = random.pick(&self.contracts)?;
                let mut template = source.template.clone();
                for _ in 0..random.below(3) {
                    mutate(&mut template, &mut random);
                }
                let input = input(source, &mut random);
                Some(Program { wasm: template.encoded(), input, kind: "whole contract, mutated" })
            }
        }
    }

    fn generated(&self, random: &mut Seeded) -> Option<Program> {
        let length = 200 + random.below(1_500);
        let bytes = random.bytes(length);
        let traps = random.once_in(3);
        let module = smith::small_contract(&mut Unstructured::new(&bytes), &self.shape, traps)?;
        let length = random.below(40);
        Some(Program { wasm: module.to_bytes(), input: random.bytes(length), kind: "generated" })
    }
}

fn selectors(abi: &Value) -> Vec<[u8; 4]> {
    let methods = abi.as_array().into_iter().flatten().filter(|entry| entry["type"] == "function");
    methods
        .map(|method| {
            let inputs = method["inputs"].as_array().into_iter().flatten();
            let types: Vec<&str> = inputs.filter_map(|input| input["type"].as_str()).collect();
            let signature = format!("{}({})", method["name"].as_str().unwrap_or_default(), types.join(","));
            let hash = keccak256(signature.as_bytes());
            [hash[0], hash[1], hash[2], hash[3]]
        })
        .collect()
}

/// A call of one of the contract's methods, with arguments that mostly decode.
fn input(source: &Source, random: &mut Seeded) -> Vec<u8> {
    let Some(selector) = random.pick(&source.selectors) else { return Vec::new() };
    let mut input = selector.to_vec();
    for _ in 0..4 {
        let mut word = [0; 32];
        // Small numbers serve as amounts, lengths, offsets and addresses.
        let value = if random.once_in(6) { interesting(random) as u64 } else { 32 * random.below(6) as u64 };
        word[24..].copy_from_slice(&value.to_be_bytes());
        input.extend(word);
    }
    if random.once_in(8) {
        input.truncate(random.below(input.len()));
    }
    input
}

/// The contract entered at one of its inner functions, with arguments drawn at random; results go to memory.
fn inside(template: &Template, random: &mut Seeded) -> Option<Template> {
    let function = template.imports.len() + random.below(template.functions.len());
    let (params, results) = template.signature(function as u32).clone();
    let mut code: Vec<I<'static>> = params
        .iter()
        .map(|param| match param {
            ValType::I32 => {
                // An address inside the memory often enough.
                let address = 8 * random.below(4_096) as i32;
                I::I32Const(if random.once_in(2) { address } else { interesting(random) as i32 })
            }
            _ => I::I64Const(interesting(random)),
        })
        .collect();
    code.push(I::Call(function as u32));
    code.extend((0..results.len()).rev().map(|index| I::LocalSet(index as u32)));
    for (index, result) in (0_u32..).zip(&results) {
        let m = MemArg { offset: u64::from(8 * index), align: 0, memory_index: 0 };
        code.extend([I::I32Const(64), I::LocalGet(index)]);
        code.push(if *result == ValType::I32 { I::I32Store(m) } else { I::I64Store(m) });
    }
    code.push(I::End);
    let part = template.entered_at(results, code);
    // Compiling takes most of a program's time.
    let length: usize = part.functions.iter().map(|body| body.code.len()).sum();
    (length <= PART_MAX).then_some(part)
}

/// One or two bytes changed behind the header.
fn damaged(mut wasm: Vec<u8>, random: &mut Seeded) -> Vec<u8> {
    for _ in 0..=random.below(2) {
        // Mostly in the code, which stands at the end but for the data.
        let at = 8 + random.below(wasm.len() - 8);
        match random.below(3) {
            0 => wasm[at] = (random.next() >> 40) as u8,
            1 => wasm[at] ^= 1 << random.below(8),
            _ => wasm[at] = wasm[at].wrapping_add(1),
        }
    }
    wasm
}
