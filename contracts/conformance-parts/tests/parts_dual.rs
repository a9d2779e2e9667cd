//! Contracts made of components, natively and as wasm.

use esker_conformance_parts::{Gold, GoldHandle};
use esker_sdk::{Contract, U256};
use esker_sdk_test::{Chain, User};

#[esker_sdk::test]
fn x(chain: &mut Chain, alice: User, bob: User) {
    let gold = chain.deploy(alice, GoldHandle::constructor("Gold", "GLD", U256::from(100)));
    chain.send(alice, gold.transfer(bob, 40)).succeeds();
    println!("{} {}", Gold::NAME, chain.code::<Gold>().len());
    println!("{}", chain.code::<esker_erc20::Erc20>().len());
}
