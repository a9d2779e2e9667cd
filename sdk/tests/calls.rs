//! Calls of others that ask for more than a method and its arguments.
#![allow(missing_docs, reason = "the contracts here are read by nobody but this test")]

use esker_sdk::{
    Contract, ContractError, SafeERC20FailedOperation, abi,
    native::{MemoryHost, Outcome},
    prelude::*,
};

const ALICE: Address = Address::repeat_byte(0xa1);
const LIBRARY: Address = Address::repeat_byte(0x11);
const USER: Address = Address::repeat_byte(0x22);
const TOKEN: Address = Address::repeat_byte(0x33);

#[contract]
mod library {
    use super::*;

    #[storage]
    pub struct Library {
        count: Cell<U256>,
        by: Cell<Address>,
        paid: Cell<U256>,
    }

    #[error]
    pub enum Error {
        Enough,
    }

    impl Library {
        #[payable]
        pub fn count(&mut self, cx: &Context, by: U256) -> Result<U256, Error> {
            ensure!(by < 100, Error::Enough);
            self.by.set(cx.sender());
            self.paid.set(cx.value());
            Ok(self.count.add(by))
        }

        pub fn counted(&self) -> U256 {
            self.count.get()
        }
    }
}

/// A token that answers as it was told: the fallback takes every method.
#[contract]
mod odd_token {
    use super::*;

    #[storage]
    pub struct OddToken {
        answer: Blob,
    }

    impl OddToken {
        pub fn tell(&mut self, answer: &[u8]) {
            self.answer.set(answer);
        }

        #[fallback]
        #[payable]
        fn fallback(&mut self) -> Bytes {
            let answer = self.answer.get();
            if answer == b"revert" {
                esker_sdk::revert_bytes(b"reason");
            }
            answer.into()
        }
    }
}

#[interface]
trait IErc20 {
    fn transfer(&mut self, to: Address, value: U256) -> bool;
}

#[contract]
mod user {
    use super::*;

    #[storage]
    pub struct User {
        count: Cell<U256>,
        by: Cell<Address>,
        paid: Cell<U256>,
    }

    impl User {
        #[payable]
        pub fn borrow(&mut self, cx: &mut Context, by: U256) -> U256 {
            library::LibraryHandle::at(LIBRARY).count(by).value(7).delegate_call(cx)
        }

        #[returns(count, caller, value_paid)]
        pub fn state(&self) -> (U256, Address, U256) {
            (self.count.get(), self.by.get(), self.paid.get())
        }

        #[returns(seen)]
        pub fn look(&mut self, cx: &mut Context) -> U256 {
            library::LibraryHandle::at(LIBRARY).counted().delegate_call(cx)
        }

        pub fn nobody(&mut self, cx: &mut Context) -> bool {
            library::LibraryHandle::at(ALICE).counted().try_delegate_call(cx).is_err()
        }

        /// Sends 7 wei to a method with a result and says what became of it.
        pub fn venture(&mut self, cx: &mut Context, to: Address) -> String {
            match library::LibraryHandle::at(to).count(1).value(7).try_call(cx) {
                Ok(_) => "counted".into(),
                Err(CallError::NoCode) => "nobody's code".into(),
                Err(_) => "failed".into(),
            }
        }

        pub fn pay(&mut self, cx: &mut Context, token: Address) {
            IErc20Handle::at(token).transfer(ALICE, 5).call_optional(cx);
        }
    }
}

use library::{Library, LibraryHandle};
use odd_token::{OddToken, OddTokenHandle};
use user::{User, UserHandle};

fn chain() -> (MemoryHost, UserHandle, OddTokenHandle) {
    let mut chain = MemoryHost::new();
    chain.set_balance(ALICE, 1_000.into());
    chain.install::<Library>(LIBRARY);
    let user = chain.install::<User>(USER);
    let token = chain.install::<OddToken>(TOKEN);
    (chain, user, token)
}

#[test]
fn a_delegated_method_works_on_the_callers_storage() {
    let (mut chain, user, _) = chain();
    assert_eq!(chain.send(ALICE, &user.borrow(5).value(9)), Outcome::Return(U256::from(5).to_be_bytes().to_vec()));
    assert_eq!(chain.query(ALICE, &user.state()), (U256::from(5), ALICE, U256::from(9)));
    assert_eq!(chain.query(ALICE, &LibraryHandle::at(LIBRARY).counted()), 0);
    assert_eq!(chain.query(ALICE, &user.look()), 5);
    assert_eq!(chain.balance_of(LIBRARY), 0.into(), "nothing is sent along");
    assert_eq!(chain.send(ALICE, &user.borrow(100)), Outcome::Revert(library::Error::Enough.encode()));
    assert!(chain.query(ALICE, &user.nobody()), "there is no code");
}

