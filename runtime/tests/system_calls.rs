//! What happens at the end of a block on a chain with proof of stake, whatever the contract there does.

mod world;

use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use esker_runtime::genesis::{Genesis, GenesisAccount, GenesisError, construct};
use esker_runtime::staking::{
    STAKING_ADDRESS, SYSTEM_ADDRESS, SYSTEM_GAS, StakingConfig, end_block_input, end_epoch_input,
};
use esker_runtime::state::StateReader;
use esker_runtime::validators::{VALIDATORS_ADDRESS, proposer};
use esker_runtime::{BlockError, Transaction, Validator, validator_set};
use esker_vm::{Entry, Halt, HostError, Log};
use world::chain::Chain;
use world::*;

const INFLATION: u64 = 1_000;
const EPOCH: u64 = 3;

/// What a script saw when it was called.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    caller: Address,
    value: U256,
    input: Vec<u8>,
    gas: u64,
    balance: U256,
}

type Script = dyn Fn(&mut Guest<'_>) -> Result<End, HostError> + Send + Sync;

fn validator(index: u8) -> Validator {
    Validator { address: Address::repeat_byte(index), public_key: B256::repeat_byte(index), power: u64::from(index) }
}

/// A chain whose staking contract does what the script says, and what it saw.
fn chain(machine: &ScriptedMachine, script: Box<Script>) -> (Chain, Arc<Mutex<Vec<Seen>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, 1_000);
    genesis.config.staking = Some(StakingConfig { epoch_length: EPOCH, inflation_per_block: U256::from(INFLATION) });
    genesis.validators = (1..=5).map(validator).collect();
    genesis.alloc.insert(signer(0), GenesisAccount { balance: FUNDS, ..GenesisAccount::default() });
    let told = seen.clone();
    let code = machine.code(0, move |guest| {
        let balance = guest.host.balance(guest.frame.address, &mut guest.meter)?;
        told.lock().expect("no test panics in a script").push(Seen {
            caller: Address::from(guest.frame.caller.0),
            value: U256::from_limbs(guest.frame.value.0),
            input: guest.frame.input.clone(),
            gas: guest.meter.gas(),
            balance: U256::from_limbs(balance.0),
        });
        script(guest)
    });
    genesis.alloc.insert(STAKING_ADDRESS, GenesisAccount { nonce: 1, code, ..GenesisAccount::default() });
    (Chain::new(&genesis), seen)
}

/// A transfer with a tip of one wei for each of its 21,000 gas.
fn transfer(nonce: u64) -> Transaction {
    let mut unsigned = transaction(nonce, TxKind::Call(Address::repeat_byte(9)), 1, Bytes::new());
    (unsigned.max_fee_per_gas, unsigned.max_priority_fee_per_gas) = (2_000_000_000, 1);
    signed(0, unsigned)
}

/// Proposes a block, has it validated, and commits what validating gave.
fn next(chain: &mut Chain, machine: &ScriptedMachine, transactions: &[Transaction], round: u32) {
    let proposed = chain.propose_in_round(machine, &chain.head, transactions, round);
    let block = chain.validate_and_commit(machine, &proposed.block().block());
    assert_eq!(block.hash, proposed.block().hash);
    assert!(block.receipts.len() == transactions.len() && block.header.logs_bloom.is_zero());
}

fn balance(chain: &Chain, address: Address) -> U256 {
    chain.db.account(address).expect("the store works").unwrap_or_default().balance
}

fn answer(set: &[Validator]) -> Vec<u8> {
    let words = [U256::from(32), U256::from(set.len())].map(B256::from).into_iter();
    let entries = set.iter().flat_map(|validator| {
        [validator.address.into_word(), validator.public_key, B256::from(U256::from(validator.power))]
    });
    words.chain(entries).flat_map(|word| word.0).collect()
}

