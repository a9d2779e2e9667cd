//! The timelock: who may do what when.

use super::support::*;
use esker_components::access::roles::{DEFAULT_ADMIN_ROLE, RoleGranted};
use esker_sdk::{Panic, prelude::*};
use esker_sdk_test::{Chain, User, log};
use esker_timelock::{
    CANCELLER_ROLE, CallExecuted, CallSalt, CallScheduled, EXECUTOR_ROLE, Error, MinDelayChange, OperationState,
    PROPOSER_ROLE, TimelockHandle,
};

#[esker_sdk::test]
fn roles_are_given_at_deployment(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let constructor = TimelockHandle::constructor(5, &[alice.into()], &[bob.into()], carol);
    let deployed = chain.try_deploy(alice, constructor);
    let timelock = TimelockHandle::at(deployed.created().expect("it is deployed"));
    let granted = |role, account: Address| RoleGranted { role, account, sender: alice.into() };
    let at = timelock.address();
    deployed.emits_only([
        log(at, granted(DEFAULT_ADMIN_ROLE, at)),
        log(at, granted(DEFAULT_ADMIN_ROLE, carol.into())),
        log(at, granted(PROPOSER_ROLE, alice.into())),
        log(at, granted(CANCELLER_ROLE, alice.into())),
        log(at, granted(EXECUTOR_ROLE, bob.into())),
        log(at, MinDelayChange { old_duration: U256::ZERO, new_duration: U256::from(5) }),
    ]);
    assert_eq!(chain.read(timelock.get_min_delay()), 5);
    assert_eq!(chain.read(timelock.proposer_role()), PROPOSER_ROLE);
    assert_eq!(chain.read(timelock.executor_role()), EXECUTOR_ROLE);
    assert_eq!(chain.read(timelock.canceller_role()), CANCELLER_ROLE);
    // ERC-165, IAccessControl, IERC1155Receiver; and what is none.
    for (id, supported) in [(0x01ffc9a7u32, true), (0x7965db0b, true), (0x4e2312e0, true), (0xffffffff, false)] {
        assert_eq!(chain.read(timelock.supports_interface(id.to_be_bytes())), supported, "{id:x}");
    }
}

#[esker_sdk::test]
fn a_call_waits_and_is_made_once(chain: &mut Chain, alice: User, bob: User) {
    let (timelock, target) = deployed(chain, alice, bob);
    let op = Operation { value: U256::from(7), salt: states(9), ..Operation::new(&target.run(1)) };
    let (id, at) = (op.id(), timelock.address());
    assert_eq!(chain.read(timelock.hash_operation(op.target, op.value, &op.data, NONE, op.salt)), id);
    assert_eq!(chain.read(timelock.get_operation_state(id)), OperationState::Unset);
    let (index, value, delay) = (U256::ZERO, op.value, U256::from(DELAY));
    let data = || Bytes(op.data.clone());
    chain.send(alice, op!(timelock.schedule(op, DELAY))).emits_only([
        log(at, CallScheduled { id, index, target: op.target, value, data: data(), predecessor: NONE, delay }),
        log(at, CallSalt { id, salt: op.salt }),
    ]);
    let ready = chain.timestamp() + DELAY;
    assert_eq!(chain.read(timelock.get_timestamp(id)), ready as u128);
    assert!(chain.read(timelock.is_operation(id)) && chain.read(timelock.is_operation_pending(id)));
    chain.send(alice, op!(timelock.schedule(op, DELAY))).reverts(unexpected(&op, 0b0001));
    chain.warp(ready - 1);
    chain.send(bob, op!(timelock.execute(op)).value(7)).reverts(unexpected(&op, 0b0100));
    chain.warp(ready);
    let executed = CallExecuted { id, index, target: op.target, value, data: data() };
    chain.send(bob, op!(timelock.execute(op)).value(7)).emits_only([log(at, executed)]);
    assert_eq!((chain.read(target.runs(1)), chain.balance(target.address())), (1, U256::from(7)));
    assert_eq!(chain.read(timelock.get_operation_state(id)), OperationState::Done);
    assert_eq!(chain.read(timelock.get_timestamp(id)), 1);
    assert!(chain.read(timelock.is_operation_done(id)) && !chain.read(timelock.is_operation_pending(id)));
    chain.send(bob, op!(timelock.execute(op)).value(7)).reverts(unexpected(&op, 0b0100));
    chain.send(alice, op!(timelock.schedule(op, DELAY))).reverts(unexpected(&op, 0b0001));
    chain.send(alice, timelock.cancel(id)).reverts(unexpected(&op, 0b0110));
}

#[esker_sdk::test]
fn only_roles_schedule_cancel_and_execute(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (timelock, target) = deployed(chain, alice, bob);
    let op = Operation::new(&target.run(1));
    for user in [bob, carol] {
        chain.send(user, op!(timelock.schedule(op, DELAY))).reverts(lacks(user, PROPOSER_ROLE));
        let batch = timelock.schedule_batch(&[], &[], &[], NONE, NONE, DELAY as u128);
        chain.send(user, batch).reverts(lacks(user, PROPOSER_ROLE));
        chain.send(user, timelock.cancel(op.id())).reverts(lacks(user, CANCELLER_ROLE));
    }
    chain.send(alice, op!(timelock.schedule(op, DELAY))).succeeds();
    chain.pass(DELAY);
    for user in [alice, carol] {
        chain.send(user, op!(timelock.execute(op))).reverts(lacks(user, EXECUTOR_ROLE));
        chain.send(user, timelock.execute_batch(&[], &[], &[], NONE, NONE)).reverts(lacks(user, EXECUTOR_ROLE));
    }
    chain.send(bob, op!(timelock.execute(op))).succeeds();
}

