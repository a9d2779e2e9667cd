//! What the dispatcher guards: re-entry, coins that nobody takes, lengths that no memory holds, handles that were swapped.
#![allow(missing_docs, reason = "the contracts here are read by nobody but this test")]

use esker_sdk::{
    Address, Contract, Panic, Reverted, U256,
    native::{MemoryHost, Outcome},
    prelude::*,
};

const VAULT: Address = Address::repeat_byte(0xba);
const OTHER: Address = Address::repeat_byte(0x07);
const ALICE: Address = Address::repeat_byte(0xa1);

#[contract]
pub mod vault {
    use super::*;

    #[storage]
    pub struct Vault {
        received: Cell<U256>,
        given: Cell<U256>,
        entered: TransientCell<bool>,
        first: Names,
        second: Names,
    }

    #[storage(nested)]
    pub struct Names {
        names: List<U256>,
    }

    impl Vault {
        pub fn count(&self) -> U256 {
            self.received.get()
        }

        pub fn toggle(&mut self) -> bool {
            let before = self.entered.get();
            self.entered.set(!before);
            !before
        }

        pub fn sum(numbers: &[U256], extra: Vec<(u64, bool)>, text: &str, bytes: &[u8]) -> U256 {
            numbers.iter().copied().sum::<U256>() + U256::from(extra.len() + text.len() + bytes.len())
        }

        /// As a governor does: calls whom the caller says, itself perhaps, and passes on what fails.
        pub fn relay(&mut self, cx: &mut Context, target: Address, input: &[u8]) -> Bytes {
            match cx.call(target, U256::ZERO, u64::MAX, input) {
                Ok(output) => output.into(),
                Err(error) => error.raise(),
            }
        }

        pub fn swap_fields(&mut self) {
            core::mem::swap(&mut self.received, &mut self.given);
            self.received.set(1);
        }

        pub fn swap_nested(&mut self) {
            core::mem::swap(&mut self.first.names, &mut self.second.names);
        }

        #[receive]
        fn receive(&mut self) {}

        #[fallback]
        fn fallback(&mut self) {}
    }
}
use vault::{Vault, VaultHandle};

fn word(number: u64) -> Vec<u8> {
    U256::from(number).to_be_bytes().to_vec()
}

fn vault() -> (MemoryHost, VaultHandle) {
    let mut chain = MemoryHost::new();
    let handle = chain.install::<Vault>(VAULT);
    (chain, handle)
}

#[test]
fn a_contract_may_call_itself_but_nobody_may_call_it_back() {
    let (mut chain, vault) = vault();
    let other = chain.install::<Vault>(OTHER);
    let refused = Outcome::Revert(vec![0x3e, 0xe5, 0xae, 0xb5]);
    let toggle = vault.toggle();
    let view = vault.count();
    // A governor that changes its own settings, also from a frame of its own.
    let own = vault.relay(VAULT, toggle.input());
    assert_eq!(chain.query(ALICE, &own), Bytes(word(1)));
    assert!(matches!(chain.send(ALICE, &vault.relay(VAULT, own.input())), Outcome::Return(_)));
    // The same through somebody else is a re-entry, even if the contract has called itself before.
    let back = other.relay(VAULT, toggle.input());
    assert_eq!(chain.send(ALICE, &vault.relay(OTHER, back.input())), refused);
    let deep = vault.relay(OTHER, back.input());
    assert_eq!(chain.send(ALICE, &vault.relay(VAULT, deep.input())), refused);
    // A view, and what is unknown or empty and so goes to the fallback or is received, comes back.
    assert_eq!(chain.send(ALICE, &vault.relay(OTHER, other.relay(VAULT, view.input()).input())), {
        let inner = esker_sdk::abi::encode(&Bytes(word(0)));
        Outcome::Return(esker_sdk::abi::encode(&Bytes(inner)))
    });
    for input in [&b""[..], b"?"] {
        let back = other.relay(VAULT, input);
        assert!(matches!(chain.send(ALICE, &vault.relay(OTHER, back.input())), Outcome::Return(_)), "{input:?}");
    }
}

