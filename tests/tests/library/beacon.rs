//! The beacon: that its owner alone moves it, and to code alone, and that proxies follow it at once.

use esker_beacon::{UpgradeableBeacon, UpgradeableBeaconHandle};
use esker_beacon_proxy::{
    BeaconProxyHandle, Error as ProxyError,
    beacon::{Error, Upgraded},
};
use esker_components::access::ownable::{Error as OwnerError, OwnershipTransferStarted, OwnershipTransferred};
use esker_sdk::{Contract, prelude::*};
use esker_sdk_test::{Chain, Invariant, Terms, User};

/// A number that counts by `STEP`.
macro_rules! counter {
    ($module:ident, $name:ident, $step:literal) => {
        #[contract]
        mod $module {
            use super::*;

            #[storage]
            pub struct $name {
                count: Cell<u64>,
            }

            impl $name {
                pub fn count(&mut self) -> u64 {
                    self.count.add($step)
                }
            }
        }
        use $module::*;
    };
}
counter!(by_one, ByOne, 1);
counter!(by_ten, ByTen, 10);

/// A beacon of alice's, and two implementations of which it says the first.
fn deployed(chain: &mut Chain, alice: User) -> (UpgradeableBeaconHandle, [Address; 2]) {
    let codes = [
        chain.deploy(alice, ByOneHandle::constructor()).address(),
        chain.deploy(alice, ByTenHandle::constructor()).address(),
    ];
    (chain.deploy(alice, UpgradeableBeaconHandle::constructor(codes[0], alice)), codes)
}

fn not_owner(account: User) -> OwnerError {
    OwnerError::OwnableUnauthorizedAccount { account: account.into() }
}

#[esker_sdk::test]
fn proxies_follow_at_once(chain: &mut Chain, alice: User, bob: User) {
    let (beacon, [first, second]) = deployed(chain, alice);
    assert_eq!(chain.read(beacon.implementation()), first);
    assert_eq!(chain.read(beacon.owner()), alice.address);
    let proxies = [alice, bob].map(|user| {
        let proxy = chain.deploy(user, BeaconProxyHandle::constructor(beacon.address(), &[]));
        ByOneHandle::at(proxy.address())
    });
    chain.send(bob, proxies[0].count()).returns(1);
    chain.send(alice, beacon.upgrade_to(second)).emits(Upgraded { implementation: second });
    assert_eq!(chain.read(beacon.implementation()), second);
    for (proxy, count) in proxies.into_iter().zip([11, 10]) {
        chain.send(bob, proxy.count()).returns(count);
    }
    // The beacon runs nothing itself.
    chain.send(bob, ByOneHandle::at(beacon.address()).count()).reverts_with_bytes(&[]);
}

#[esker_sdk::test]
fn it_says_nothing_that_is_no_code(chain: &mut Chain, alice: User, bob: User) {
    let (beacon, [first, _]) = deployed(chain, alice);
    for implementation in [Address::ZERO, bob.address] {
        let error = || Error::BeaconInvalidImplementation { implementation };
        chain.send(alice, beacon.upgrade_to(implementation)).reverts(error());
        chain.try_deploy(alice, UpgradeableBeaconHandle::constructor(implementation, alice)).reverts(error());
    }
    let nobody = OwnerError::OwnableInvalidOwner { owner: Address::ZERO };
    chain.try_deploy(alice, UpgradeableBeaconHandle::constructor(first, Address::ZERO)).reverts(nobody);
    chain.try_deploy(alice, UpgradeableBeaconHandle::constructor(first, alice).paying(1)).reverts_with_bytes(&[]);
    assert_eq!(chain.read(beacon.implementation()), first);
    // A user is no beacon.
    let error = ProxyError::ERC1967InvalidBeacon { beacon: bob.into() };
    chain.try_deploy(alice, BeaconProxyHandle::constructor(bob, &[])).reverts(error);
}

/// Whoever deploys has no say if the owner is another, and the owner is another only when both want it.
#[esker_sdk::test]
fn the_owner_alone_moves_it(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (_, [first, second]) = deployed(chain, alice);
    let deployment = chain.try_deploy(alice, UpgradeableBeaconHandle::constructor(first, bob));
    let beacon = UpgradeableBeaconHandle::at(deployment.created().expect("it is deployed"));
    let (previous_owner, new_owner) = (Address::ZERO, bob.address);
    deployment.emits(OwnershipTransferred { previous_owner, new_owner }).emits(Upgraded { implementation: first });
    chain.send(alice, beacon.upgrade_to(second)).reverts(not_owner(alice));
    chain.send(alice, beacon.transfer_ownership(alice)).reverts(not_owner(alice));
    let (previous_owner, new_owner) = (bob.address, carol.address);
    let started = OwnershipTransferStarted { previous_owner, new_owner };
    chain.send(bob, beacon.transfer_ownership(carol)).emits(started);
    chain.send(carol, beacon.upgrade_to(second)).reverts(not_owner(carol));
    chain.send(carol, beacon.accept_ownership()).emits(OwnershipTransferred { previous_owner, new_owner });
    chain.send(bob, beacon.upgrade_to(second)).reverts(not_owner(bob));
    chain.send(carol, beacon.upgrade_to(second)).succeeds();
    // Once given up, it stays where it is.
    chain.send(carol, beacon.renounce_ownership()).succeeds();
    chain.send(carol, beacon.upgrade_to(first)).reverts(not_owner(carol));
    assert_eq!(chain.read(beacon.implementation()), second);
}

/// Whatever anybody calls, what the beacon says is code, and the last that its owner of then said.
#[esker_sdk::test]
fn it_says_what_its_owner_said_last(chain: &mut Chain, alice: User, bob: User) {
    let (beacon, codes) = deployed(chain, alice);
    let (users, [first, second]) = ([alice, bob], codes);
    let said = std::cell::Cell::new(first);
    let said = &said;
    Invariant::new()
        .before(move |_| said.set(first))
        .action("upgrade", move |chain, draw| {
            let (by, to) = (draw.pick(&users), draw.pick(&[first, second, bob.address]));
            let may = chain.read(beacon.owner()) == by.address && to != bob.address;
            if may {
                chain.send(by, beacon.upgrade_to(to)).succeeds();
                said.set(to);
            } else {
                let _ = chain.send(by, beacon.upgrade_to(to));
            }
        })
        .action("hand over", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), beacon.transfer_ownership(draw.pick(&users)));
        })
        .action("accept", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), beacon.accept_ownership());
        })
        .check("what it says is what its owner said", move |chain| {
            assert_eq!(chain.read(beacon.implementation()), said.get());
            assert!(!chain.code_at(said.get()).is_empty());
        })
        .run(chain);
}

/// The interface is OpenZeppelin's, with the second step of a hand-over.
#[test]
fn the_interface_is_the_models() {
    let abi = UpgradeableBeacon::ABI;
    let mut names: Vec<_> = abi.functions.iter().map(|function| function.name).collect();
    names.sort_unstable();
    let model = [
        "acceptOwnership",
        "implementation",
        "owner",
        "pendingOwner",
        "renounceOwnership",
        "transferOwnership",
        "upgradeTo",
    ];
    assert_eq!(names, model);
}