#[test]
fn every_block_is_told_to_the_contract_with_its_coins_and_nothing_else_notices() {
    let machine = ScriptedMachine::default();
    let script = |guest: &mut Guest<'_>| {
        guest.host.storage_store(h256(1), h256(7), &mut guest.meter)?;
        guest.host.log(Log { topics: vec![h256(1)], data: Vec::new() }, &mut guest.meter)?;
        Ok(numbers(&[]))
    };
    let (mut chain, seen) = chain(&machine, Box::new(script));
    next(&mut chain, &machine, &[transfer(0)], 0);
    next(&mut chain, &machine, &[], 2);
    let tips = U256::from(21_000);
    let inflation = U256::from(INFLATION);
    let missed: Vec<Address> =
        proposer::order(1..=5, 2).take(2).map(|index| validator(index as u8 + 1).address).collect();
    let first = end_block_input(BENEFICIARY, tips + inflation, 0, &[]);
    let second = end_block_input(BENEFICIARY, inflation, 2, &missed);
    let seen = seen.lock().expect("nobody panicked").clone();
    // Once when it is proposed and once when it is validated.
    assert_eq!(seen.len(), 4);
    for (seen, (input, balance)) in
        seen.iter().step_by(2).zip([(first, tips + inflation), (second, tips + inflation * U256::from(2))])
    {
        assert_eq!((seen.caller, seen.value, &seen.input, seen.balance), (SYSTEM_ADDRESS, U256::ZERO, &input, balance));
        assert!(seen.gas < SYSTEM_GAS && seen.gas > SYSTEM_GAS - 10_000, "{}", seen.gas);
    }
    assert_eq!(balance(&chain, BENEFICIARY), U256::ZERO, "tips are the contract's to share");
    assert_eq!(chain.db.storage(STAKING_ADDRESS, word(1)).expect("the store works"), word(7));
    assert_eq!(chain.db.account(SYSTEM_ADDRESS).expect("the store works"), None, "it has no nonce and pays nothing");
}

#[test]
fn a_call_that_does_not_return_leaves_nothing_and_makes_no_coins() {
    let ends: [fn() -> Result<End, HostError>; 3] =
        [|| Ok(End::Revert(vec![1])), || Err(Halt::Unreachable.into()), || Err(Halt::OutOfGas.into())];
    for end in ends {
        let machine = ScriptedMachine::default();
        let (mut chain, seen) = chain(
            &machine,
            Box::new(move |guest| {
                guest.host.storage_store(h256(1), h256(7), &mut guest.meter)?;
                end()
            }),
        );
        for number in 0..EPOCH {
            next(&mut chain, &machine, &[transfer(number)], 0);
        }
        assert_eq!(seen.lock().expect("nobody panicked").len() as u64, 2 * (EPOCH + 1), "at the epoch's end two calls");
        assert_eq!(balance(&chain, STAKING_ADDRESS), U256::from(21_000 * EPOCH), "the tips alone");
        assert_eq!(chain.db.storage(STAKING_ADDRESS, word(1)).expect("the store works"), B256::ZERO);
        assert_eq!(validator_set(&chain.db), Ok((1..=5).map(validator).collect()));
    }
}

#[test]
fn the_contract_names_the_set_of_the_next_epoch() {
    let machine = ScriptedMachine::default();
    let next_set = Arc::new(Mutex::new(Vec::new()));
    let answers = next_set.clone();
    let script = move |guest: &mut Guest<'_>| {
        let is_epoch = guest.frame.input == end_epoch_input();
        Ok(End::Return(if is_epoch { answers.lock().expect("nobody panicked").clone() } else { Vec::new() }))
    };
    let (mut chain, _) = chain(&machine, Box::new(script));
    let mut before: Vec<Validator> = (1..=5).map(validator).collect();
    let many: Vec<Validator> = (1..=100).map(validator).collect();
    let few: Vec<Validator> = [9, 8].map(validator).to_vec();
    let twice: Vec<Validator> = [9, 9].map(validator).to_vec();
    let heavy = vec![Validator { power: 1 << 60, ..validator(3) }];
    let answers = [
        (answer(&many), Some(many)),
        (answer(&few), Some(few)),
        (answer(&[]), None),
        (answer(&twice), None),
        (answer(&heavy), None),
        (Vec::new(), None),
        (answer(&[validator(1)])[..95].to_vec(), None),
    ];
    for (answer, expected) in answers {
        *next_set.lock().expect("nobody panicked") = answer;
        for _ in 1..EPOCH {
            next(&mut chain, &machine, &[], 0);
            assert_eq!(validator_set(&chain.db), Ok(before.clone()), "within an epoch nothing changes");
        }
        next(&mut chain, &machine, &[], 0);
        before = expected.unwrap_or(before);
        assert_eq!(validator_set(&chain.db), Ok(before.clone()));
        let beyond = word(1 + 3 * before.len() as u64);
        assert_eq!(
            chain.db.storage(VALIDATORS_ADDRESS, beyond).expect("the store works"),
            B256::ZERO,
            "nothing is left"
        );
    }
    chain.db.verify().expect("the state is sound");
}

