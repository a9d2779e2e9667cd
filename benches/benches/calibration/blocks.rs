//! Whole blocks, recovery of senders to commit in memory: full of the worst of each kind, against ordinary ones of the
//! same gas.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use esker_runtime::block::BuiltBlock;
use esker_runtime::db::Batch;
use esker_runtime::{BlockEnv, Transaction};
use esker_vm::Engine;

use crate::deploys::{processor_time, token_arguments, token_payload};
use crate::engines::{self, Code, Tier, account};
use crate::program::Program;
use crate::world::{World, recover, signed, signer};

/// Gas of a block.
const GAS_LIMIT: u64 = 30_000_000;
/// Operands that fit a transaction, in bytes.
const INPUT_MAX: usize = 96 * 1024;
/// Accounts that send and receive.
const HOLDERS: usize = 1_000;

/// One kind of block: its state, and its transactions as bytes.
struct Kind {
    name: String,
    world: Arc<World>,
    raw: Vec<Bytes>,
}

/// What a block took.
#[derive(Clone, Copy, Default)]
struct Times {
    recover: Duration,
    execute: Duration,
    root: Duration,
}

impl Times {
    fn total(&self) -> Duration {
        self.recover + self.execute + self.root
    }
}

/// Processor time, so that a busy machine does not count against the longer blocks.
fn since(begun: Duration) -> Duration {
    processor_time().saturating_sub(begun)
}

fn once(engine: &Engine, kind: &Kind) -> (Times, u64) {
    let world = &kind.world;
    let begun = processor_time();
    let transactions: Vec<Transaction> = recover(&kind.raw, &world.config);
    let recover = since(begun);
    let begun = processor_time();
    let built = engines::build(engine, &world.view, &world.config, world.env.clone(), transactions);
    let execute = since(begun);
    let gas = built.gas_used;
    let begun = processor_time();
    // The rows and the batch are made; a block committed could not be measured again, and in memory it is a map's insert.
    let update = world.view.prepare(&built.changes, world.env.number).expect("the store works");
    let header = built.seal(update.root).header;
    assert_eq!(header.gas_used, gas);
    (Times { recover, execute, root: since(begun) }, gas)
}

/// Plain transfers between holders.
fn transfers(world: &Arc<World>) -> Kind {
    let count = GAS_LIMIT as usize / 21_000;
    let raw = (0..count)
        .map(|index| {
            let (from, to) = (index % HOLDERS, (index * 7 + 1) % HOLDERS);
            signed(&signer(from), (index / HOLDERS) as u64, TxKind::Call(signer(to).address()), 21_000, 1, Bytes::new())
        })
        .collect();
    Kind { name: "plain transfers".into(), world: Arc::clone(world), raw }
}

fn token_call(to: Address, amount: u64) -> Bytes {
    [&hex!("a9059cbb")[..], &to.into_word()[..], &U256::from(amount).to_be_bytes::<32>()].concat().into()
}

/// Transfers of a token between holders who have some already. The state is made by two blocks of their own.
fn token_transfers(engine: &Engine) -> Kind {
    let world = World::new(Vec::new(), HOLDERS, 1 << 40);
    let payload = [token_payload(), token_arguments(1_000_000_000)].concat();
    let token = signer(0).address().create(0);
    let mut raw = vec![signed(&signer(0), 0, TxKind::Create, 10_000_000, 0, payload.into())];
    for index in 0..HOLDERS {
        let input = token_call(signer(index).address(), 1_000);
        raw.push(signed(&signer(0), index as u64 + 1, TxKind::Call(token), 200_000, 0, input));
    }
    let built = engines::build(engine, &world.view, &world.config, world.env.clone(), recover(&raw, &world.config));
    assert!(built.results.iter().all(|result| result.status.is_success()), "the token works");
    let world = Arc::new(settle(world, built));
    let count = GAS_LIMIT as usize / 34_000;
    let raw = (0..count)
        .map(|index| {
            let (from, to) = (1 + index % (HOLDERS - 1), (index * 7 + 3) % HOLDERS);
            let input = token_call(signer(to).address(), 1);
            signed(&signer(from), (index / (HOLDERS - 1)) as u64, TxKind::Call(token), 120_000, 0, input)
        })
        .collect();
    Kind { name: "ERC-20 transfers".into(), world, raw }
}

