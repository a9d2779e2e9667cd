//! What ordinary contracts pay, and for what: the gas that a change of a price moves.

use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use esker_runtime::Transaction;
use esker_vm::Engine;
use esker_vm::abi::{FUEL_PER_GAS, MeterCosts};

use crate::deploys::{names, nft_payload, token_arguments, token_payload};
use crate::engines;
use crate::world::{GAS_LIMIT, World, recover, signed, signer};

const GAS: u64 = 50_000_000;
/// What a class's price is raised by, in fuel: enough that rounding to gas does not matter.
const MORE: u64 = 1 << 24;

/// Names a price and raises it.
type Raise = (&'static str, fn(&mut MeterCosts));

macro_rules! raises {
    ($($field:ident),+) => {
        [$((stringify!($field), (|costs| costs.instructions.$field += MORE) as fn(&mut MeterCosts))),+]
    };
}

fn prices() -> Vec<Raise> {
    let mut all = raises![
        trivial,
        simple,
        multiply,
        divide,
        global,
        load,
        store,
        branch,
        branch_table,
        call,
        call_indirect,
        memory_size,
        memory_grow,
        bulk
    ]
    .to_vec();
    all.push(("bulk_byte", |costs| costs.bulk_byte += MORE));
    all.push(("local", |costs| costs.local += MORE));
    all.push(("parameter", |costs| costs.parameter += MORE));
    all
}

fn call(to: Address, selector: [u8; 4], words: &[U256]) -> (TxKind, Bytes) {
    let words: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect();
    (TxKind::Call(to), [&selector[..], &words].concat().into())
}

/// Who sends it, what it is, and its target and input.
type Step = (usize, &'static str, (TxKind, Bytes));

fn steps() -> Vec<Step> {
    let token = signer(0).address().create(0);
    let word = |index: usize| U256::from_be_bytes(signer(index).address().into_word().0);
    let (one, many) = (U256::from(1), U256::from(1_000));
    vec![
        (0, "deploy ERC-20", (TxKind::Create, [token_payload(), token_arguments(1_000_000)].concat().into())),
        (0, "deploy ERC-721", (TxKind::Create, [nft_payload(), names()].concat().into())),
        (0, "ERC-20 transfer to a new holder", call(token, hex!("a9059cbb"), &[word(1), many])),
        (0, "ERC-20 transfer", call(token, hex!("a9059cbb"), &[word(1), many])),
        (1, "ERC-20 approve", call(token, hex!("095ea7b3"), &[word(2), many])),
        (2, "ERC-20 transferFrom", call(token, hex!("23b872dd"), &[word(1), word(0), one])),
    ]
}

/// Gas of each step on `engine`.
fn gas(engine: &Engine) -> Vec<u64> {
    let world = World::new(Vec::new(), 3, GAS_LIMIT);
    let mut nonces = [0u64; 3];
    let transactions: Vec<Transaction> = steps()
        .into_iter()
        .map(|(from, _, (to, input))| {
            nonces[from] += 1;
            let raw = signed(&signer(from), nonces[from] - 1, to, GAS, 0, input);
            recover(&[raw], &world.config).remove(0)
        })
        .collect();
    let built = engines::build(engine, &world.view, &world.config, world.env.clone(), transactions);
    assert!(built.results.iter().all(|result| result.status.is_success()), "an ordinary transaction failed");
    built.results.iter().map(|result| result.gas_used + result.gas_refunded).collect()
}

/// Prints each step's gas, and how often it pays each price of the instrumentation.
pub fn run() {
    let now = gas(&engines::with_costs(MeterCosts::V1));
    let raised: Vec<(&str, Vec<u64>)> = prices()
        .into_iter()
        .map(|(name, raise)| {
            let mut costs = MeterCosts::V1;
            raise(&mut costs);
            (name, gas(&engines::with_costs(costs)))
        })
        .collect();
    print!("| transaction | gas |");
    raised.iter().for_each(|(name, _)| print!(" {name} |"));
    println!("\n|---|---|{}", "---|".repeat(raised.len()));
    for (index, (_, name, _)) in steps().into_iter().enumerate() {
        print!("| {name} | {} |", now[index]);
        for (_, gas) in &raised {
            print!(" {} |", (gas[index] - now[index]) * FUEL_PER_GAS / MORE);
        }
        println!();
    }
}
