//! Proxies and what stands behind them: that they are one contract, which is initialised once and upgraded by its owner.

use esker_proxy::{
    ProxyHandle,
    erc1967::{Error as ProxyError, IMPLEMENTATION_SLOT, Upgraded},
    initializable::{Initialized, InvalidInitialization},
    uups::{Error, Uups},
};
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, User};

/// Who calls is not the owner.
#[error]
pub struct NotOwner {
    /// Who calls.
    pub caller: Address,
}

/// Calls back who calls it.
#[interface]
pub trait ICaller {
    /// Does so.
    fn call_back(&mut self);
}

/// A number, in its first version.
#[contract]
mod first {
    use super::*;

    #[storage]
    pub struct First {
        #[flatten]
        #[expose]
        uups: Uups,
        owner: Cell<Address>,
        value: Cell<u64>,
    }

    impl First {
        #[constructor]
        pub fn new(&mut self, cx: &mut Context) {
            self.uups.init(cx);
        }

        #[payable]
        pub fn initialize(
            &mut self,
            cx: &mut Context,
            owner: Address,
            value: u64,
        ) -> Result<(), InvalidInitialization> {
            self.uups.initializable.initializer(cx)?;
            self.owner.set(owner);
            self.value.set(value);
            Ok(())
        }

        pub fn owner(&self) -> Address {
            self.owner.get()
        }

        pub fn value(&self) -> u64 {
            self.value.get()
        }

        #[payable]
        pub fn set(&mut self, cx: &Context, value: u64) -> Result<(), NotOwner> {
            ensure!(cx.sender() == self.owner.get(), NotOwner { caller: cx.sender() });
            self.value.set(value);
            Ok(())
        }

        pub fn visit(&mut self, cx: &mut Context, other: Address) {
            ICallerHandle::at(other).call_back().call(cx);
        }

        #[receive]
        fn receive(&mut self) {}

        #[hook(uups.authorize_upgrade)]
        fn by_the_owner(&mut self, cx: &mut Context, _: Address) -> Result<(), NotOwner> {
            ensure!(cx.sender() == self.owner.get(), NotOwner { caller: cx.sender() });
            Ok(())
        }
    }
}
use first::*;

/// The same with a step, by which it counts, in a field behind the others.
#[contract]
mod second {
    use super::*;

    #[storage]
    pub struct Second {
        #[flatten]
        #[expose]
        uups: Uups,
        owner: Cell<Address>,
        value: Cell<u64>,
        step: Cell<u64>,
    }

    impl Second {
        #[constructor]
        pub fn new(&mut self, cx: &mut Context) {
            self.uups.init(cx);
        }

        pub fn migrate(&mut self, cx: &mut Context, step: u64) -> Result<(), InvalidInitialization> {
            self.uups.initializable.reinitializer(cx, 2)?;
            self.step.set(step);
            Ok(())
        }

        pub fn initialize(&mut self, cx: &mut Context, owner: Address) -> Result<(), InvalidInitialization> {
            self.uups.initializable.initializer(cx)?;
            self.owner.set(owner);
            Ok(())
        }

        pub fn count(&mut self) -> u64 {
            self.value.add(self.step.get())
        }

        pub fn owner(&self) -> Address {
            self.owner.get()
        }

        #[hook(uups.authorize_upgrade)]
        fn by_nobody(&mut self, cx: &mut Context, _: Address) -> Result<(), NotOwner> {
            Err(NotOwner { caller: cx.sender() })
        }
    }
}
use second::*;

/// The first one's fields, and no proxy.
#[contract]
mod plain {
    use super::*;

    #[storage]
    pub struct Plain {
        owner: Cell<Address>,
        value: Cell<u64>,
    }

    impl Plain {
        #[constructor]
        pub fn new(&mut self, owner: Address, value: u64) {
            self.owner.set(owner);
            self.value.set(value);
        }

        pub fn call_back(&mut self, cx: &mut Context) {
            FirstHandle::from(cx.sender()).set(1).call(cx);
        }

        /// As an implementation of another kind of proxy answers.
        #[name = "proxiableUUID"]
        pub fn proxiable_uuid() -> B256 {
            B256::repeat_byte(1)
        }
    }
}
use plain::*;

