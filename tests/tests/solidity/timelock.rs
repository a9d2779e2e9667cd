//! The timelock beside OpenZeppelin's.

use esker_components::access::roles::DEFAULT_ADMIN_ROLE;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Draw, Invariant, User};
use esker_tests::solidity::{Pair, models};
use esker_timelock::{CANCELLER_ROLE, EXECUTOR_ROLE, PROPOSER_ROLE, Timelock, TimelockHandle};

use crate::{LENGTH, sequences, target::TargetHandle};

/// Seconds that operations wait at least, to begin with.
const DELAY: u128 = 100;
const ROLES: [B256; 4] = [DEFAULT_ADMIN_ROLE, PROPOSER_ROLE, EXECUTOR_ROLE, CANCELLER_ROLE];
/// ERC-165's identifiers: of ERC-165, roles, ERC-1155's receiver, and what has to be denied.
const INTERFACES: [u32; 4] = [0x01ff_c9a7, 0x7965_db0b, 0x4e23_12e0, 0xffff_ffff];

/// Calls that are made all or not at all; one alone may also be an operation of its own kind.
#[derive(Clone, Debug)]
struct Operation {
    targets: Vec<Address>,
    values: Vec<U256>,
    payloads: Vec<Bytes>,
    predecessor: B256,
    salt: B256,
}

impl Operation {
    fn id(&self, is_batch: bool) -> B256 {
        let Self { targets, values, payloads, predecessor, salt } = self;
        if is_batch {
            Timelock::hash_operation_batch(targets, values, payloads, *predecessor, *salt)
        } else {
            Timelock::hash_operation(targets[0], values[0], &payloads[0].0, *predecessor, *salt)
        }
    }
}

/// A few operations, so that they are met again, of which the third waits for the first, and the last is crooked.
fn operations(timelock: TimelockHandle, target: TargetHandle, admin: Address) -> Vec<Operation> {
    let call = |to: Address, value: u64, input: &[u8]| (to, U256::from(value), Bytes(input.to_vec()));
    let operation = |calls: &[(Address, U256, Bytes)], salt: u8| Operation {
        targets: calls.iter().map(|call| call.0).collect(),
        values: calls.iter().map(|call| call.1).collect(),
        payloads: calls.iter().map(|call| call.2.clone()).collect(),
        predecessor: B256::ZERO,
        salt: FixedBytes([salt; 32]),
    };
    let (run, here) = (target.run(3), timelock.address());
    let first = operation(&[call(target.address(), 5, run.input())], 0);
    let mut second = operation(&[call(target.address(), 0, run.input()), call(admin, 7, &[])], 1);
    second.predecessor = first.id(false);
    let mut crooked = first.clone();
    crooked.values.push(U256::ONE);
    vec![
        first,
        operation(&[call(target.address(), 0, target.fail().input())], 2),
        second,
        operation(&[call(target.address(), 0, target.fail_silently().input())], 3),
        operation(&[call(here, 0, timelock.update_delay(50).input())], 4),
        operation(&[call(here, 0, timelock.grant_role(PROPOSER_ROLE, admin).input())], 5),
        operation(&[call(here, 0, timelock.revoke_role(EXECUTOR_ROLE, Address::ZERO).input())], 6),
        operation(&[call(admin, 1_000_000, &[])], 7),
        operation(&[call(admin, 3, &[]), call(target.address(), 2, &[1, 2, 3, 4])], 0),
        crooked,
    ]
}

/// As long as it has to be, or not quite, or any time.
fn delay(draw: &mut Draw) -> U256 {
    match draw.number(0..=9) {
        8 => U256::from(draw.number(0..=100)),
        9 => draw.u256(),
        _ => U256::from(DELAY + u128::from(draw.number(0..=20))),
    }
}