#[test]
fn a_block_that_leaves_the_calls_out_is_invalid() {
    let machine = ScriptedMachine::default();
    let (chain, _) = chain(&machine, Box::new(|_| Ok(numbers(&[]))));
    let honest = chain.propose(&machine, &[transfer(0)]).block().block();
    let mut without = Chain { config: chain.config.clone(), ..chain };
    without.config.staking = None;
    let lie = without.propose(&machine, &[transfer(0)]).block().block();
    without.config.staking = Some(StakingConfig { epoch_length: EPOCH, inflation_per_block: U256::from(INFLATION) });
    let error = without.validate(&machine, &lie).err().expect("the state root differs");
    assert!(matches!(error, BlockError::Hash { what: "state root", .. }), "{error:?}");
    without.validate(&machine, &honest).expect("valid");
}

#[test]
fn a_constructor_runs_once_when_a_genesis_is_made() {
    let machine = ScriptedMachine::default();
    let code = machine.code(0, |guest| {
        assert_eq!(guest.entry, Entry::Deploy);
        let value = guest.frame.value.low_u64();
        guest.host.storage_store(h256(1), h256(value), &mut guest.meter)?;
        if value == 3 { Ok(End::Revert(vec![9])) } else { Ok(numbers(&[])) }
    });
    let make = |value: u64| {
        esker_vm::execution(&machine, |session| {
            construct(session, &config(), STAKING_ADDRESS, &code, U256::from(value))
        })
    };
    let made = make(5).expect("it returns");
    assert_eq!((made.balance, made.nonce, &made.code), (U256::from(5), 1, &code));
    assert_eq!(made.storage, [(word(1), word(5))].into());
    let refused = make(3).expect_err("it reverts").to_string();
    assert!(refused.contains("Revert") && refused.contains("0x09"), "{refused}");

    let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, 1_000);
    genesis.config.staking = Some(StakingConfig { epoch_length: 1, inflation_per_block: U256::ZERO });
    genesis.validators = vec![validator(1)];
    assert!(matches!(genesis.build(), Err(GenesisError::Staking(_))), "no contract");
    genesis.alloc.insert(STAKING_ADDRESS, made);
    genesis.build().expect("sound");
    genesis.config.staking = Some(StakingConfig { epoch_length: 0, inflation_per_block: U256::ZERO });
    assert!(matches!(genesis.build(), Err(GenesisError::Staking(_))), "no epochs");

    // So much that sums of the contract could overflow.
    let most = U256::from(1u128 << 80) - U256::from(1);
    genesis.config.staking = Some(StakingConfig { epoch_length: 1, inflation_per_block: most });
    let rich = GenesisAccount { balance: U256::from((1u128 << 119) - 6), ..GenesisAccount::default() };
    genesis.alloc.insert(Address::repeat_byte(1), rich.clone());
    genesis.build().expect("a wei below the most");
    genesis
        .alloc
        .insert(Address::repeat_byte(2), GenesisAccount { balance: U256::from(1), ..GenesisAccount::default() });
    let refused = genesis.build().expect_err("too much").to_string();
    assert!(refused.contains("below 2^119 wei"), "{refused}");
    genesis.alloc.remove(&Address::repeat_byte(1));
    genesis.config.staking = Some(StakingConfig { epoch_length: 1, inflation_per_block: most + U256::from(1) });
    let refused = genesis.build().expect_err("too much").to_string();
    assert!(refused.contains("below 2^80 wei"), "{refused}");
}
