//! Forms that authors write without thinking, each of which must compile and mean what it says.
#![allow(missing_docs, reason = "the contracts here are read by nobody but this test")]

use esker_sdk::{
    CallError, Contract, ContractError, Event, Panic,
    native::{MemoryHost, Outcome},
    prelude::*,
};

const HERE: Address = Address::repeat_byte(0x11);
const THERE: Address = Address::repeat_byte(0x22);
const ALICE: Address = Address::repeat_byte(0xa1);

#[contract]
mod forms {
    #![allow(clippy::type_complexity, reason = "an attribute at the head of the module")]
    //! And documentation.
    use super::*;

    /// An alias as most crates have it.
    pub type Result<T> = core::result::Result<T, Error>;
    type Amount = U256;

    #[storage(nested)]
    pub struct Row {
        pub number: Cell<u8>,
        pub note: Text,
    }

    #[storage]
    pub struct Forms {
        small: Cell<u64>,
        signed: Cell<i32>,
        wide: Cell<U256>,
        negative: Cell<I256>,
        reserve: Cell<Uint<112>>,
        tick: Cell<Int<24>>,
        spent: TransientCell<u16>,
        text: Text,
        blob: Blob,
        list: List<u32>,
        array: Array<u16, 3>,
        row: Row,
        rows: Map<u64, Row>,
        by_number: Map<U256, U256>,
        by_id: Map<u64, u8>,
        by_odd: Map<Uint<24>, bool>,
        by_pair: Map<(Address, U256), U256>,
        by_name: Map<(String, u8), u8>,
        by_bytes: Map<Bytes, u8>,
    }

    #[error]
    pub enum Error {
        Low {
            have: U256,
        },
        #[cfg(any())]
        Never(Missing),
    }

    #[error]
    #[cfg(any())]
    pub struct Gone {
        never: Missing,
    }

    #[event]
    #[cfg(any())]
    pub struct Silent {
        pub never: Missing,
    }

    #[cfg(any())]
    impl Forms {
        pub fn not_in_this_build(&mut self, argument: Missing) {}
    }

    impl Forms {
        pub fn cells(&mut self) -> (u64, i32, U256, I256) {
            self.small.set(0);
            self.small.add(1);
            self.small.sub(1);
            self.signed.set(-5);
            self.wide.set(5_000_000_000);
            self.wide.add(1);
            self.negative.set(-5_000_000_000);
            self.negative.sub(1);
            self.spent.set(7);
            (self.small.replace(3), self.signed.add(2), self.wide.get(), self.negative.get())
        }

        pub fn operators(x: U256, y: I256) -> (bool, bool, bool, U256, I256) {
            let mut sum = x + 5_000_000_000;
            sum += 1;
            sum -= U256::ONE;
            (x > 0, x == 0, x <= 7 && y < 0 && y != -1, sum * 2 / 3 % 1_000, y - 1 + 2 * 3)
        }

        pub fn keys(&mut self, name: String) -> (U256, u8, bool, U256, u8, u8) {
            self.by_number.set(5, 1);
            self.by_number.at_mut(5).add(1);
            self.by_id.set(6, 2);
            self.by_odd.set(7, true);
            self.by_pair.set((ALICE, 8), 3);
            self.by_name.set((&name, 9), 4);
            self.by_bytes.set(b"bytes", 5);
            self.rows.at_mut(10).number.set(6);
            (
                self.by_number.get(5),
                self.by_id.get(6),
                self.by_odd.get(7),
                self.by_pair.get((ALICE, U256::from(8))),
                self.by_name.get((name.as_str(), 9)),
                self.by_bytes.get(&b"bytes"[..]),
            )
        }

        pub fn reserves(&mut self, amount: Uint<112>) -> (Uint<112>, Int<24>, bool) {
            self.reserve.set(1_000);
            self.reserve.add(amount);
            self.reserve.add(1);
            self.tick.set(-100);
            self.tick.sub(1);
            let doubled = self.reserve.get() * 2;
            (doubled, self.tick.get() + 1, doubled > 2_000)
        }

