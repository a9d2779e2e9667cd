//! The token's everyday life, natively and as wasm on the real VM.

use esker_erc20::{Approval, Erc20Handle, Error, Transfer};
use esker_sdk::{Address, U256};
use esker_sdk_test::{Chain, User};

#[esker_sdk::test]
fn pays_approves_and_refuses(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (a, b, c) = (Address::from(alice), Address::from(bob), Address::from(carol));
    let hundred = U256::from(100);
    let gold = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", hundred));
    assert_eq!(chain.read(gold.name()), "Gold");
    assert_eq!(chain.read(gold.symbol()), "GLD");
    assert_eq!(chain.read(gold.decimals()), 18);
    assert_eq!(chain.read(gold.total_supply()), hundred);

    let sent = chain.send(alice, gold.transfer(bob, 40)).emits(Transfer { from: a, to: b, value: U256::from(40) });
    assert!(sent.returned());
    chain.send(bob, gold.transfer(alice, 41)).reverts(Error::ERC20InsufficientBalance {
        sender: b,
        balance: U256::from(40),
        needed: U256::from(41),
    });
    chain.send(alice, gold.transfer(Address::ZERO, 1)).reverts(Error::ERC20InvalidReceiver { receiver: Address::ZERO });

    chain.send(alice, gold.approve(bob, 10)).emits(Approval { owner: a, spender: b, value: U256::from(10) });
    chain.send(bob, gold.transfer_from(alice, carol, 7)).emits(Transfer { from: a, to: c, value: U256::from(7) });
    assert_eq!(chain.read(gold.allowance(alice, bob)), 3);
    chain.send(bob, gold.transfer_from(alice, carol, 4)).reverts(Error::ERC20InsufficientAllowance {
        spender: b,
        allowance: U256::from(3),
        needed: U256::from(4),
    });
    assert_eq!(chain.read(gold.balance_of(carol)), 7);
}

#[esker_sdk::test]
fn long_names_and_the_whole_range_of_numbers_work(chain: &mut Chain, alice: User, bob: User) {
    let name = "a name that takes more than one storage slot, and an umlaut: ü";
    let token = chain.deploy(alice, Erc20Handle::constructor(name, "", U256::MAX));
    assert_eq!(chain.read(token.name()), name);
    assert_eq!(chain.read(token.symbol()), "");
    chain.send(alice, token.transfer(bob, U256::MAX)).succeeds();
    assert_eq!(chain.read(token.balance_of(bob)), U256::MAX);
    assert_eq!(chain.read(token.balance_of(alice)), 0);
}
