//! Interfaces as traits: a contract implements them, and their handles call whoever does.
#![allow(missing_docs, reason = "the contracts here are read by nobody but this test")]

use esker_sdk::{
    Contract, ContractError,
    native::{MemoryHost, Outcome},
    prelude::*,
};

const ALICE: Address = Address::repeat_byte(0xa1);
const GOLD: Address = Address::repeat_byte(0x60);
const SHOP: Address = Address::repeat_byte(0x50);

/// A part of ERC-20.
#[interface]
pub trait IErc20 {
    /// What the contract refuses with.
    type Error: ContractError;

    /// How much there is.
    ///
    /// Grows as gold
    /// is "mined".
    fn total_supply(&self) -> U256;
    #[returns(success)]
    fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<bool, Self::Error>;
    #[name = "URI"]
    fn uri(&self, id: U256) -> String;
}

#[interface]
pub trait Shop {
    #[payable]
    fn buy(&mut self, cx: &mut Context, what: &str);
    fn till(&self, cx: &Context) -> U256;
}

/// No interface, but the same methods for several contracts.
pub trait Named {
    fn own_name(&self) -> &'static str;
}

/// Gold, that is
/// a token.
#[contract(erc165(0x49064906, 0x0000_0001))]
mod gold {
    use super::*;

    #[storage]
    pub struct Gold {
        balances: Map<Address, U256>,
        supply: Cell<U256>,
    }

    #[error]
    pub enum Error {
        /// There is not enough.
        Low { have: U256 },
    }

    impl Default for Error {
        fn default() -> Self {
            Self::Low { have: U256::ZERO }
        }
    }

    /// Gold was mined.
    ///
    /// By anybody.
    #[event]
    pub struct Mined {
        pub value: U256,
    }

    impl Gold {
        pub fn mint(&mut self, to: Address, value: U256) {
            self.balances.at_mut(to).add(value);
            self.supply.add(value);
        }

        /// The interface has a method of this name, and this one is not meant.
        fn uri(&self) -> u8 {
            7
        }

        pub fn seven(&self) -> u8 {
            self.uri()
        }
    }

    impl IErc20 for Gold {
        type Error = Error;

        fn total_supply(&self) -> U256 {
            self.supply.get()
        }

        fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<bool, Self::Error> {
            let left = self.balances.at_mut(cx.sender()).try_sub(value);
            left.map_err(|have| Error::Low { have })?;
            self.balances.at_mut(to).add(value);
            Ok(true)
        }

        fn uri(&self, id: U256) -> String {
            if id == 0 { self.own_name().into() } else { String::new() }
        }
    }

    impl Shop for Gold {
        #[payable]
        fn buy(&mut self, cx: &mut Context, what: &str) {
            ensure_gold(what);
            self.mint(cx.sender(), cx.value());
        }

        fn till(&self, cx: &Context) -> U256 {
            cx.balance(cx.address())
        }
    }

    fn ensure_gold(what: &str) {
        require!(what == "gold", "only gold is sold");
    }

    #[internal]
    impl Named for Gold {
        fn own_name(&self) -> &'static str {
            "gold"
        }
    }
}

#[contract]
mod customer {
    use super::*;

    #[storage]
    pub struct Customer {}

    impl Customer {
        #[payable]
        pub fn shop(&mut self, cx: &mut Context, to: Address) -> (bool, U256) {
            ShopHandle::at(GOLD).buy("gold").value(cx.value()).call(cx);
            let gold = IErc20Handle::at(GOLD);
            (gold.transfer(to, 5).call(cx), gold.total_supply().call(cx))
        }
    }
}

use customer::{Customer, CustomerHandle};
use gold::{Gold, GoldHandle};

fn chain() -> (MemoryHost, GoldHandle, CustomerHandle) {
    let mut chain = MemoryHost::new();
    chain.set_balance(ALICE, 1_000.into());
    let gold = chain.install::<Gold>(GOLD);
    let customer = chain.install::<Customer>(SHOP);
    (chain, gold, customer)
}

