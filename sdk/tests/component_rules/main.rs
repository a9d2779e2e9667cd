//! What holds between components, their parts and their owners: which method a name means, whose rule counts, what the
//! handles give.
#![allow(missing_docs, reason = "the contracts here are read by nobody but this test")]

mod handles;

use esker_sdk::{
    interface,
    native::{MemoryHost, Outcome},
    prelude::*,
};

const HERE: Address = Address::repeat_byte(0x60);
const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);

/// Events and errors that no contract here declares.
pub mod foreign {
    use super::*;

    #[event]
    pub struct Never {
        pub at: u64,
    }

    #[event]
    pub struct Told {
        pub at: u64,
    }

    #[error]
    pub struct Impossible {
        pub at: u64,
    }
}

#[component]
pub mod inner {
    use super::*;

    #[storage]
    pub struct Inner {
        count: Cell<u64>,
    }

    impl Inner {
        pub fn limit(&self) -> u64 {
            1
        }

        pub fn rate(&self) -> u64 {
            1
        }

        pub fn owner(&self) -> u64 {
            1
        }

        pub fn count(&self) -> u64 {
            self.count.get()
        }
    }
}

/// Overrides one method of what is inside, and has one of another's name.
#[component]
pub mod middle {
    pub use super::inner::Inner;

    #[storage]
    pub struct Middle {
        #[expose]
        pub inner: Inner,
    }

    impl Middle {
        #[overrides]
        #[name = "limit"]
        pub fn strict_limit(&self) -> u64 {
            self.inner.limit() + 1
        }

        pub fn rate(&self, of: u64) -> u64 {
            of * 2
        }
    }
}

#[component]
pub mod outer {
    pub use super::middle::Middle;

    #[storage]
    pub struct Outer {
        #[expose(strict_limit, rate, count)]
        pub middle: Middle,
    }
}

/// Everything that the outer component exposes, and no more.
#[contract]
pub mod nested {
    use super::outer::Outer;

    #[storage]
    pub struct Nested {
        #[expose]
        outer: Outer,
    }
}

/// The overridden method is not there because its override is not listed.
#[contract]
pub mod listed {
    use super::middle::Middle;

    #[storage]
    pub struct Listed {
        #[expose(rate)]
        middle: Middle,
    }
}

/// All of it.
#[contract]
pub mod whole {
    use super::middle::Middle;

    #[storage]
    pub struct Whole {
        #[expose]
        middle: Middle,
    }
}

fn selectors<C: Contract>() -> Vec<String> {
    let functions = C::ABI.functions.iter();
    let mut all: Vec<String> = functions.map(|item| format!("{}/{}", item.name, item.inputs.len())).collect();
    all.sort();
    all
}

fn number(host: &mut MemoryHost, input: &[u8]) -> Outcome {
    host.send_raw(BOB, HERE, U256::ZERO.into(), input)
}

fn is(value: u64) -> Outcome {
    Outcome::Return(U256::from(value).to_be_bytes().to_vec())
}

/// The calls of a method that no handle has: by its signature.
fn input(signature: &str, arguments: &[u64]) -> Vec<u8> {
    let hash = alloy_primitives::keccak256(signature);
    let words = arguments.iter().flat_map(|argument| U256::from(*argument).to_be_bytes());
    hash[..4].iter().copied().chain(words).collect()
}