/// A proxy as they are: whatever comes goes to the implementation, by delegate call.
#[contract]
mod proxy {
    use super::*;

    #[storage]
    pub struct Proxy {}

    impl Proxy {
        #[fallback]
        #[payable]
        fn fallback(&mut self, cx: &mut Context, input: &[u8]) -> Bytes {
            match cx.delegate_call(VAULT, u64::MAX, input) {
                Ok(output) => output.into(),
                Err(error) => error.raise(),
            }
        }
    }
}

#[test]
fn behind_a_proxy_views_are_re_entered_and_the_rest_is_not() {
    let (mut chain, _) = vault();
    const PROXY: Address = Address::repeat_byte(0x99);
    chain.install::<proxy::Proxy>(PROXY);
    let other = chain.install::<Vault>(OTHER);
    let through = VaultHandle::at(PROXY);
    let call_back = |input: &[u8]| through.relay(OTHER, other.relay(PROXY, input).input());
    let view = call_back(through.count().input());
    assert!(matches!(chain.send(ALICE, &view), Outcome::Return(_)));
    let change = call_back(through.toggle().input());
    assert_eq!(chain.send(ALICE, &change), Outcome::Revert(vec![0x3e, 0xe5, 0xae, 0xb5]));
    let own = through.relay(PROXY, through.toggle().input());
    assert_eq!(chain.query(ALICE, &own), Bytes(word(1)));
}

#[test]
fn a_constructor_that_is_none_takes_no_coins() {
    let mut chain = MemoryHost::new();
    chain.install::<Payer>(OTHER);
    chain.set_balance(ALICE, 10.into());
    assert_eq!(chain.send(ALICE, &PayerHandle::at(OTHER).deploy_with().value(1)), Outcome::Revert(Vec::new()));
    assert_eq!(chain.send(ALICE, &PayerHandle::at(OTHER).deploy_with()), Outcome::Return(Vec::new()));
}

/// Runs another contract's entry point in its own frame, as a deployment with its value would.
#[contract]
mod payer {
    use super::*;

    #[storage]
    pub struct Payer {}

    impl Payer {
        #[payable]
        pub fn deploy_with(&mut self) {
            assert!(Vault::deploy().is_empty(), "it returns nothing");
        }
    }
}
use payer::{Payer, PayerHandle};

#[test]
fn fields_swapped_in_memory_are_found() {
    let (mut chain, vault) = vault();
    for call in [vault.swap_fields(), vault.swap_nested()] {
        match chain.send(ALICE, &call) {
            Outcome::Revert(data) => match Reverted::decode(&data) {
                Reverted::Text(text) => {
                    assert!(text.contains("fields of `Vault` were swapped or replaced in memory"), "{text}");
                }
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn lengths_that_no_memory_holds_panic_as_in_solidity() {
    let (mut chain, vault) = vault();
    let empty = vault.sum(&[], Vec::new(), "", &[]);
    let selector = &empty.input()[..4];
    let too_large = Panic::OutOfMemory.encode();
    // Heads of the four arguments; the first points to the word behind them.
    let heads = |first: u64| [word(first), word(128), word(128), word(128)].concat();
    let mut send = |data: &[u8]| match chain.send_raw(ALICE, VAULT, 0.into(), &[selector, data].concat()) {
        Outcome::Revert(data) => data,
        other => panic!("{other:?}"),
    };
    let huge = [0xff; 32].to_vec();
    assert_eq!(send(&[heads(128), huge.clone()].concat()), too_large);
    assert_eq!(send(&[heads(128), word((1 << 59) - 5)].concat()), too_large);
    assert_eq!(send(&[heads(128), word((1 << 59) - 6)].concat()), Vec::<u8>::new());
    assert_eq!(send(&[heads(u64::MAX), huge.clone()].concat()), Vec::<u8>::new(), "an offset");
    assert_eq!(send(&[word(32), huge].concat()), Vec::<u8>::new(), "the heads are looked at first");
}