        pub fn clear_all(&mut self) {
            self.wide.set(1);
            self.text.set("text");
            self.list.push(5);
            self.array.set(2, 9);
            self.row.note.set("a note");
            self.rows.at_mut(10).note.set("note");
            self.wide.clear();
            self.text.clear();
            self.blob.clear();
            self.list.clear();
            self.array.clear();
            self.spent.clear();
            self.row.clear();
            self.rows.at_mut(10).clear();
        }

        pub fn at(&self, index: u64) -> u64 {
            index + 1
        }

        pub fn address(&self, cx: &Context) -> Address {
            cx.address()
        }

        pub fn aliased(&self, x: Amount) -> Result<Amount> {
            ensure!(x >= 10, Error::Low { have: x });
            Ok(x.pow(2))
        }

        pub fn nothing(&self, x: U256) -> Result<()> {
            self.aliased(x).map(drop)
        }

        #[cfg(not(any()))]
        pub fn in_this_build(&self) -> bool {
            true
        }

        #[cfg(any())]
        pub fn nor_in_this(&self, argument: Missing) {}
    }
}

/// Calls another contract and fails with it.
#[contract]
mod caller {
    use super::*;

    #[storage]
    pub struct Caller {}

    #[error]
    pub enum Error {
        Own,
    }

    #[error]
    #[derive(Clone)]
    pub enum Keeping {
        #[from]
        Callee(CallError),
        Own,
    }

    impl Caller {
        pub fn ask(&self, cx: &Context, x: U256) -> Result<U256, Error> {
            let answer = forms::FormsHandle::from(THERE).aliased(x).try_call(cx)?;
            ensure!(answer < 1_000_000, Error::Own);
            Ok(answer)
        }

        pub fn ask_plainly(&self, cx: &Context, x: U256) -> CallResult<U256> {
            forms::FormsHandle::from(THERE).aliased(x).try_call(cx)
        }

        pub fn ask_and_keep(&self, cx: &Context, x: U256) -> Result<bool, Keeping> {
            match forms::FormsHandle::from(THERE).aliased(x).try_call(cx).map_err(Keeping::from) {
                Err(Keeping::Callee(CallError::Revert(_))) => Ok(true),
                other => other.map(|_| false),
            }
        }

        pub fn ask_nobody(&self, cx: &Context) -> Result<U256, Keeping> {
            Ok(forms::FormsHandle::from(ALICE).aliased(1).try_call(cx)?)
        }
    }
}

use caller::{Caller, CallerHandle, Keeping};
use forms::{Forms, FormsHandle};

fn chain() -> (MemoryHost, FormsHandle, CallerHandle) {
    let mut chain = MemoryHost::new();
    let forms = chain.install::<Forms>(THERE);
    let caller = chain.install::<Caller>(HERE);
    (chain, forms, caller)
}

#[test]
fn literals_need_no_suffix_in_cells_operators_and_keys() {
    let (mut chain, forms, _) = chain();
    let wide = U256::from(5_000_000_001u64);
    assert_eq!(chain.query(ALICE, &forms.cells()), (0, -3, wide, I256::from(-5_000_000_001i64)));
    let third = U256::from(5_000_000_003u64) * 2 / 3 % 1_000;
    assert_eq!(chain.query(ALICE, &forms.operators(3, -2)), (true, false, true, third, I256::from(3)));
    let (two, three) = (U256::from(2), U256::from(3));
    assert_eq!(chain.query(ALICE, &forms.keys("name")), (two, 2, true, three, 4, 5));
}