#[test]
fn an_interfaces_methods_are_the_contracts() {
    let (mut chain, gold, customer) = chain();
    assert_eq!(chain.query(ALICE, &customer.shop(ALICE).value(9)), (true, U256::from(9)));
    assert_eq!(chain.query(ALICE, &gold.total_supply()), 9);
    assert_eq!(chain.query(ALICE, &gold.till()), 9);
    let low = Outcome::Revert(gold::Error::Low { have: U256::from(5) }.encode());
    assert_eq!(chain.send(ALICE, &gold.transfer(SHOP, 6)), low);
    assert_eq!(chain.query(ALICE, &gold.uri(0)), "gold");
    assert_eq!(chain.query(ALICE, &gold.seven()), 7);
    // What the interface does not call payable takes nothing.
    let input = gold.transfer(SHOP, 1).input().to_vec();
    assert_eq!(chain.send_raw(ALICE, GOLD, 1.into(), &input), Outcome::Revert(Vec::new()));
}

#[test]
fn names_and_results_are_the_interfaces() {
    let json: alloy_json_abi::JsonAbi = serde_json::from_str(Gold::abi_json()).expect("is a JSON ABI");
    let mut signatures: Vec<String> = json.functions().map(alloy_json_abi::Function::full_signature).collect();
    signatures.sort();
    assert_eq!(
        signatures,
        [
            "function URI(uint256 id) view returns (string)",
            "function buy(string what) payable",
            "function mint(address to, uint256 value)",
            "function seven() view returns (uint8)",
            "function supportsInterface(bytes4 interfaceId) view returns (bool)",
            "function till() view returns (uint256)",
            "function totalSupply() view returns (uint256)",
            "function transfer(address to, uint256 value) returns (bool success)",
        ]
    );
    assert_eq!(json.errors().filter(|error| error.name == "Low").count(), 1);
    assert_eq!(GoldHandle::at(GOLD).uri(1).input(), IErc20Handle::at(GOLD).uri(1).input());
}

#[test]
fn a_contract_answers_for_the_interfaces_it_has() {
    let (mut chain, gold, _) = chain();
    let selector = |signature: &str| {
        let hash = alloy_primitives::keccak256(signature);
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
    };
    let shop = selector("buy(string)") ^ selector("till()");
    assert_eq!(ShopHandle::INTERFACE_ID.0, shop.to_be_bytes());
    assert_eq!(<Gold as Shop>::INTERFACE_ID, ShopHandle::INTERFACE_ID);
    for (identifier, answer) in [
        (IErc20Handle::INTERFACE_ID.0, true),
        (ShopHandle::INTERFACE_ID.0, true),
        ([0x01, 0xff, 0xc9, 0xa7], true),
        ([0x49, 0x06, 0x49, 0x06], true),
        ([0, 0, 0, 1], true),
        ([0xff; 4], false),
        ([0; 4], false),
    ] {
        assert_eq!(chain.query(ALICE, &gold.supports_interface(identifier)), answer, "{identifier:x?}");
    }
}

#[test]
fn documentation_is_there_as_solidity_gives_it() {
    let docs = esker_sdk::abi::natspec(Gold::ABI);
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("is JSON");
    let (user, dev) = (read(&docs.user), read(&docs.dev));
    assert_eq!(user["notice"], "Gold, that is a token.");
    assert_eq!((&user["kind"], &dev["kind"], &dev["version"]), (&"user".into(), &"dev".into(), &1.into()));
    assert_eq!(user["methods"]["totalSupply()"]["notice"], "How much there is.");
    assert_eq!(dev["methods"]["totalSupply()"]["details"], "Grows as gold is \"mined\".");
    assert_eq!(user["errors"]["Low(uint256)"][0]["notice"], "There is not enough.");
    assert_eq!(user["events"]["Mined(uint256)"]["notice"], "Gold was mined.");
    assert_eq!(dev["events"]["Mined(uint256)"]["details"], "By anybody.");
    assert!(user["methods"].get("mint(address,uint256)").is_none(), "it has no documentation");
}
