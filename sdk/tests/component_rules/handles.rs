//! Components with parameters, and what the handles of components and of their owners give.

use esker_sdk::{
    abi,
    native::{MemoryHost, Outcome},
    prelude::*,
    storage,
};

use super::{ALICE, BOB, HERE, errors, gate, of_kind, selectors};

/// Methods that are called as what a handle has.
#[component]
pub mod place {
    use super::*;

    #[storage]
    pub struct Place {
        visits: Map<Address, u64>,
    }

    impl Place {
        pub fn at(&self, index: u64) -> u64 {
            index + 1
        }

        pub fn address(&self) -> Address {
            BOB
        }

        pub fn visits(&self, who: Address) -> u64 {
            self.visits.get(who)
        }
    }
}

#[component]
pub mod inventory {
    use super::*;

    /// A thing of kind `T`, of which there are at most `MAX`.
    #[storage]
    pub struct Inventory<const MAX: u64, T: storage::Value + abi::AbiType + Clone, const STEP: u64 = 2>
    where
        T: From<u8>,
    {
        latest: Cell<T>,
        all: List<T>,
    }

    #[event]
    pub struct Stored {
        pub length: u64,
    }

    #[error]
    pub struct Full {
        pub max: u64,
    }

    impl<const MAX: u64, T: storage::Value + abi::AbiType + Clone, const STEP: u64> Inventory<MAX, T, STEP>
    where
        T: From<u8>,
    {
        #[hook]
        fn before_put(&mut self, cx: &mut Context, thing: T) {}

        pub fn put(&mut self, cx: &mut Context, thing: T) -> Result<(), Full> {
            self.before_put(cx, thing.clone());
            ensure!(self.all.len() < MAX, Full { max: MAX });
            self.latest.set(thing.clone());
            self.all.push(thing);
            cx.emit(Stored { length: self.all.len() });
            Ok(())
        }

        pub fn latest(&self) -> T {
            self.latest.get()
        }

        pub fn step(&self) -> u64 {
            STEP
        }

        pub fn none(&self) -> T {
            T::from(0)
        }
    }
}

/// Passes a part with parameters on.
#[component]
pub mod shelf {
    pub use super::inventory::Inventory;

    #[storage]
    pub struct Shelf<const MAX: u64> {
        #[expose(put, latest)]
        pub numbers: Inventory<MAX, u64>,
    }
}

macro_rules! contract_of {
    ($module:ident, $name:ident, $field:ty) => {
        #[contract]
        pub mod $module {
            use super::*;

            #[storage]
            pub struct $name {
                #[expose]
                field: $field,
                #[expose(none, step)]
                flags: inventory::Inventory<1, u128, 7>,
                silent: gate::Gate,
                log: inventory::Inventory<3, u32>,
                last: Cell<u64>,
            }

            impl $name {
                #[hook(field.numbers.before_put)]
                fn remember(&mut self, _cx: &mut Context, thing: u64) {
                    self.last.set(thing);
                }

                pub fn last(&self) -> u64 {
                    self.last.get()
                }

                /// Asks a method of its own, by a handle.
                pub fn visited(&self, who: Address) -> Address {
                    who
                }
            }
        }
    };
}
contract_of!(store, Store, shelf::Shelf<2>);

#[test]
fn components_have_type_and_const_parameters() {
    let mut host = MemoryHost::new();
    let store = host.install::<store::Store>(HERE);
    assert_eq!(host.send(ALICE, &store.put(5)), Outcome::Return(vec![]));
    assert_eq!(host.send(ALICE, &store.put(u64::MAX)), Outcome::Return(vec![]));
    assert_eq!(host.send(ALICE, &store.put(7)), Outcome::Revert(inventory::Full { max: 2 }.encode()));
    assert_eq!(host.query(BOB, &store.latest()), u64::MAX);
    // The hook of a field whose type a macro was given.
    assert_eq!(host.query(BOB, &store.last()), u64::MAX);
    // The handle's fields tell parts of one kind apart.
    assert_eq!(host.query(BOB, &store.flags.none()), 0u128);
    assert_eq!(host.query(BOB, &store.field.numbers.latest()), u64::MAX);
    assert_eq!(host.query(BOB, &store.flags.step()), 7);
    let functions = ["last/0", "latest/0", "none/0", "put/1", "step/0", "visited/1"];
    assert_eq!(selectors::<store::Store>(), functions);
    let alone: inventory::InventoryHandle<9, u64> = HERE.into();
    assert_eq!(host.query(BOB, &alone.latest()), u64::MAX);
}

#[test]
fn events_and_errors_of_components_are_in_the_abi_unasked() {
    assert_eq!(of_kind::<store::Store>("event"), ["Stored"]);
    let errors = errors::<store::Store>();
    assert_eq!(errors, ["Full", "NotKeeper", "ReentrancyGuardReentrantCall", "Shut"]);
}

#[contract]
pub mod places {
    use super::place::Place;

    #[storage]
    pub struct Places {
        #[expose]
        place: Place,
    }
}

#[test]
fn a_component_s_handle_stands_for_its_address() {
    let mut host = MemoryHost::new();
    let gate = gate::GateHandle::at(HERE);
    assert_eq!((gate.address(), Address::from(gate)), (HERE, HERE));
    let store = host.install::<store::Store>(HERE);
    assert_eq!(host.query(BOB, &store.visited(gate)), HERE);

    host.install::<places::Places>(BOB);
    let place: place::PlaceHandle = BOB.into();
    assert_eq!(host.query(ALICE, &place.at(4)), 5);
    assert_eq!(host.query(ALICE, &place.address()), BOB);
    assert_eq!(Address::from(place), BOB);
    assert_eq!(host.query(ALICE, &place.visits(gate)), 0);
}