#[esker_sdk::test]
fn the_timelock_beside_openzeppelins(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let (pair, users) = (&Pair::new(models), [alice, bob, carol]);
    let start = chain.snapshot();
    // Alice and bob propose, bob and at times everybody execute, alice gives and takes roles.
    let deploy = |chain: &mut Chain| {
        pair.begin(chain, &users);
        let proposers = [alice.address, bob.address];
        let constructor = TimelockHandle::constructor(DELAY, &proposers, &[bob.address], alice);
        let timelock = pair.deploy(chain, alice, "TimelockModel", constructor);
        (timelock, pair.deploy(chain, alice, "TargetModel", TargetHandle::constructor()))
    };
    let (timelock, target) = deploy(chain);
    chain.restore(&start);
    let operations = &operations(timelock, target, alice.address);
    let anybody = &[alice.address, bob.address, carol.address, Address::ZERO, timelock.address()];
    // Which operation, and whether as a batch: a crooked one can be nothing else.
    let pick = move |draw: &mut Draw| {
        let operation = &operations[draw.number(0..=operations.len() as u64 - 1) as usize];
        let is_batch = operation.values.len() > 1 || draw.number(0..=3) == 3;
        (operation, is_batch)
    };
    let proposer = move |draw: &mut Draw| if draw.number(0..=5) == 5 { carol } else { draw.pick(&[alice, bob]) };
    let executor = move |draw: &mut Draw| if draw.number(0..=5) == 5 { draw.pick(&users) } else { bob };
    Invariant::new()
        .before(move |chain| {
            deploy(chain);
        })
        .action("schedule", move |chain, draw| {
            let (by, (operation, is_batch), delay) = (proposer(draw), pick(draw), delay(draw));
            let Operation { targets, values, payloads, predecessor, salt } = operation;
            if is_batch {
                let call = timelock.schedule_batch(targets, values, payloads, *predecessor, *salt, delay);
                let _ = pair.send(chain, by, "scheduleBatch", call);
            } else {
                let call = timelock.schedule(targets[0], values[0], &payloads[0].0, *predecessor, *salt, delay);
                let _ = pair.send(chain, by, "schedule", call);
            }
        })
        .action("execute", move |chain, draw| {
            for _ in 0..4 {
                let (by, (operation, is_batch)) = (executor(draw), pick(draw));
                let Operation { targets, values, payloads, predecessor, salt } = operation;
                let coins = U256::from(if draw.number(0..=3) == 3 { draw.number(0..=10) } else { 0 });
                if is_batch {
                    let call = timelock.execute_batch(targets, values, payloads, *predecessor, *salt);
                    let _ = pair.send(chain, by, "executeBatch", call.value(coins));
                } else {
                    let call = timelock.execute(targets[0], values[0], &payloads[0].0, *predecessor, *salt);
                    let _ = pair.send(chain, by, "execute", call.value(coins));
                }
            }
        })
        .action("cancel", move |chain, draw| {
            let (by, (operation, is_batch)) = (proposer(draw), pick(draw));
            let _ = pair.send(chain, by, "cancel", timelock.cancel(operation.id(is_batch)));
        })
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=120)))
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=120)))
        .action("coins come", move |chain, draw| {
            let call = esker_sdk::MethodCall::<esker_sdk::Payable, ()>::new(timelock.address(), Vec::new());
            let call = call.value(U256::from(draw.number(0..=20)));
            let _ = pair.send(chain, draw.pick(&users), "receive", call);
        })
        .action("roles", move |chain, draw| {
            let (by, role, to) = (draw.pick(&users), draw.pick(&ROLES), draw.pick(anybody));
            match draw.number(0..=4) {
                0 | 1 => drop(pair.send(chain, by, "grantRole", timelock.grant_role(role, to))),
                2 => drop(pair.send(chain, by, "revokeRole", timelock.revoke_role(role, to))),
                _ if role == DEFAULT_ADMIN_ROLE => {}
                _ => drop(pair.send(chain, by, "renounceRole", timelock.renounce_role(role, to))),
            }
        })
        .action("without an operation", move |chain, draw| {
            let _ = pair.send(chain, draw.pick(&users), "updateDelay", timelock.update_delay(draw.u256()));
        })
        .check("they answer the same", move |chain| {
            pair.read(chain, bob, "getMinDelay", timelock.get_min_delay());
            pair.read(chain, bob, "runs", target.runs());
            for operation in operations {
                for is_batch in [false, true] {
                    let id = operation.id(is_batch);
                    pair.read(chain, bob, "getTimestamp", timelock.get_timestamp(id));
                    pair.read(chain, bob, "getOperationState", timelock.get_operation_state(id));
                    pair.read(chain, bob, "isOperation", timelock.is_operation(id));
                    pair.read(chain, bob, "isOperationPending", timelock.is_operation_pending(id));
                    pair.read(chain, bob, "isOperationReady", timelock.is_operation_ready(id));
                    pair.read(chain, bob, "isOperationDone", timelock.is_operation_done(id));
                }
            }
            for role in ROLES {
                for account in anybody {
                    pair.read(chain, bob, "hasRole", timelock.has_role(role, *account));
                }
            }
        })
        .sequences(sequences())
        .calls(LENGTH as usize)
        .run(chain);
    deploy(chain);
    for role in ROLES {
        pair.read(chain, bob, "getRoleAdmin", timelock.get_role_admin(role));
    }
    pair.read(chain, bob, "PROPOSER_ROLE", timelock.proposer_role());
    pair.read(chain, bob, "EXECUTOR_ROLE", timelock.executor_role());
    pair.read(chain, bob, "CANCELLER_ROLE", timelock.canceller_role());
    pair.read(chain, bob, "DEFAULT_ADMIN_ROLE", timelock.default_admin_role());
    for id in INTERFACES {
        pair.read(chain, bob, "supportsInterface", timelock.supports_interface(FixedBytes(id.to_be_bytes())));
    }
    for Operation { targets, values, payloads, predecessor, salt } in operations {
        let call = timelock.hash_operation_batch(targets, values, payloads, *predecessor, *salt);
        pair.read(chain, bob, "hashOperationBatch", call);
        let call = timelock.hash_operation(targets[0], values[0], &payloads[0].0, *predecessor, *salt);
        pair.read(chain, bob, "hashOperation", call);
    }
    pair.print_gas("Timelock");
}
