//! Contracts as delegators: they are paid by calls, which they can refuse or abuse.

use esker_sdk::U256;
use esker_sdk_test::{Chain, User};
use esker_staking::Error;
use esker_staking_delegator::{DelegatorHandle, Manner};

use crate::support::{World, coins};

#[esker_sdk::test]
fn a_contract_delegates_and_hurts_nobody_but_itself(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    let delegator = world.chain.deploy(bob, DelegatorHandle::constructor(staking.address(), ada.address));
    let itself = User { address: delegator.address() };
    world.chain.send(bob, delegator.delegate().value(coins(100))).succeeds();
    world.delegate(alice, ada, coins(100)).succeeds();
    assert_eq!(world.stake(itself, ada), coins(100));
    world.end_block(ada, coins(3), &[]);
    let owed = world.chain.read(staking.rewards_of(itself.address, ada.address));
    assert!(owed > U256::ZERO);

    // It refuses its rewards: they stay its own, and nobody else's wait for it.
    let refused = || Error::PaymentRefused { to: itself.address };
    world.chain.send(bob, delegator.behave(Manner::Refuses)).succeeds();
    world.chain.send(bob, delegator.claim()).reverts(refused());
    world.check();
    assert_eq!(world.chain.read(staking.rewards_of(itself.address, ada.address)), owed);
    world.chain.send(alice, staking.claim_rewards(ada.address)).succeeds();
    world.end_block(ada, U256::ZERO, &[]);
    // A slash needs nothing of it.
    world.chain.send(bob, delegator.undelegate(coins(40))).succeeds();
    world.punish(eve, ada, 1, 0).succeeds();
    world.chain.send(eve, staking.settle(itself.address, ada.address)).succeeds();
    world.check();
    world.end_epochs(4);
    world.chain.send(bob, delegator.withdraw()).reverts(refused());

    // It calls back while it is being paid: that call is refused, and with it the payment.
    world.chain.send(bob, delegator.behave(Manner::CallsBack)).succeeds();
    world.chain.send(bob, delegator.claim()).reverts(refused());
    world.chain.send(bob, delegator.withdraw()).reverts(refused());
    world.check();

    world.chain.send(bob, delegator.behave(Manner::Takes)).succeeds();
    world.chain.send(bob, delegator.claim()).succeeds();
    world.chain.send(bob, delegator.withdraw()).succeeds();
    assert_eq!(world.chain.balance(itself), owed + coins(36));
    assert_eq!(world.stake(itself, ada), coins(54));
    world.check();
}