#[test]
fn a_name_means_the_method_as_the_component_exposes_it() {
    let nothing = Outcome::Revert(vec![]);
    let mut host = MemoryHost::new();
    let nested = host.install::<nested::Nested>(HERE);
    assert_eq!(selectors::<nested::Nested>(), ["count/0", "limit/0", "rate/1"]);
    assert_eq!(host.query(BOB, &nested.strict_limit()), 2);
    assert_eq!(host.query(BOB, &nested.rate(4)), 8);
    assert_eq!(host.query(BOB, &nested.count()), 0);
    assert_eq!(number(&mut host, &input("limit()", &[])), is(2));
    assert_eq!(number(&mut host, &input("rate()", &[])), nothing);
    assert_eq!(number(&mut host, &input("owner()", &[])), nothing);

    host.install::<listed::Listed>(HERE);
    assert_eq!(selectors::<listed::Listed>(), ["rate/1"]);
    assert_eq!(number(&mut host, &input("limit()", &[])), nothing);
    assert_eq!(number(&mut host, &input("rate()", &[])), nothing);
    assert_eq!(number(&mut host, &input("rate(uint64)", &[3])), is(6));

    let whole = host.install::<whole::Whole>(HERE);
    assert_eq!(selectors::<whole::Whole>(), ["count/0", "limit/0", "owner/0", "rate/0", "rate/1"]);
    assert_eq!(number(&mut host, &input("limit()", &[])), is(2));
    assert_eq!(number(&mut host, &input("rate()", &[])), is(1));
    // The outermost of two methods of one name is what the handle gives; the other one is its field's.
    assert_eq!(host.query(BOB, &whole.rate(4)), 8);
    assert_eq!(host.query(BOB, &whole.middle.inner.rate()), 1);
    assert_eq!(whole.middle.inner.address(), HERE);
}

#[interface]
pub trait IGate {
    type Error: ContractError;
    fn pass(&mut self, cx: &mut Context) -> Result<(), Self::Error>;
    fn peek(&self) -> u64;
}

/// A hook that needs a permission, whoever implements it, and an interface whose methods do.
#[component]
pub mod gate {
    use super::*;

    #[storage]
    pub struct Gate {
        keeper: Cell<Address>,
        passed: Cell<u64>,
    }

    #[error]
    pub struct NotKeeper {
        pub caller: Address,
    }

    #[error]
    pub struct Shut;

    impl Gate {
        #[hook]
        #[only(keeper)]
        fn before_pass(&mut self, cx: &mut Context, mut steps: u64) -> u64 {
            steps += 1;
            steps
        }

        #[internal]
        pub fn init(&mut self, keeper: Address) {
            self.keeper.set(keeper);
        }

        #[internal]
        pub fn only_keeper(&self, cx: &Context) -> Result<(), NotKeeper> {
            ensure!(cx.sender() == self.keeper.get(), NotKeeper { caller: cx.sender() });
            Ok(())
        }

        #[internal]
        pub fn when_open(&self, _cx: &Context) -> Result<(), Shut> {
            ensure!(self.passed.get() < 100, Shut);
            Ok(())
        }
    }

    impl IGate for Gate {
        type Error = NotKeeper;

        #[when(open)]
        fn pass(&mut self, cx: &mut Context) -> Result<(), NotKeeper> {
            let steps = self.before_pass(cx, 1);
            self.passed.add(steps);
            Ok(())
        }

        fn peek(&self) -> u64 {
            self.passed.get()
        }
    }
}

#[contract]
pub mod gated {
    use super::{gate::Gate, *};

    #[storage]
    pub struct Gated {
        #[expose]
        gate: Gate,
    }

    impl Gated {
        #[constructor]
        pub fn new(&mut self, cx: &Context) {
            self.gate.init(cx.sender());
        }

        #[hook(gate.before_pass)]
        fn hundredfold(&mut self, _cx: &mut Context, steps: u64) -> u64 {
            steps * 100
        }
    }

    #[cfg(any())]
    impl Gated {
        pub fn never(&mut self, cx: &mut Context) {
            cx.emit(foreign::Never { at: 1 });
            revert_with(foreign::Missing { at: 1 });
        }
    }

    #[cfg(not(any()))]
    impl Gated {
        pub fn tell(&mut self, cx: &mut Context) {
            cx.emit(foreign::Told { at: 1 });
        }
    }
}

#[contract]
pub mod guarded {
    use super::{gate::Gate, *};

    #[storage]
    pub struct Guarded {
        gate: Gate,
        passed: Cell<u64>,
    }

    impl Guarded {
        #[constructor]
        pub fn new(&mut self, cx: &Context) {
            self.gate.init(cx.sender());
        }
    }