#[test]
fn odd_widths_count_and_refuse_what_they_cannot_hold() {
    let (mut chain, forms, _) = chain();
    let result = (Uint::from(2 * 1_011u16), Int::from(-100i8), true);
    assert_eq!(chain.query(ALICE, &forms.reserves(10)), result);
    let overflow = Outcome::Revert(Panic::Overflow.encode());
    assert_eq!(chain.send(ALICE, &forms.reserves(Uint::max_value())), overflow);
    assert_eq!(Uint::<8>::new(256), None);
    assert_eq!(Int::<8>::new(-128).map(|number| number.get()), Some(I256::from(-128)));
    assert_eq!(Uint::<16>::try_from(U256::from(65_536)), Err(esker_sdk::NumberOutOfRange));
    assert_eq!(U256::from(Uint::<16>::from(5u8)), 5);
    let reverts = |body: fn() -> bool| esker_sdk::native::catch(|| vec![u8::from(body())]);
    assert_eq!(reverts(|| Uint::<8>::from(255u8) + 1 == 0), overflow);
    assert_eq!(reverts(|| Uint::<8>::from(16u8) * 16 == 0), overflow);
    assert_eq!(reverts(|| Uint::<8>::ZERO - 1 == 0), overflow);
    assert_eq!(reverts(|| Int::<8>::from(-128i8) / -1 == 0), overflow);
    assert_eq!(reverts(|| Uint::<8>::ZERO != 256 && Uint::<8>::ZERO < 256), Outcome::Return(vec![1]));
    assert_eq!(reverts(|| Uint::<8>::ZERO % 0 == 0), Outcome::Revert(Panic::DivisionByZero.encode()));
}

#[test]
fn every_handle_to_storage_can_be_cleared() {
    let (mut chain, forms, _) = chain();
    assert_eq!(chain.send(ALICE, &forms.clear_all()), Outcome::Return(Vec::new()));
    assert_eq!(chain.storage_of(THERE).len(), 0);
}

#[test]
fn methods_may_be_called_at_and_address() {
    let (mut chain, forms, _) = chain();
    assert_eq!(chain.query(ALICE, &forms.at(4)), 5);
    assert_eq!(chain.query(ALICE, &forms.address()), THERE);
    assert_eq!(Address::from(forms), THERE);
}

#[test]
fn an_alias_of_result_is_a_result() {
    let (mut chain, forms, _) = chain();
    assert_eq!(chain.query(ALICE, &forms.aliased(12)), 144);
    let low = forms::Error::Low { have: U256::from(9) };
    assert_eq!(chain.send_raw(ALICE, THERE, 0.into(), forms.nothing(9).input()), Outcome::Revert(low.encode()));
    let nothing = Forms::ABI.functions.iter().find(|item| item.name == "nothing").expect("is there");
    assert!(nothing.outputs.is_empty());
}

#[test]
fn what_is_not_compiled_is_not_in_the_abi() {
    let (mut chain, forms, _) = chain();
    assert!(chain.query(ALICE, &forms.in_this_build()));
    let names: Vec<&str> = Forms::ABI.functions.iter().map(|item| item.name).collect();
    assert!(names.contains(&"inThisBuild"));
    assert!(!names.contains(&"notInThisBuild") && !names.contains(&"norInThis"), "{names:?}");
    assert!(Forms::ABI.events.is_empty());
    let json: serde_json::Value = serde_json::from_str(Forms::abi_json()).expect("is JSON");
    let errors: Vec<&str> = json
        .as_array()
        .expect("is a list")
        .iter()
        .filter(|item| item["type"] == "error")
        .map(|item| item["name"].as_str().expect("has a name"))
        .collect();
    assert_eq!(errors, ["Low", "ReentrancyGuardReentrantCall"]);
}

#[test]
fn the_question_mark_passes_a_callees_error_on() {
    let (mut chain, _, caller) = chain();
    assert_eq!(chain.query(ALICE, &caller.ask(12)), 144);
    let low = Outcome::Revert(forms::Error::Low { have: U256::from(9) }.encode());
    let mut outcome = |input: &[u8]| chain.send_raw(ALICE, HERE, 0.into(), input);
    assert_eq!(outcome(caller.ask(9).input()), low);
    assert_eq!(outcome(caller.ask_plainly(9).input()), low);
    assert_eq!(outcome(caller.ask(1_000).input()), Outcome::Revert(caller::Error::Own.encode()));
    assert_eq!(outcome(caller.ask_and_keep(9).input()), Outcome::Return(U256::ONE.to_be_bytes().to_vec()));
    assert_eq!(outcome(caller.ask_nobody().input()), Outcome::Revert(Vec::new()));
    // A callee's error may be anything, so the contract's own are recognised first.
    assert_eq!(Keeping::decode(&Keeping::Own.encode()), Some(Keeping::Own));
    let foreign = CallError::Revert(vec![1, 2, 3, 4]);
    assert_eq!(Keeping::decode(&[1, 2, 3, 4]), Some(Keeping::Callee(foreign)));
}

