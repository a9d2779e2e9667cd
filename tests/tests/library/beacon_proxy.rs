//! Beacon proxies: that all of a beacon's proxies are upgraded by its owner, and share code and nothing else.

use esker_beacon_proxy::{
    BeaconProxyHandle, BeaconUpgraded, Error,
    beacon::{Error as BeaconError, UpgradeableBeacon, Upgraded},
};
use esker_components::access::ownable::Error as OwnerError;
use esker_proxy::initializable::{Initializable, InvalidInitialization};
use esker_sdk::prelude::*;
use esker_sdk_test::{Answer, Chain, Terms, User};

/// A beacon and nothing else.
#[contract]
mod plain_beacon {
    use super::*;

    #[storage]
    pub struct PlainBeacon {
        #[flatten]
        #[expose]
        beacon: UpgradeableBeacon,
    }

    impl PlainBeacon {
        #[constructor]
        pub fn new(&mut self, cx: &mut Context, implementation: Address, owner: Address) -> Result<(), BeaconError> {
            self.beacon.init(cx, implementation, owner)
        }
    }
}
use plain_beacon::*;

/// A number that counts by `STEP`.
macro_rules! counter {
    ($module:ident, $name:ident, $step:literal) => {
        #[contract]
        mod $module {
            use super::*;

            #[storage]
            pub struct $name {
                initializable: Initializable,
                count: Cell<u64>,
            }

            impl $name {
                #[constructor]
                pub fn new(&mut self, cx: &mut Context) {
                    self.initializable.disable(cx);
                }

                #[payable]
                pub fn initialize(&mut self, cx: &mut Context, count: u64) -> Result<(), InvalidInitialization> {
                    self.initializable.initializer(cx)?;
                    self.count.set(count);
                    Ok(())
                }

                #[payable]
                pub fn count(&mut self) -> u64 {
                    self.count.add($step)
                }

                pub fn fail(&mut self) {
                    require!(false, "no");
                }

                #[receive]
                fn receive(&mut self) {}
            }
        }
        use $module::*;
    };
}
counter!(by_one, ByOne, 1);
counter!(by_ten, ByTen, 10);

/// A beacon of alice's that says to count by one, and what it says.
fn deployed(chain: &mut Chain, alice: User) -> (PlainBeaconHandle, Address) {
    let implementation = chain.deploy(alice, ByOneHandle::constructor()).address();
    (chain.deploy(alice, PlainBeaconHandle::constructor(implementation, alice)), implementation)
}

fn proxy(chain: &mut Chain, by: User, beacon: PlainBeaconHandle, count: u64) -> ByOneHandle {
    let initialize = ByOneHandle::at(Address::ZERO).initialize(count);
    let proxy = chain.deploy(by, BeaconProxyHandle::constructor(beacon.address(), initialize.input()));
    ByOneHandle::at(proxy.address())
}

#[esker_sdk::test]
fn all_proxies_are_upgraded_at_once(chain: &mut Chain, alice: User, bob: User) {
    let (beacon, first) = deployed(chain, alice);
    let proxies = [proxy(chain, alice, beacon, 5), proxy(chain, bob, beacon, 50)];
    assert_eq!(chain.read(beacon.implementation()), first);
    chain.send(bob, proxies[0].count()).returns(6);
    chain.send(bob, proxies[1].count().value(3)).returns(51);
    chain.transfer(bob, proxies[1].address(), 4).succeeds();
    assert_eq!(chain.balance(proxies[1].address()), 7);
    let second = chain.deploy(alice, ByTenHandle::constructor()).address();
    chain.send(alice, beacon.upgrade_to(second)).emits(Upgraded { implementation: second });
    chain.send(bob, proxies[0].count()).returns(16);
    chain.send(bob, proxies[1].count()).returns(61);
    chain.send(bob, proxies[1].fail()).reverts_with_text("no");
}

#[esker_sdk::test]
fn the_owner_alone_upgrades_to_code_alone(chain: &mut Chain, alice: User, bob: User) {
    let (beacon, first) = deployed(chain, alice);
    let refused = OwnerError::OwnableUnauthorizedAccount { account: bob.into() };
    chain.send(bob, beacon.upgrade_to(first)).reverts(refused);
    let invalid = || BeaconError::BeaconInvalidImplementation { implementation: bob.into() };
    chain.send(alice, beacon.upgrade_to(bob)).reverts(invalid());
    chain.try_deploy(alice, PlainBeaconHandle::constructor(bob, alice)).reverts(invalid());
    assert_eq!(chain.read(beacon.implementation()), first);
}

#[esker_sdk::test]
fn a_proxy_is_initialised_with_its_deployment(chain: &mut Chain, alice: User, bob: User) {
    let (beacon, first) = deployed(chain, alice);
    let data = ByOneHandle::at(first).initialize(5);
    let sent = chain.try_deploy(alice, BeaconProxyHandle::constructor(beacon.address(), data.input()).paying(2));
    let proxy = ByOneHandle::at(sent.created().expect("it is deployed"));
    sent.emits_from(proxy.address(), BeaconUpgraded { beacon: beacon.address() });
    assert_eq!(chain.balance(proxy.address()), 2);
    chain.send(bob, proxy.initialize(1)).reverts(InvalidInitialization);
    chain.send(bob, ByOneHandle::at(first).initialize(1)).reverts(InvalidInitialization);
}

#[esker_sdk::test]
fn a_proxy_of_nothing_is_not_deployed(chain: &mut Chain, alice: User, bob: User) {
    let (beacon, _) = deployed(chain, alice);
    let no_beacon = Error::ERC1967InvalidBeacon { beacon: bob.into() };
    chain.try_deploy(alice, BeaconProxyHandle::constructor(bob, &[])).reverts(no_beacon);
    let empty = chain.mock(Address::repeat_byte(0x55), |_| Answer::value(&Address::repeat_byte(1)));
    let nothing = Error::ERC1967InvalidImplementation { implementation: Address::repeat_byte(1) };
    chain.try_deploy(alice, BeaconProxyHandle::constructor(empty, &[])).reverts(nothing);
    let paid = BeaconProxyHandle::constructor(beacon.address(), &[]).paying(1);
    chain.try_deploy(alice, paid).reverts(Error::ERC1967NonPayable);
    let failing = ByOneHandle::at(Address::ZERO).fail();
    let fails = BeaconProxyHandle::constructor(beacon.address(), failing.input());
    chain.try_deploy(alice, fails).reverts_with_text("no");
    let silent = BeaconProxyHandle::constructor(beacon.address(), b"what?");
    chain.try_deploy(alice, silent).reverts(Error::FailedCall);
}