#[esker_sdk::test]
fn everybody_executes_where_nobody_has_the_role(chain: &mut Chain, alice: User, carol: User) {
    let constructor = TimelockHandle::constructor(0, &[alice.into()], &[Address::ZERO], Address::ZERO);
    let (timelock, target) = (chain.deploy(alice, constructor), chain.deploy(alice, TargetHandle::constructor()));
    let op = Operation::new(&target.run(1));
    chain.send(alice, op!(timelock.schedule(op, 0))).succeeds();
    chain.send(carol, op!(timelock.execute(op))).succeeds();
    assert_eq!(chain.read(target.runs(1)), 1);
}

#[esker_sdk::test]
fn delays_have_a_least_and_a_most(chain: &mut Chain, alice: User, bob: User) {
    let (timelock, target) = deployed(chain, alice, bob);
    let op = Operation::new(&target.run(1));
    let (delay, min_delay) = (U256::from(DELAY - 1), U256::from(DELAY));
    let short = op!(timelock.schedule(op, DELAY - 1));
    chain.send(alice, short).reverts(Error::TimelockInsufficientDelay { delay, min_delay });
    let endless = timelock.schedule(op.target, op.value, &op.data, NONE, NONE, U256::MAX);
    chain.send(alice, endless).panics(Panic::Overflow);
}

#[esker_sdk::test]
fn an_operation_waits_for_its_predecessor(chain: &mut Chain, alice: User, bob: User) {
    let (timelock, target) = deployed(chain, alice, bob);
    let first = Operation::new(&target.run(1));
    let second = Operation { predecessor: first.id(), ..Operation::new(&target.run(2)) };
    for op in [&first, &second] {
        chain.send(alice, op!(timelock.schedule(*op, DELAY))).succeeds();
    }
    chain.pass(DELAY);
    let early = Error::TimelockUnexecutedPredecessor { predecessor_id: first.id() };
    chain.send(bob, op!(timelock.execute(second))).reverts(early);
    chain.send(bob, op!(timelock.execute(first))).succeeds();
    chain.send(bob, op!(timelock.execute(second))).succeeds();
}

#[esker_sdk::test]
fn a_batch_is_made_wholly_or_not_at_all(chain: &mut Chain, alice: User, bob: User) {
    let (timelock, target) = deployed(chain, alice, bob);
    let (targets, values) = ([target.address(); 2], [U256::from(3), U256::ZERO]);
    let calls = |last: &[u8]| [Bytes(target.run(1).input().to_vec()), Bytes(last.to_vec())];
    let short = timelock.schedule_batch(&targets, &values[..1], &calls(&[]), NONE, NONE, DELAY as u128);
    let lengths = |targets: u64, payloads: u64, values: u64| {
        let [targets, payloads, values] = [targets, payloads, values].map(U256::from);
        Error::TimelockInvalidOperationLength { targets, payloads, values }
    };
    chain.send(alice, short).reverts(lengths(2, 2, 1));
    chain.send(bob, timelock.execute_batch(&targets, &values, &[], NONE, NONE)).reverts(lengths(2, 0, 2));
    let (good, bad) = (calls(target.run(2).input()), calls(target.fail("no").input()));
    for payloads in [&good, &bad] {
        let batch = timelock.schedule_batch(&targets, &values, payloads, NONE, NONE, DELAY as u128);
        chain.send(alice, batch).succeeds();
    }
    chain.pass(DELAY);
    chain.transfer(alice, timelock.address(), 3).succeeds();
    chain.send(bob, timelock.execute_batch(&targets, &values, &bad, NONE, NONE)).reverts_with_text("no");
    assert_eq!((chain.read(target.runs(1)), chain.balance(timelock.address())), (0, U256::from(3)));
    let id = chain.read(timelock.hash_operation_batch(&targets, &values, &good, NONE, NONE));
    let executed = |index: usize| {
        let (target, value, data) = (targets[index], values[index], good[index].clone());
        log(timelock.address(), CallExecuted { id, index: U256::from(index), target, value, data })
    };
    let done = chain.send(bob, timelock.execute_batch(&targets, &values, &good, NONE, NONE));
    done.emits_only([executed(0), executed(1)]);
    assert_eq!((chain.read(target.runs(1)), chain.read(target.runs(2))), (1, 1));
    assert_eq!(chain.balance(target.address()), 3);
}

#[esker_sdk::test]
fn the_delay_and_roles_change_through_the_timelock_alone(chain: &mut Chain, alice: User, bob: User) {
    let (timelock, _) = deployed(chain, alice, bob);
    let refused = Error::TimelockUnauthorizedCaller { caller: alice.into() };
    chain.send(alice, timelock.update_delay(5)).reverts(refused);
    chain.send(alice, timelock.grant_role(PROPOSER_ROLE, bob)).reverts(lacks(alice, DEFAULT_ADMIN_ROLE));
    let change = Operation::new(&timelock.update_delay(5));
    let grant = Operation::new(&timelock.grant_role(PROPOSER_ROLE, bob));
    for op in [&change, &grant] {
        chain.send(alice, op!(timelock.schedule(*op, DELAY))).succeeds();
    }
    chain.pass(DELAY);
    let (old_duration, new_duration) = (U256::from(DELAY), U256::from(5));
    chain.send(bob, op!(timelock.execute(change))).emits(MinDelayChange { old_duration, new_duration });
    chain.send(bob, op!(timelock.execute(grant))).succeeds();
    assert!(chain.read(timelock.has_role(PROPOSER_ROLE, bob)));
    chain.send(bob, op!(timelock.schedule(Operation::new(&timelock.update_delay(0)), 5))).succeeds();
}