/// An implementation, and a proxy of alice's that holds 7.
fn deployed(chain: &mut Chain, alice: User) -> (FirstHandle, FirstHandle) {
    let implementation = chain.deploy(alice, FirstHandle::constructor());
    let data = implementation.initialize(alice, 7);
    let proxy = chain.deploy(alice, ProxyHandle::constructor(implementation.address(), data.input()));
    (FirstHandle::at(proxy.address()), implementation)
}

fn not_owner(user: User) -> NotOwner {
    NotOwner { caller: user.into() }
}

#[esker_sdk::test]
fn a_proxy_does_what_its_implementation_says(chain: &mut Chain, alice: User, bob: User) {
    let implementation = chain.deploy(alice, FirstHandle::constructor());
    let data = implementation.initialize(alice, 7);
    let sent = chain.try_deploy(alice, ProxyHandle::constructor(implementation.address(), data.input()));
    let proxy = FirstHandle::at(sent.created().expect("it is deployed"));
    let sent = sent.emits_from(proxy.address(), Upgraded { implementation: implementation.address() });
    sent.emits_from(proxy.address(), Initialized { version: 1 });
    assert_eq!((chain.read(proxy.value()), chain.read(proxy.owner())), (7, alice.address));
    chain.send(alice, proxy.set(8).value(5)).succeeds();
    assert_eq!(chain.read(proxy.value()), 8);
    // What it reverts with, and coins without words.
    chain.send(bob, proxy.set(9)).reverts(not_owner(bob));
    chain.transfer(bob, proxy.address(), 6).succeeds();
    assert_eq!((chain.balance(proxy.address()), chain.balance(implementation.address())), (11.into(), U256::ZERO));
    chain.send_raw(bob, proxy.address(), U256::ZERO, b"what?").reverts_with(Vec::new());
}

/// A proxy has its implementation's fields where that would have them by itself, and nothing of its own among them.
#[esker_sdk::test]
fn storage_lies_as_without_a_proxy(chain: &mut Chain, alice: User) {
    let (proxy, implementation) = deployed(chain, alice);
    let plain = chain.deploy(alice, PlainHandle::constructor(alice, 7));
    let slot = |index: u64| B256::from(U256::from(index).to_be_bytes());
    for index in 0..4 {
        assert_eq!(chain.storage(proxy.address(), slot(index)), chain.storage(plain.address(), slot(index)));
        assert_eq!(chain.storage(implementation.address(), slot(index)), B256::ZERO);
    }
    assert_ne!(chain.storage(proxy.address(), slot(0)), B256::ZERO);
    let mut word = [0; 32];
    word[12..].copy_from_slice(&implementation.address().0);
    assert_eq!(chain.storage(proxy.address(), IMPLEMENTATION_SLOT), FixedBytes(word));
    // OpenZeppelin's slot, with the version in its lowest bytes.
    let initializable = u256!(0xf0c57e16840df040f15088dc2f81fe391c3923bec73e23a9662efc9c229c6a00).to_be_bytes();
    assert_eq!(chain.storage(proxy.address(), B256::from(initializable)), slot(1));
}

#[esker_sdk::test]
fn a_proxy_is_initialised_once(chain: &mut Chain, alice: User, bob: User) {
    let (proxy, implementation) = deployed(chain, alice);
    chain.send(bob, proxy.initialize(bob, 1)).reverts(InvalidInitialization);
    chain.send(alice, proxy.initialize(alice, 1)).reverts(InvalidInitialization);
    // What stands behind it belongs to nobody, for ever.
    chain.send(bob, implementation.initialize(bob, 1)).reverts(InvalidInitialization);
    assert_eq!((chain.read(proxy.owner()), chain.read(implementation.owner())), (alice.into(), Address::ZERO));
    // Deployed without being initialised, a proxy is whose call comes first: the data belongs into the deployment.
    let late = chain.deploy(alice, ProxyHandle::constructor(implementation.address(), &[]));
    let late = FirstHandle::at(late.address());
    chain.send(bob, late.initialize(bob, 1)).emits(Initialized { version: 1 });
    chain.send(alice, late.initialize(alice, 1)).reverts(InvalidInitialization);
}

