//! The timelock under attack: that nothing is done early, twice, or after it was taken back.

use std::{collections::HashMap, sync::Mutex};

use super::support::*;
use esker_sdk::prelude::*;
use esker_sdk_test::{Answer, Chain, End, Invariant, User};
use esker_timelock::{CANCELLER_ROLE, Cancelled, Error, TimelockHandle};

#[esker_sdk::test]
fn a_call_that_fails_may_be_tried_again(chain: &mut Chain, alice: User, bob: User) {
    let (timelock, target) = deployed(chain, alice, bob);
    let poor = Operation { value: U256::ONE, ..Operation::new(&target.run(1)) };
    let silent = Operation::new(&target.fail_silently());
    for op in [&poor, &silent] {
        chain.send(alice, op!(timelock.schedule(*op, DELAY))).succeeds();
    }
    chain.pass(DELAY);
    chain.send(bob, op!(timelock.execute(silent))).reverts(Error::FailedCall);
    chain.send(bob, op!(timelock.execute(poor))).reverts(Error::FailedCall);
    chain.transfer(bob, timelock.address(), 1).succeeds();
    chain.send(bob, op!(timelock.execute(poor))).succeeds();
}

#[esker_sdk::test]
fn what_is_taken_back_is_not_made(chain: &mut Chain, alice: User, bob: User) {
    let (timelock, target) = deployed(chain, alice, bob);
    let op = Operation::new(&target.run(1));
    chain.send(alice, timelock.cancel(op.id())).reverts(unexpected(&op, 0b0110));
    chain.send(alice, op!(timelock.schedule(op, DELAY))).succeeds();
    chain.pass(DELAY);
    // Even when it may be made.
    chain.send(alice, timelock.cancel(op.id())).emits(Cancelled { id: op.id() });
    chain.send(bob, op!(timelock.execute(op))).reverts(unexpected(&op, 0b0100));
    chain.send(alice, op!(timelock.schedule(op, DELAY))).succeeds();
    chain.send(bob, op!(timelock.execute(op))).reverts(unexpected(&op, 0b0100));
}

/// One operation takes another back, though it may be carried out already. None takes back itself: an identifier cannot be
/// part of what it is the hash of.
#[esker_sdk::test]
fn an_operation_takes_another_back(chain: &mut Chain, alice: User, bob: User) {
    let (timelock, target) = deployed(chain, alice, bob);
    let grant = Operation::new(&timelock.grant_role(CANCELLER_ROLE, timelock.address()));
    chain.send(alice, op!(timelock.schedule(grant, DELAY))).succeeds();
    chain.pass(DELAY);
    chain.send(bob, op!(timelock.execute(grant))).succeeds();
    let op = Operation::new(&target.run(1));
    chain.send(alice, op!(timelock.schedule(op, DELAY))).succeeds();
    let cancel = Operation::new(&timelock.cancel(op.id()));
    chain.send(alice, op!(timelock.schedule(cancel, DELAY))).succeeds();
    chain.pass(DELAY);
    chain.send(bob, op!(timelock.execute(cancel))).emits(Cancelled { id: op.id() });
    chain.send(bob, op!(timelock.execute(op))).reverts(unexpected(&op, 0b0100));
}

/// Whoever is called cannot have the operation made twice, not even as an executor.
#[esker_sdk::test]
fn an_operation_cannot_be_entered_again(chain: &mut Chain, alice: User) {
    let constructor = TimelockHandle::constructor(0, &[alice.into()], &[Address::ZERO], Address::ZERO);
    let (timelock, target) = (chain.deploy(alice, constructor), chain.deploy(alice, TargetHandle::constructor()));
    let op = Operation { salt: states(3), ..Operation::new(&target.again(states(3))) };
    chain.send(alice, op!(timelock.schedule(op, 0))).succeeds();
    chain.send(alice, op!(timelock.execute(op))).reverts_as_reentrant();
}

