//! Programs that contracts of a call tree run, and their random makings.

use alloy_primitives::Address;
use esker_vm::CallKind;
use proptest::prelude::*;

use super::world::{BENEFICIARY, signer};

/// Programs of one case; programs name each other by number, circles included.
pub const PROGRAMS: usize = 8;
/// Contracts that the state begins with.
pub const CONTRACTS: u8 = 3;
/// Complexity of the modules that are created, in units; the largest is beyond what most frames can pay.
pub const COMPLEXITIES: [u64; 4] = [0, 1, 777, 30_000];

/// Whom an operation means.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// One of the contracts that are there from the start.
    Contract(u8),
    /// Code whose envelope promises another module than it holds.
    Liar(u8),
    /// The frame's own account.
    Own,
    /// The contract that was created last, or an account that nobody has.
    Created,
    /// A precompiled contract: SHA-256, identity, or sums on BLS12-381, which refuse such input.
    Precompile(u8),
    /// Nobody has it.
    Nobody(u8),
    Sender,
    Beneficiary,
}

/// What envelopes of liars promise, in bytes.
pub const LIES: [u32; 4] = [0, 1, 262_145, u32::MAX];

impl Target {
    pub fn address(self, own: Address, created: Option<Address>) -> Address {
        match self {
            Self::Contract(index) => contract(index),
            Self::Liar(index) => Address::repeat_byte(0xd0 + index),
            Self::Own => own,
            Self::Created => created.unwrap_or(Address::repeat_byte(0xef)),
            Self::Precompile(number) => Address::with_last_byte(number),
            Self::Nobody(index) => Address::repeat_byte(0xe0 + index),
            Self::Sender => signer(0),
            Self::Beneficiary => BENEFICIARY,
        }
    }
}

pub const fn contract(index: u8) -> Address {
    Address::repeat_byte(0xc0 + index)
}

#[derive(Clone, Debug)]
pub enum Op {
    Burn { fuel: u64 },
    Call { kind: CallKind, target: Target, gas: u64, value: u64, program: usize },
    Create { value: u64, salt: Option<u64>, complexity: u64, promise: Option<u32>, program: usize },
    Store { slot: u64, value: u64 },
    Load { slot: u64 },
    TransientStore { slot: u64, value: u64 },
    TransientLoad { slot: u64 },
    Balance(Target),
    CodeHash(Target),
    CodeSize(Target),
    Log { topics: usize, bytes: usize },
}

#[derive(Clone, Copy, Debug)]
pub enum Ending {
    Return,
    Revert,
    Halt,
}

#[derive(Clone, Debug)]
pub struct Program {
    pub ops: Vec<Op>,
    pub ending: Ending,
}

/// What is sent to the chain.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Whom it calls; it creates if it is nobody.
    pub target: Option<Target>,
    pub gas_limit: u64,
    pub value: u64,
    pub program: usize,
    pub complexity: u64,
    pub warm: Vec<(Target, Vec<u64>)>,
}

#[derive(Clone, Debug)]
pub struct Case {
    pub programs: Vec<Program>,
    pub sent: Vec<Sent>,
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        6 => (0..CONTRACTS).prop_map(Target::Contract),
        1 => (0..LIES.len() as u8).prop_map(Target::Liar),
        2 => Just(Target::Own),
        2 => Just(Target::Created),
        1 => prop::sample::select(vec![2, 4, 0x0c]).prop_map(Target::Precompile),
        1 => (0..3u8).prop_map(Target::Nobody),
        1 => Just(Target::Sender),
        1 => Just(Target::Beneficiary),
    ]
}

/// Mostly nothing, sometimes an amount that a contract has, sometimes more than anybody has.
fn value() -> impl Strategy<Value = u64> {
    prop_oneof![5 => Just(0), 3 => 1..50u64, 1 => 900..1_100u64, 1 => Just(u64::MAX)]
}

fn gas() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(u64::MAX), 1 => Just(0), 2 => 0..5_000u64, 3 => 0..300_000u64]
}

fn kind() -> impl Strategy<Value = CallKind> {
    prop_oneof![4 => Just(CallKind::Call), 1 => Just(CallKind::Static), 2 => Just(CallKind::Delegate)]
}

fn op() -> impl Strategy<Value = Op> {
    let create = (
        value(),
        prop::option::of(0..3u64),
        prop::sample::select(COMPLEXITIES.to_vec()),
        prop_oneof![5 => Just(None), 1 => prop::sample::select(LIES.to_vec()).prop_map(Some)],
        0..PROGRAMS,
    );
    prop_oneof![
        3 => (0..3_000_000u64).prop_map(|fuel| Op::Burn { fuel }),
        8 => (kind(), target(), gas(), value(), 0..PROGRAMS).prop_map(|(kind, target, gas, value, program)| {
            let value = if kind == CallKind::Call { value } else { 0 };
            Op::Call { kind, target, gas, value, program }
        }),
        2 => create.prop_map(|(value, salt, complexity, promise, program)| {
            Op::Create { value, salt, complexity, promise, program }
        }),
        2 => (0..3u64, 0..3u64).prop_map(|(slot, value)| Op::Store { slot, value }),
        1 => (0..3u64).prop_map(|slot| Op::Load { slot }),
        1 => (0..3u64, 0..3u64).prop_map(|(slot, value)| Op::TransientStore { slot, value }),
        1 => (0..3u64).prop_map(|slot| Op::TransientLoad { slot }),
        1 => target().prop_map(Op::Balance),
        1 => target().prop_map(Op::CodeHash),
        1 => target().prop_map(Op::CodeSize),
        1 => (0..5usize, 0..100usize).prop_map(|(topics, bytes)| Op::Log { topics, bytes }),
    ]
}

fn program() -> impl Strategy<Value = Program> {
    let ending = prop_oneof![5 => Just(Ending::Return), 1 => Just(Ending::Revert), 1 => Just(Ending::Halt)];
    (prop::collection::vec(op(), 0..6), ending).prop_map(|(ops, ending)| Program { ops, ending })
}

fn sent() -> impl Strategy<Value = Sent> {
    (
        prop_oneof![5 => target().prop_map(Some), 1 => Just(None)],
        prop_oneof![2 => 60_000..70_000u64, 3 => 60_000..1_000_000u64, 1 => Just(8_000_000)],
        prop_oneof![3 => Just(0), 1 => 1..50u64],
        0..PROGRAMS,
        prop::sample::select(COMPLEXITIES.to_vec()),
        prop_oneof![
            2 => Just(Vec::new()),
            1 => prop::collection::vec((target(), prop::collection::vec(0..3u64, 0..3)), 1..3)
        ],
    )
        .prop_map(|(target, gas_limit, value, program, complexity, warm)| Sent {
            target,
            gas_limit: gas_limit + if target.is_none() { 40_000 } else { 0 },
            value,
            program,
            complexity,
            warm,
        })
}

pub fn case() -> impl Strategy<Value = Case> {
    (prop::collection::vec(program(), PROGRAMS), prop::collection::vec(sent(), 1..4))
        .prop_map(|(programs, sent)| Case { programs, sent })
}