#[esker_sdk::test]
fn an_upgrade_keeps_the_storage_and_migrates_once(chain: &mut Chain, alice: User, bob: User) {
    let (proxy, _) = deployed(chain, alice);
    let implementation = chain.deploy(alice, SecondHandle::constructor());
    let migrate = implementation.migrate(5);
    let upgrade = proxy.upgrade_to_and_call(implementation.address(), migrate.input());
    let sent = chain.send(alice, upgrade).emits(Upgraded { implementation: implementation.address() });
    sent.emits_from(proxy.address(), Initialized { version: 2 });
    let proxy = SecondHandle::at(proxy.address());
    chain.send(bob, proxy.count()).returns(12);
    assert_eq!(chain.read(proxy.owner()), alice.address);
    chain.send(bob, proxy.migrate(1)).reverts(InvalidInitialization);
    chain.send(bob, proxy.initialize(bob)).reverts(InvalidInitialization);
    // The new version says who upgrades from now on.
    let again = proxy.upgrade_to_and_call(implementation.address(), &[]);
    chain.send(alice, again).reverts(not_owner(alice));
}

#[esker_sdk::test]
fn upgrades_that_would_be_the_last_are_refused(chain: &mut Chain, alice: User, bob: User) {
    let (proxy, implementation) = deployed(chain, alice);
    let plain = chain.deploy(alice, PlainHandle::constructor(alice, 7));
    let (other, _) = deployed(chain, alice);
    let next = chain.deploy(alice, SecondHandle::constructor());
    chain.send(bob, proxy.upgrade_to_and_call(next.address(), &[])).reverts(not_owner(bob));
    // No code; code that knows of no proxies; a proxy, which would run itself.
    let silent = chain.mock(Address::repeat_byte(0x33), |_| esker_sdk_test::Answer::nothing());
    for target in [bob.address, silent, other.address()] {
        let invalid = ProxyError::ERC1967InvalidImplementation { implementation: target };
        chain.send(alice, proxy.upgrade_to_and_call(target, &[])).reverts(invalid);
    }
    let unsupported = Error::UUPSUnsupportedProxiableUUID { slot: B256::repeat_byte(1) };
    chain.send(alice, proxy.upgrade_to_and_call(plain.address(), &[])).reverts(unsupported);
    let paid = proxy.upgrade_to_and_call(next.address(), &[]).value(1);
    chain.send(alice, paid).reverts(ProxyError::ERC1967NonPayable);
    // A migration that fails undoes the upgrade.
    let bad = proxy.upgrade_to_and_call(next.address(), next.initialize(bob).input());
    chain.send(alice, bad).reverts(InvalidInitialization);
    let unknown = proxy.upgrade_to_and_call(next.address(), b"what?");
    chain.send(alice, unknown).reverts(ProxyError::FailedCall);
    assert_eq!(chain.read(proxy.value()), 7);
    assert_eq!(chain.read(implementation.value()), 0);
}

#[esker_sdk::test]
fn an_implementation_is_not_upgraded_itself(chain: &mut Chain, alice: User, bob: User) {
    let (proxy, implementation) = deployed(chain, alice);
    let next = chain.deploy(alice, SecondHandle::constructor());
    let direct = || Error::UUPSUnauthorizedCallContext;
    for user in [alice, bob] {
        chain.send(user, implementation.upgrade_to_and_call(next.address(), &[])).reverts(direct());
    }
    chain.try_read(proxy.proxiable_uuid()).reverts(direct());
    assert_eq!(chain.read(implementation.proxiable_uuid()), IMPLEMENTATION_SLOT);
    assert_eq!(chain.read(proxy.upgrade_interface_version()), "5.0.0");
}

#[esker_sdk::test]
fn a_proxy_of_nothing_is_not_deployed(chain: &mut Chain, alice: User, bob: User) {
    let implementation = chain.deploy(alice, FirstHandle::constructor());
    let invalid = ProxyError::ERC1967InvalidImplementation { implementation: bob.into() };
    chain.try_deploy(alice, ProxyHandle::constructor(bob, &[])).reverts(invalid);
    let bad = implementation.set(1);
    let refused = NotOwner { caller: alice.into() };
    chain.try_deploy(alice, ProxyHandle::constructor(implementation.address(), bad.input())).reverts(refused);
    let silent = ProxyHandle::constructor(implementation.address(), b"what?");
    chain.try_deploy(alice, silent).reverts(ProxyError::FailedCall);
}

/// Whoever is called through a proxy cannot come back through it, though the proxy itself takes every call.
#[esker_sdk::test]
fn a_proxy_cannot_be_entered_again(chain: &mut Chain, alice: User) {
    let (proxy, _) = deployed(chain, alice);
    let plain = chain.deploy(alice, PlainHandle::constructor(alice, 7));
    chain.send(alice, proxy.visit(plain.address())).reverts_as_reentrant();
}