/// Whoever goes on after an error may take it that nothing has happened.
#[test]
fn an_error_means_that_no_value_has_moved() {
    let (mut chain, user, token) = chain();
    chain.set_balance(USER, 100.into());
    assert_eq!(chain.send(ALICE, &user.venture(LIBRARY)), Outcome::Return(abi::encode(&String::from("counted"))));
    assert_eq!((chain.balance_of(USER), chain.balance_of(LIBRARY)), (93.into(), 7.into()));
    let nobody = Address::repeat_byte(0x44);
    assert_eq!(chain.send(ALICE, &user.venture(nobody)), Outcome::Return(abi::encode(&String::from("nobody's code"))));
    assert_eq!((chain.balance_of(USER), chain.balance_of(nobody)), (93.into(), 0.into()));
    // It takes the value and answers what is no number: as in Solidity, no `try` goes on from there.
    chain.send(ALICE, &token.tell(&[1]));
    assert_eq!(chain.send(ALICE, &user.venture(TOKEN)), Outcome::Revert(Vec::new()));
    assert_eq!((chain.balance_of(USER), chain.balance_of(TOKEN)), (93.into(), 0.into()));
}

#[test]
fn results_have_the_names_they_are_given() {
    let json: serde_json::Value = serde_json::from_str(User::abi_json()).expect("is JSON");
    let names = |method: &str| -> Vec<String> {
        let item = json.as_array().expect("is a list").iter().find(|item| item["name"] == method).expect("is there");
        let outputs = item["outputs"].as_array().expect("is a list");
        outputs.iter().map(|output| output["name"].as_str().expect("is text").to_owned()).collect()
    };
    assert_eq!(names("state"), ["count", "caller", "valuePaid"]);
    assert_eq!(names("look"), ["seen"]);
    assert_eq!(names("borrow"), [""]);
}

#[test]
fn a_token_that_answers_nothing_has_paid() {
    let (mut chain, user, token) = chain();
    let word = |number: u64| U256::from(number).to_be_bytes().to_vec();
    let mut answer = |bytes: &[u8]| {
        let told = chain.send_raw(ALICE, TOKEN, 0.into(), token.tell(bytes).input());
        assert_eq!(told, Outcome::Return(Vec::new()));
        chain.send(ALICE, &user.pay(TOKEN))
    };
    let done = Outcome::Return(Vec::new());
    let failed = |token: Address| Outcome::Revert(SafeERC20FailedOperation { token }.encode());
    assert_eq!(answer(&[]), done);
    assert_eq!(answer(&word(1)), done);
    assert_eq!(answer(&[word(1), word(7)].concat()), done);
    assert_eq!(answer(&word(0)), failed(TOKEN));
    assert_eq!(answer(&word(2)), failed(TOKEN));
    assert_eq!(answer(&word(1)[..31]), failed(TOKEN));
    assert_eq!(answer(b"revert"), Outcome::Revert(b"reason".to_vec()));
    assert_eq!(chain.send(ALICE, &user.pay(ALICE)), failed(ALICE), "there is no code");
    let errors: alloy_json_abi::JsonAbi = serde_json::from_str(User::abi_json()).expect("is a JSON ABI");
    let selectors: Vec<[u8; 4]> = errors.errors().map(|error| error.selector().0).collect();
    assert!(selectors.contains(&[0x52, 0x74, 0xaf, 0xe7]), "SafeERC20FailedOperation(address) is in the ABI");
}

/// EIP-1014's own examples.
#[test]
fn a_created_contracts_address_is_foretold() {
    let deployment = LibraryHandle::constructor();
    let mut salt = B256::ZERO;
    let creator = address!("0xdeadbeef00000000000000000000000000000000");
    let zero = Address::ZERO;
    assert_eq!(deployment.create2_address(zero, &[0], salt), address!("0x4D1A2e2bB4F88F0250f26Ffff098B0b30B26BF38"));
    assert_eq!(deployment.create2_address(creator, &[0], salt), address!("0xB928f69Bb1D91Cd65274e3c79d8986362984fDA3"));
    salt.0[28..].copy_from_slice(&[0xca, 0xfe, 0xba, 0xbe]);
    let creator = address!("0x00000000000000000000000000000000deadbeef");
    let code = [0xde, 0xad, 0xbe, 0xef];
    assert_eq!(
        deployment.create2_address(creator, &code, salt),
        address!("0x60f3f640a8508fC6a86d45DF051962668E1e8AC7")
    );
    assert_eq!(
        deployment.create2_address(zero, &[], B256::ZERO),
        address!("0xE33C0C7F7df4809055C3ebA6c09CFe4BaF1BD9e0")
    );
}