/// The world after a block.
fn settle(world: World, built: BuiltBlock) -> World {
    let World { db, view, config, env } = world;
    let update = view.prepare(&built.changes, env.number).expect("the store works");
    let header = built.seal(update.root).header;
    db.commit(update, Batch::new()).expect("the store works");
    let env = BlockEnv::child_of(&header, header.timestamp + 1, Address::repeat_byte(0xcb), 0, &config);
    World { view: db.snapshot(), db, config, env }
}

/// A block of one transaction that spends nearly all of the block's gas in rounds of `program`.
fn full(world: &Arc<World>, engine: &Engine, program: &Program, index: u16) -> Option<Kind> {
    if program.operands.len() >= INPUT_MAX {
        return None;
    }
    let spend = |rounds: u32| {
        let transaction = world.transaction(TxKind::Call(account(index)), GAS_LIMIT, program.input(rounds).into());
        let (_, gas, success) = engines::push(engine, &world.view, &world.config, &world.env, transaction);
        success.then_some(gas)
    };
    // Below the floor of its calldata (EIP-7623) a transaction costs the same for any rounds.
    let mut few = 1;
    while program.rounds.is_none() && spend(2 * few)? < GAS_LIMIT / 3 {
        few *= 2;
    }
    let (one, two) = (spend(few)?, spend(2 * few)?);
    let rounds = u64::from(few) * (GAS_LIMIT - one) / (two - one).max(1) * 98 / 100;
    let rounds = program.rounds.map_or(u32::try_from(rounds).ok()?.max(1), |_| 1);
    // What cannot be repeated fills no block.
    if spend(rounds)? < GAS_LIMIT / 2 {
        return None;
    }
    let raw = signed(&signer(0), 0, TxKind::Call(account(index)), GAS_LIMIT, 0, program.input(rounds).into());
    Some(Kind { name: format!("{}: {}", program.class, program.case), world: Arc::clone(world), raw: vec![raw] })
}

/// Measures ordinary blocks, and one full of each program that `only` names.
pub fn run(tiers: &[Tier], repeats: u32, only: Option<&str>) {
    let programs: Vec<Program> =
        crate::programs().into_iter().filter(|program| crate::wanted(only, &program.class, &program.case)).collect();
    println!("{}\n", crate::report::machine());
    println!(
        "| tier | block of 30M gas | gas used | recover ms | execute ms | root and batch ms | total ms | ns a gas | of ERC-20 transfers |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for tier in tiers {
        let engine = tier.engine();
        let ordinary = [token_transfers(&engine), transfers(&Arc::new(World::new(Vec::new(), HOLDERS, GAS_LIMIT)))];
        let codes: Vec<Code> = programs.iter().map(Program::code).collect();
        let contracts = codes.iter().zip(0x1000..).map(|(code, index)| (account(index), code.envelope.clone()));
        let world = Arc::new(World::new(contracts.chain(crate::state::callees()).collect(), 1, GAS_LIMIT));
        let filled = programs.iter().zip(0x1000..).filter_map(|(program, index)| full(&world, &engine, program, index));
        let mut scale = None;
        for kind in ordinary.into_iter().chain(filled) {
            let runs: Vec<(Times, u64)> = (0..repeats.max(1)).map(|_| once(&engine, &kind)).collect();
            let (times, gas) = runs.into_iter().min_by_key(|(times, _)| times.total()).unwrap_or_default();
            let rate = times.total().as_secs_f64() * 1e9 / gas as f64;
            let scale = *scale.get_or_insert(rate);
            let share = |part: Duration| part.as_secs_f64() * 1e3;
            println!(
                "| {} | {} | {gas} | {:.1} | {:.1} | {:.1} | {:.1} | {rate:.2} | {:.2} |",
                tier.name(),
                kind.name,
                share(times.recover),
                share(times.execute),
                share(times.root),
                share(times.total()),
                rate / scale,
            );
        }
    }
}