/// Events and errors that no contract has for its own.
mod other {
    use super::*;

    #[event]
    pub struct Paid {
        #[indexed]
        pub by: Address,
        pub amount: U256,
    }

    #[event]
    pub struct Built {
        pub number: U256,
    }

    impl Built {
        pub fn new(number: impl Into<U256>) -> Self {
            Self { number: number.into() }
        }
    }

    #[event]
    pub struct Late {
        pub at: u64,
    }

    #[event]
    pub struct Listed {
        pub number: u8,
    }

    #[error]
    pub enum Error {
        Wrong { what: U256 },
        Two(U256, bool),
        Nothing,
    }

    #[error]
    pub struct Closed {
        pub when: u64,
    }

    #[error]
    pub struct Unseen;

    pub fn refuse() -> ! {
        esker_sdk::revert_with(Unseen)
    }

    pub fn list(cx: &mut Context) {
        cx.emit(Listed { number: 1 });
    }
}

#[contract(events(other::Listed), errors(other::Unseen))]
mod mentions {
    use super::other::{Closed, Paid};
    use super::*;

    #[storage]
    pub struct Mentions {}

    /// The same as the foreign one, once more.
    #[event]
    pub struct Late {
        pub moment: u64,
    }

    impl Mentions {
        pub fn speak(&mut self, cx: &mut Context, amount: U256) {
            cx.emit(Paid { by: cx.sender(), amount });
            cx.emit(other::Built::new(amount));
            let late = other::Late { at: 5 };
            cx.emit(late);
            cx.emit(Late { moment: 5 });
            other::list(cx);
        }

        pub fn fail(&self, which: u8) {
            match which {
                0 => revert_with(other::Error::Wrong { what: U256::ONE }),
                1 => revert_with(other::Error::Two(U256::ONE, true)),
                2 => Closed { when: 7 }.revert(),
                3 => other::refuse(),
                _ => {}
            }
        }
    }
}

#[test]
fn foreign_events_and_errors_are_in_the_abi_unasked() {
    let json: alloy_json_abi::JsonAbi = serde_json::from_str(mentions::Mentions::abi_json()).expect("is a JSON ABI");
    let mut events: Vec<String> = json.events().map(alloy_json_abi::Event::signature).collect();
    events.sort();
    assert_eq!(events, ["Built(uint256)", "Late(uint64)", "Listed(uint8)", "Paid(address,uint256)"]);
    let mut errors: Vec<String> = json.errors().map(alloy_json_abi::Error::signature).collect();
    errors.sort();
    assert_eq!(
        errors,
        [
            "Closed(uint64)",
            "Nothing()",
            "ReentrancyGuardReentrantCall()",
            "Two(uint256,bool)",
            "Unseen()",
            "Wrong(uint256)"
        ]
    );
    let mut chain = MemoryHost::new();
    let speaker = chain.install::<mentions::Mentions>(HERE);
    assert_eq!(chain.send(ALICE, &speaker.speak(3)), Outcome::Return(Vec::new()));
    let known: Vec<[u8; 32]> = json.events().map(|event| event.selector().0).collect();
    let logs = chain.take_logs();
    assert_eq!(logs.len(), 5);
    assert!(logs.iter().all(|log| known.contains(&log.topics[0].0)));
    assert_eq!(logs[2].topics[0].0, other::Late::TOPIC);
    for (which, error) in [(2, other::Closed { when: 7 }.encode()), (3, other::Unseen.encode())] {
        assert_eq!(chain.send_raw(ALICE, HERE, 0.into(), speaker.fail(which).input()), Outcome::Revert(error));
    }
}