/// A receiver that refuses coins holds up its own operation, and none beside it.
#[esker_sdk::test]
fn a_receiver_that_refuses_harms_its_own_operation(chain: &mut Chain, alice: User, bob: User) {
    let (timelock, target) = deployed(chain, alice, bob);
    let grudge = chain.mock(Address::repeat_byte(0x66), |_| Answer::revert(Vec::new()));
    let payment = Operation { target: grudge, value: U256::ONE, data: Vec::new(), predecessor: NONE, salt: NONE };
    let other = Operation::new(&target.run(1));
    for op in [&payment, &other] {
        chain.send(alice, op!(timelock.schedule(*op, DELAY))).succeeds();
    }
    chain.pass(DELAY);
    chain.send(bob, op!(timelock.execute(payment)).value(1)).reverts(Error::FailedCall);
    chain.send(bob, op!(timelock.execute(other))).succeeds();
}

#[esker_sdk::test]
fn tokens_that_ask_are_taken(chain: &mut Chain, alice: User, bob: User) {
    let (timelock, _) = deployed(chain, alice, bob);
    let (one, nobody) = (U256::ONE, Address::ZERO);
    chain
        .send(alice, timelock.on_erc721_received(nobody, nobody, 1, &[]))
        .returns(FixedBytes([0x15, 0x0b, 0x7a, 0x02]));
    chain
        .send(alice, timelock.on_erc1155_received(nobody, nobody, 1, 1, &[]))
        .returns(FixedBytes([0xf2, 0x3a, 0x6e, 0x61]));
    let batch = timelock.on_erc1155_batch_received(nobody, nobody, &[one], &[one], &[]);
    chain.send(alice, batch).returns(FixedBytes([0xbc, 0x19, 0x7c, 0x81]));
}

/// Nothing is made before its time, more than once, or after it was taken back, whatever is tried in whatever order.
#[esker_sdk::test]
fn every_call_waits_and_is_made_at_most_once(chain: &mut Chain, alice: User, bob: User) {
    let (timelock, target) = deployed(chain, alice, bob);
    let operations: Vec<Operation> = (0..4).map(|which| Operation::new(&target.run(which))).collect();
    let operations = &operations;
    // When each may be made.
    let due = Mutex::new(HashMap::<u64, u64>::new());
    let due = &due;
    let start = chain.snapshot();
    Invariant::new()
        .before(move |chain| {
            chain.restore(&start);
            due.lock().expect("one at a time").clear();
        })
        .action("schedule", move |chain, draw| {
            let (which, delay) = (draw.number(0..=3), draw.number(DELAY - 100..=DELAY + 500));
            let sent =
                chain.send(draw.pick(&[alice, alice, bob]), op!(timelock.schedule(operations[which as usize], delay)));
            if sent.end() == End::Success {
                due.lock().expect("one at a time").insert(which, chain.timestamp() + delay);
            }
        })
        .action("cancel", move |chain, draw| {
            let which = draw.number(0..=3);
            let cancel = timelock.cancel(operations[which as usize].id());
            if chain.send(draw.pick(&[alice, bob]), cancel).end() == End::Success {
                due.lock().expect("one at a time").remove(&which);
            }
        })
        .action("execute", move |chain, draw| {
            let which = draw.number(0..=3);
            let sent = chain.send(bob, op!(timelock.execute(operations[which as usize])));
            let due = due.lock().expect("one at a time").get(&which).copied();
            let is_due = due.is_some_and(|due| due <= chain.timestamp());
            assert!(is_due || sent.end() != End::Success, "operation {which} was not due");
        })
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=DELAY)))
        .check("what ran is done, once", move |chain| {
            for (which, op) in (0..).zip(operations) {
                let is_done = chain.read(timelock.is_operation_done(op.id()));
                assert_eq!(chain.read(target.runs(which)), u64::from(is_done), "operation {which}");
            }
        })
        .run(chain);
}
