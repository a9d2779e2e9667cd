//! A factory creates contracts from the code that it carries, natively and as wasm; the kit compares both.

use esker_erc20::{Erc20, Erc20Handle, Error as TokenError};
use esker_sdk::native::MemoryHost;
use esker_sdk::{Address, B256, U256, address};
use esker_sdk_test::{Chain, User};
use esker_token_factory::{Created, Error, TokenFactory, TokenFactoryHandle};

fn salt(byte: u8) -> B256 {
    B256::from([byte; 32])
}

#[esker_sdk::test]
fn a_factory_creates_tokens_that_work(chain: &mut Chain, alice: User, bob: User) {
    // For the names that a failure is told with.
    let _ = chain.code::<Erc20>();
    let factory = chain.deploy(alice, TokenFactoryHandle::constructor());
    let created = chain.send(alice, factory.create("Gold", "GLD", U256::from(100)));
    let gold = created.clone().returned();
    created.emits_from(factory.address(), Created { maker: alice.address, token: gold });
    let foretold = chain.read(factory.address_of("Silver", "SLV", U256::from(50), salt(7)));
    let silver = chain.send(bob, factory.create_at("Silver", "SLV", U256::from(50), salt(7))).returned();
    assert_eq!(silver, foretold);
    assert_ne!(silver, chain.read(factory.address_of("Silver", "SLV", U256::from(50), salt(8))));

    let (gold, silver) = (Erc20Handle::at(gold), Erc20Handle::at(silver));
    assert_eq!((chain.read(gold.symbol()), chain.read(silver.symbol())), ("GLD".to_owned(), "SLV".to_owned()));
    assert_eq!(chain.read(gold.balance_of(alice.address)), U256::from(100));
    assert_eq!(chain.read(silver.balance_of(bob.address)), U256::from(50));
    chain.send(bob, silver.transfer(alice, U256::from(51))).reverts(TokenError::ERC20InsufficientBalance {
        sender: bob.address,
        balance: U256::from(50),
        needed: U256::from(51),
    });
    let tokens = (0..2).map(|number| chain.read(factory.token(number))).collect::<Vec<_>>();
    assert_eq!((chain.read(factory.count()), tokens), (U256::from(2), vec![gold.address(), silver.address()]));
}

/// Nobody told the kit of the tokens.
#[esker_sdk::test]
fn a_factory_needs_no_help_of_the_test(chain: &mut Chain, alice: User) {
    let factory = chain.deploy(alice, TokenFactoryHandle::constructor());
    let gold = Erc20Handle::at(chain.send(alice, factory.create("Gold", "GLD", U256::from(9))).returned());
    assert_eq!(chain.read(gold.total_supply()), U256::from(9));
    chain.send(alice, gold.transfer(Address([1; 20]), U256::from(9))).succeeds();
}

#[esker_sdk::test]
fn an_address_is_taken_once(chain: &mut Chain, alice: User) {
    let factory = chain.deploy(alice, TokenFactoryHandle::constructor());
    let again = || factory.create_at("Gold", "GLD", U256::ONE, salt(1));
    chain.send(alice, again()).succeeds();
    chain.send(alice, again()).reverts(Error::NotCreated { symbol: "GLD".into() });
    chain.send(alice, factory.create_at("Gold", "GLD", U256::from(2), salt(1))).succeeds();
}

/// What the factory carries is what the token's own build gives.
#[esker_sdk::test]
fn the_code_is_that_of_the_tokens_own_build(chain: &mut Chain, alice: User) {
    let factory = chain.deploy(alice, TokenFactoryHandle::constructor());
    let code = chain.code::<Erc20>();
    assert_eq!(chain.read(factory.code_hash()), B256::from(esker_sdk::crypto::keccak256(&code)));
}

/// The unit tests' host, at the addresses of EIP-1014 and of CREATE.
#[test]
fn a_host_in_memory_creates_tokens_too() {
    let mut host = MemoryHost::new();
    let [alice, place] = [1, 2].map(|byte| Address([byte; 20]));
    let factory = host.install::<TokenFactory>(place);
    let mut addresses = Vec::new();
    for number in 0..130 {
        host.send(alice, &factory.create("Gold", "GLD", U256::from(5)));
        addresses.push(host.query(alice, &factory.token(number)));
    }
    // keccak256(rlp([0x0202…02, nonce]))[12..]
    assert_eq!(addresses[0], address!("0x40D16a018465579A5fb81C4D240C82B35B55d774"));
    assert_eq!(addresses[128], address!("0x45aC2F9F9b69Cf71eA6027fd51E7d87ADa102f77"));
    let foretold = host.query(alice, &factory.address_of("Gold", "GLD", U256::ONE, salt(3)));
    let made = host.query(alice, &factory.create_at("Gold", "GLD", U256::ONE, salt(3)));
    assert_eq!(made, foretold);
    assert_eq!(host.query(alice, &Erc20Handle::at(made).balance_of(alice)), U256::ONE);
    let outcome = host.send(alice, &factory.create_at("Gold", "GLD", U256::ONE, salt(3)));
    assert_eq!(
        outcome,
        esker_sdk::native::Outcome::Revert(esker_sdk::ContractError::encode(&Error::NotCreated {
            symbol: "GLD".into()
        }))
    );
}
