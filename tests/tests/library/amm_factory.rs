//! The factory: one pool for each two tokens, where everybody knows it will be, and nobody's but the factory's to set up.

use esker_amm_factory::{Error, FactoryHandle, PairCreated};
use esker_amm_pair::{Error as PairError, Pair, PairHandle};
use esker_erc20::Erc20Handle;
use esker_sdk::{Address, B256, Panic, U256, abi::keccak256};
use esker_sdk_test::{Chain, Invariant, User};

const ONE: Address = Address::repeat_byte(1);
const TWO: Address = Address::repeat_byte(2);

fn deployed(chain: &mut Chain, by: User) -> FactoryHandle {
    // For the names that a failure is told with.
    let _ = chain.code::<Pair>();
    chain.deploy(by, FactoryHandle::constructor(by.address))
}

/// Where EIP-1014 says that a pool is.
fn foretold(factory: Address, token0: Address, token1: Address, code_hash: B256) -> Address {
    let salt = keccak256(&[token0.0, token1.0].concat());
    let hash = keccak256(&[&[0xff][..], &factory.0, &salt, &code_hash.0].concat());
    Address(hash[12..].try_into().expect("20 bytes"))
}

#[esker_sdk::test]
fn two_tokens_have_one_pool_in_either_order(chain: &mut Chain, alice: User, bob: User) {
    let factory = deployed(chain, alice);
    let code_hash = chain.read(factory.pair_code_hash());
    let pair = foretold(factory.address(), ONE, TWO, code_hash);
    assert_eq!(chain.read(factory.get_pair(ONE, TWO)), Address::ZERO);
    let created = PairCreated { token0: ONE, token1: TWO, pair, count: U256::ONE };
    chain.send(bob, factory.create_pair(TWO, ONE)).emits_from(factory.address(), created).returns(pair);
    for tokens in [(ONE, TWO), (TWO, ONE)] {
        assert_eq!(chain.read(factory.get_pair(tokens.0, tokens.1)), pair);
        chain.send(bob, factory.create_pair(tokens.0, tokens.1)).reverts(Error::PairExists);
    }
    assert_eq!((chain.read(factory.all_pairs(0)), chain.read(factory.all_pairs_length())), (pair, U256::ONE));
    chain.try_read(factory.all_pairs(1)).panics(Panic::IndexOutOfBounds);
    chain.send(bob, factory.create_pair(ONE, ONE)).reverts(Error::IdenticalAddresses);
    chain.send(bob, factory.create_pair(Address::ZERO, ONE)).reverts(Error::ZeroAddress);
    chain.send(bob, factory.create_pair(ONE, Address::ZERO)).reverts(Error::ZeroAddress);
}

/// There is no moment between a pool's creation and its initialisation, and afterwards only the factory could: so whoever
/// sees a creation coming, and knows the address, gains nothing by being first.
#[esker_sdk::test]
fn nobody_sets_a_pool_up_before_the_factory(chain: &mut Chain, alice: User, bob: User) {
    let factory = deployed(chain, alice);
    let pair = PairHandle::at(foretold(factory.address(), ONE, TWO, chain.read(factory.pair_code_hash())));
    // Coins at the address keep nobody from creating there.
    chain.transfer(bob, pair.address(), 5).succeeds();
    chain.send(alice, factory.create_pair(ONE, TWO)).returns(pair.address());
    assert_eq!((chain.read(pair.token0()), chain.read(pair.token1())), (ONE, TWO));
    assert_eq!(chain.read(pair.factory()), factory.address());
    for user in [alice, bob] {
        chain.send(user, pair.initialize(TWO, ONE)).reverts(PairError::Forbidden);
    }
}

#[esker_sdk::test]
fn who_is_named_says_who_gets_fees(chain: &mut Chain, alice: User, bob: User) {
    let factory = deployed(chain, alice);
    assert_eq!((chain.read(factory.fee_to()), chain.read(factory.fee_to_setter())), (Address::ZERO, alice.address));
    chain.send(bob, factory.set_fee_to(bob.address)).reverts(Error::Forbidden);
    chain.send(bob, factory.set_fee_to_setter(bob.address)).reverts(Error::Forbidden);
    chain.send(alice, factory.set_fee_to_setter(bob.address)).succeeds();
    chain.send(alice, factory.set_fee_to(alice.address)).reverts(Error::Forbidden);
    chain.send(bob, factory.set_fee_to(bob.address)).succeeds();
    assert_eq!((chain.read(factory.fee_to()), chain.read(factory.fee_to_setter())), (bob.address, bob.address));
}

/// A pool asks its factory for whom it makes the protocol's shares: a sixth of what fees added.
#[esker_sdk::test]
fn pools_pay_the_protocol_whom_the_factory_names(chain: &mut Chain, alice: User, bob: User) {
    let factory = deployed(chain, alice);
    let [a, b] = ["A", "B"].map(|name| chain.deploy(alice, Erc20Handle::constructor(name, name, 10_000_000)));
    let pair = PairHandle::at(chain.send(alice, factory.create_pair(a.address(), b.address())).returned());
    chain.send(alice, factory.set_fee_to(bob.address)).succeeds();
    let provide = |chain: &mut Chain, value: u128| {
        for token in [a, b] {
            chain.send(alice, token.transfer(pair.address(), value)).succeeds();
        }
        chain.send(alice, pair.mint(alice.address)).succeeds();
    };
    provide(chain, 1_000_000);
    assert_eq!(chain.read(pair.balance_of(bob.address)), 0);
    // A fee of 600,000 in one token: the root of the product grows from 1,000,000 to 1,264,911.
    chain.send(alice, a.transfer(pair.address(), 600_000)).succeeds();
    chain.send(alice, pair.sync()).succeeds();
    provide(chain, 1_000);
    // 1,000,000 × 264,911 / (5 × 1,264,911 + 1,000,000)
    assert_eq!(chain.read(pair.balance_of(bob.address)), 36_167);
}

/// What is listed is what is found, each pool knows its tokens in order, and none is listed twice.
#[esker_sdk::test]
fn the_list_and_the_map_tell_the_same(chain: &mut Chain, alice: User, bob: User) {
    let factory = deployed(chain, alice);
    let tokens: Vec<_> = (0..5).map(Address::repeat_byte).collect();
    let tokens = &tokens;
    Invariant::new()
        .sequences(6)
        .calls(12)
        .action("create", move |chain, draw| {
            let _ = chain.send(draw.pick(&[alice, bob]), factory.create_pair(draw.pick(tokens), draw.pick(tokens)));
        })
        .check("listed once and found both ways", move |chain| {
            let count = u64::try_from(chain.read(factory.all_pairs_length())).expect("few");
            let mut listed: Vec<_> =
                (0..count).map(|number| chain.read(factory.all_pairs(U256::from(number)))).collect();
            for pair in &listed {
                let handle = PairHandle::at(*pair);
                let (token0, token1) = (chain.read(handle.token0()), chain.read(handle.token1()));
                assert!(token0 < token1 && !token0.is_zero());
                assert_eq!(chain.read(factory.get_pair(token0, token1)), *pair);
                assert_eq!(chain.read(factory.get_pair(token1, token0)), *pair);
            }
            listed.sort();
            listed.dedup();
            assert_eq!(listed.len() as u64, count);
        })
        .run(chain);
}