    impl IGate for Guarded {
        type Error = foreign::Impossible;

        #[only(gate.keeper)]
        fn pass(&mut self, _cx: &mut Context) -> Result<(), Self::Error> {
            self.passed.add(1);
            Ok(())
        }

        #[only(gate.keeper)]
        fn peek(&self) -> u64 {
            self.passed.get()
        }
    }
}

fn errors<C: Contract>() -> Vec<String> {
    of_kind::<C>("error")
}

fn of_kind<C: Contract>(kind: &str) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(C::abi_json()).expect("JSON");
    let items = json.as_array().into_iter().flatten().filter(|item| item["type"] == kind);
    let mut names: Vec<String> = items.map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_hook_s_guard_stands_in_front_of_whoever_implements_it() {
    let mut host = MemoryHost::new();
    let gated = host.deploy(ALICE, HERE, &gated::GatedHandle::constructor()).expect("deploys");
    let refused = Outcome::Revert(gate::NotKeeper { caller: BOB }.encode());
    assert_eq!(host.send(BOB, &gated.pass()), refused);
    assert_eq!(host.send(ALICE, &gated.pass()), Outcome::Return(vec![]));
    assert_eq!(host.query(BOB, &gated.peek()), 100);
    // The guard of the interface's method, in a component.
    assert_eq!(host.send(ALICE, &gated.pass()), Outcome::Revert(gate::Shut.encode()));
    assert_eq!(errors::<gated::Gated>(), ["NotKeeper", "ReentrancyGuardReentrantCall", "Shut"]);
}

#[test]
fn guards_stand_in_front_of_an_interface_s_methods() {
    let mut host = MemoryHost::new();
    let guarded = host.deploy(ALICE, HERE, &guarded::GuardedHandle::constructor()).expect("deploys");
    let refused = Outcome::Revert(gate::NotKeeper { caller: BOB }.encode());
    assert_eq!(host.send(BOB, &guarded.pass()), refused);
    assert_eq!(host.send(BOB, &guarded.peek()), refused);
    assert_eq!(host.send(ALICE, &guarded.pass()), Outcome::Return(vec![]));
    assert_eq!(host.query(ALICE, &guarded.peek()), 1);
    assert!(errors::<guarded::Guarded>().contains(&"NotKeeper".to_owned()));
}

#[test]
fn what_an_absent_impl_mentions_is_absent() {
    assert_eq!(of_kind::<gated::Gated>("event"), ["Told"]);
}

/// Says of itself what it has.
#[component]
pub mod talkative {
    use super::*;

    #[storage]
    pub struct Talkative {
        count: Cell<u64>,
    }

    impl IGate for Talkative {
        type Error = foreign::Impossible;

        fn pass(&mut self, _cx: &mut Context) -> Result<(), Self::Error> {
            self.count.add(1);
            Ok(())
        }

        fn peek(&self) -> u64 {
            self.count.get()
        }
    }

    impl Talkative {
        pub fn supports_interface(&self, interface_id: FixedBytes<4>) -> bool {
            interface_id == FixedBytes([1, 2, 3, 4])
        }
    }
}

#[contract(erc165)]
pub mod answering {
    use super::talkative::Talkative;

    #[storage]
    pub struct Answering {
        #[expose]
        talkative: Talkative,
    }
}

#[test]
fn the_contract_s_answer_about_interfaces_takes_the_place_of_a_component_s() {
    let mut host = MemoryHost::new();
    let answering = host.install::<answering::Answering>(HERE);
    let mut supports = |id: [u8; 4]| host.query(BOB, &answering.supports_interface(FixedBytes(id)));
    assert!(supports([0x01, 0xff, 0xc9, 0xa7]));
    assert!(supports(IGateHandle::INTERFACE_ID.0));
    assert!(!supports([1, 2, 3, 4]));
    assert_eq!(selectors::<answering::Answering>(), ["pass/0", "peek/0", "supportsInterface/1"]);
}
