//! The vault's rules, its rounding, and that it gives nobody more than a part of what it has. `attacks.rs` shows how it
//! bears those who try.

use std::sync::Mutex;

use esker_components::tokens::erc20::{Error as ShareError, Transfer};
use esker_erc20::{Erc20Handle, Error as AssetError, Transfer as AssetTransfer};
use esker_sdk::{Panic, prelude::*};
use esker_sdk_test::{Answer, Chain, Draw, Invariant, User, log};
use esker_vault::{Deposit, Error, VaultHandle, Withdraw};

fn number(value: u128) -> U256 {
    U256::from(value)
}

/// An asset of which each user has a million and lets the vault take as much, and a vault for it.
fn vault<const N: usize>(chain: &mut Chain, users: [User; N]) -> (Erc20Handle, VaultHandle) {
    let asset = chain.deploy(users[0], Erc20Handle::constructor("Gold", "GLD", 1_000_000 * N as u128));
    let vault = chain.deploy(users[0], VaultHandle::constructor(asset.address(), "Gold in a vault", "vGLD"));
    for user in users {
        chain.send(user, asset.approve(vault.address(), U256::MAX)).succeeds();
        chain.send(users[0], asset.transfer(user, 1_000_000)).succeeds();
    }
    (asset, vault)
}

#[esker_sdk::test]
fn a_vault_says_what_it_is(chain: &mut Chain, alice: User, bob: User) {
    let (asset, vault) = vault(chain, [alice, bob]);
    assert_eq!((chain.read(vault.name()), chain.read(vault.symbol())), ("Gold in a vault".into(), "vGLD".to_owned()));
    assert_eq!((chain.read(vault.asset()), chain.read(vault.decimals())), (asset.address(), 21));
    assert_eq!((chain.read(vault.total_assets()), chain.read(vault.total_supply())), (U256::ZERO, U256::ZERO));
    assert_eq!(chain.read(vault.max_deposit(bob)), U256::MAX);
    assert_eq!(chain.read(vault.max_mint(bob)), U256::MAX);
    assert_eq!(chain.read(vault.convert_to_shares(7)), 7_000);
    assert_eq!(chain.read(vault.convert_to_assets(7_999)), 7);
}

/// ERC-4626's, so that other contracts find them.
#[test]
fn the_selectors_are_the_standard_s() {
    let (vault, zero) = (VaultHandle::at(Address::ZERO), Address::ZERO);
    let number = |input: &[u8]| u32::from_be_bytes([input[0], input[1], input[2], input[3]]);
    for (input, selector) in [
        (vault.asset().input(), 0x38d5_2e0f),
        (vault.total_assets().input(), 0x01e1_d114),
        (vault.convert_to_shares(0).input(), 0xc6e6_f592),
        (vault.convert_to_assets(0).input(), 0x07a2_d13a),
        (vault.max_deposit(zero).input(), 0x402d_267d),
        (vault.preview_deposit(0).input(), 0xef8b_30f7),
        (vault.deposit(0, zero).input(), 0x6e55_3f65),
        (vault.max_mint(zero).input(), 0xc63d_75b6),
        (vault.preview_mint(0).input(), 0xb3d7_f6b9),
        (vault.mint(0, zero).input(), 0x94bf_804d),
        (vault.max_withdraw(zero).input(), 0xce96_cb77),
        (vault.preview_withdraw(0).input(), 0x0a28_a477),
        (vault.withdraw(0, zero, zero).input(), 0xb460_af94),
        (vault.max_redeem(zero).input(), 0xd905_777e),
        (vault.preview_redeem(0).input(), 0x4cda_d506),
        (vault.redeem(0, zero, zero).input(), 0xba08_7652),
    ] {
        assert_eq!(number(input), selector, "{selector:x}");
    }
}

#[esker_sdk::test]
fn shares_are_three_decimals_finer_than_the_asset(chain: &mut Chain, alice: User, bob: User) {
    let six = chain.mock(Address::repeat_byte(6), |_| Answer::value(&6_u8));
    let silent = chain.mock(Address::repeat_byte(7), |_| Answer::nothing());
    let absurd = chain.mock(Address::repeat_byte(8), |_| Answer::value(&U256::from(256)));
    for (asset, decimals) in [(six, 9), (silent, 21), (absurd, 21), (bob.address, 21)] {
        let vault = chain.deploy(alice, VaultHandle::constructor(asset, "", ""));
        assert_eq!(chain.read(vault.decimals()), decimals);
    }
    let most = chain.mock(Address::repeat_byte(9), |_| Answer::value(&253_u8));
    let vault = chain.deploy(alice, VaultHandle::constructor(most, "", ""));
    chain.try_read(vault.decimals()).panics(Panic::Overflow);
}

#[esker_sdk::test]
fn assets_become_shares_and_assets_again(chain: &mut Chain, alice: User, bob: User) {
    let (asset, vault) = vault(chain, [alice, bob]);
    let (at, sender) = (vault.address(), Address::from(alice));
    let (assets, shares) = (number(100), number(100_000));
    chain.send(alice, vault.deposit(100, bob)).returns(shares).emits_only([
        log(asset.address(), AssetTransfer { from: sender, to: at, value: assets }),
        log(at, Transfer { from: Address::ZERO, to: bob.into(), value: shares }),
        log(at, Deposit { sender, owner: bob.into(), assets, shares }),
    ]);
    assert_eq!((chain.read(vault.total_assets()), chain.read(vault.balance_of(bob))), (assets, shares));
    chain.send(alice, vault.mint(5_001, alice)).returns(6);
    assert_eq!(chain.read(vault.balance_of(alice)), 5_001);
    let sender = Address::from(bob);
    let (assets, shares) = (number(40), number(39_627));
    assert_eq!(chain.read(vault.preview_withdraw(40)), shares);
    chain.send(bob, vault.withdraw(40, alice, bob)).returns(shares).emits_only([
        log(at, Transfer { from: sender, to: Address::ZERO, value: shares }),
        log(asset.address(), AssetTransfer { from: at, to: alice.into(), value: assets }),
        log(at, Withdraw { sender, receiver: alice.into(), owner: sender, assets, shares }),
    ]);
    let left = chain.read(vault.balance_of(bob));
    let worth = chain.read(vault.max_withdraw(bob));
    chain.send(bob, vault.redeem(left, bob, bob)).returns(worth);
    assert_eq!(chain.read(vault.balance_of(bob)), 0);
    assert_eq!(chain.read(asset.balance_of(bob)), worth + 1_000_000);
}

#[esker_sdk::test]
fn nobody_takes_out_more_than_is_theirs(chain: &mut Chain, alice: User, bob: User) {
    let (_, vault) = vault(chain, [alice, bob]);
    chain.send(alice, vault.deposit(100, alice)).succeeds();
    let owner = Address::from(alice);
    let (assets, max) = (number(101), number(100));
    chain.send(alice, vault.withdraw(101, bob, alice)).reverts(Error::ERC4626ExceededMaxWithdraw {
        owner,
        assets,
        max,
    });
    let (shares, max) = (number(100_001), number(100_000));
    chain.send(alice, vault.redeem(shares, bob, alice)).reverts(Error::ERC4626ExceededMaxRedeem { owner, shares, max });
    let (owner, assets, shares, max) = (Address::from(bob), U256::ONE, U256::ONE, U256::ZERO);
    chain.send(bob, vault.withdraw(1, bob, bob)).reverts(Error::ERC4626ExceededMaxWithdraw { owner, assets, max });
    chain.send(bob, vault.redeem(1, bob, bob)).reverts(Error::ERC4626ExceededMaxRedeem { owner, shares, max });
    // Others' shares, out of an allowance only.
    let none = |needed| ShareError::ERC20InsufficientAllowance {
        spender: bob.into(),
        allowance: number(10_000),
        needed: number(needed),
    };
    chain.send(alice, vault.approve(bob, 10_000)).succeeds();
    chain.send(bob, vault.withdraw(11, bob, alice)).reverts(none(11_000));
    chain.send(bob, vault.redeem(10_001, bob, alice)).reverts(none(10_001));
    chain.send(bob, vault.withdraw(4, bob, alice)).returns(4_000);
    chain.send(bob, vault.redeem(6_000, bob, alice)).returns(6);
    assert_eq!(chain.read(vault.allowance(alice, bob)), 0);
    chain.send(alice, vault.approve(bob, U256::MAX)).succeeds();
    chain.send(bob, vault.redeem(90_000, bob, alice)).returns(90);
    assert_eq!(chain.read(vault.allowance(alice, bob)), U256::MAX);
}

#[esker_sdk::test]
fn what_the_asset_or_the_shares_refuse_is_refused(chain: &mut Chain, alice: User, bob: User) {
    let (asset, vault) = vault(chain, [alice, bob]);
    let (sender, balance) = (Address::from(alice), number(1_000_000));
    let poor = AssetError::ERC20InsufficientBalance { sender, balance, needed: balance + 1 };
    chain.send(alice, vault.deposit(1_000_001, alice)).reverts(poor);
    let poor = AssetError::ERC20InsufficientBalance { sender, balance, needed: balance + 1 };
    chain.send(alice, vault.mint(1_000_000_001_u128, alice)).reverts(poor);
    let nobody = || ShareError::ERC20InvalidReceiver { receiver: Address::ZERO };
    chain.send(alice, vault.deposit(1, Address::ZERO)).reverts(nobody());
    chain.send(alice, asset.approve(vault.address(), 5)).succeeds();
    let (spender, allowance, needed) = (vault.address(), number(5), number(6));
    let not_allowed = AssetError::ERC20InsufficientAllowance { spender, allowance, needed };
    chain.send(alice, vault.deposit(6, alice)).reverts(not_allowed);
    chain.send(alice, vault.deposit(5, alice)).succeeds();
    let nowhere = AssetError::ERC20InvalidReceiver { receiver: Address::ZERO };
    chain.send(alice, vault.withdraw(1, Address::ZERO, alice)).reverts(nowhere);
    // Nothing for nothing.
    chain.send(bob, vault.deposit(0, bob)).returns(0);
    chain.send(bob, vault.mint(0, bob)).returns(0);
    chain.send(bob, vault.withdraw(0, bob, bob)).returns(0);
    chain.send(bob, vault.redeem(0, bob, bob)).returns(0);
}

/// A little more than 999 shares a unit of the asset, so that nothing comes out even: in and out, each time for the
/// vault.
#[esker_sdk::test]
fn rounding_is_for_the_vault(chain: &mut Chain, alice: User, bob: User) {
    let (asset, vault) = vault(chain, [alice, bob]);
    chain.send(alice, vault.deposit(1_000, alice)).succeeds();
    chain.send(alice, asset.transfer(vault.address(), 1)).succeeds();
    // 1,001,000 shares for 1,002 units, virtual ones included.
    assert_eq!(chain.read(vault.preview_deposit(1)), 999);
    assert_eq!(chain.read(vault.preview_withdraw(1)), 1_000);
    assert_eq!(chain.read(vault.preview_mint(999)), 1);
    assert_eq!(chain.read(vault.preview_mint(1)), 1);
    assert_eq!(chain.read(vault.preview_redeem(1_000)), 1);
    assert_eq!(chain.read(vault.preview_redeem(999)), 0);
    for _ in 0..10 {
        let got = chain.send(bob, vault.deposit(1, bob)).returned();
        let gave = chain.send(bob, vault.withdraw(1, bob, bob));
        // What a unit of the asset gave does not buy it back.
        gave.reverts(Error::ERC4626ExceededMaxWithdraw { owner: bob.into(), assets: U256::ONE, max: U256::ZERO });
        assert_eq!(chain.send(bob, vault.redeem(got, bob, bob)).returned(), 0);
    }
    assert_eq!(chain.read(asset.balance_of(bob)), 999_990);
    assert_eq!(chain.read(vault.max_withdraw(alice)), 1_010);
}

#[esker_sdk::test]
fn numbers_beyond_all_measure_are_refused(chain: &mut Chain, alice: User) {
    let asset = chain.deploy(alice, Erc20Handle::constructor("Much", "M", U256::MAX));
    let vault = chain.deploy(alice, VaultHandle::constructor(asset.address(), "", ""));
    chain.send(alice, asset.approve(vault.address(), U256::MAX)).succeeds();
    chain.send(alice, vault.deposit(U256::MAX, alice)).panics(Panic::Overflow);
    let most = U256::MAX / 1_000;
    chain.send(alice, vault.deposit(most + 1, alice)).panics(Panic::Overflow);
    chain.send(alice, vault.mint(U256::MAX, alice)).succeeds();
    // All shares that there are: with the virtual ones they are too many, so the vault is stuck for whoever did that.
    chain.try_read(vault.max_withdraw(alice)).panics(Panic::Overflow);
}

/// How the vault stood, to see that it does not lose by anything.
#[derive(Clone, Copy, Default)]
struct Before {
    assets: U256,
    shares: U256,
}

/// A share is never worth less; shares add up; all of them can be given back at once; and assets are neither made nor
/// lost.
#[esker_sdk::test]
fn shares_are_parts_of_what_there_is(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let users = [alice, bob, carol];
    let ((asset, vault), before) = (vault(chain, users), Mutex::new(Before::default()));
    let (before, start) = (&before, chain.snapshot());
    let value = |draw: &mut Draw| U256::from(draw.number(0..=3_000));
    let shares = |draw: &mut Draw| U256::from(draw.number(0..=3_000_000));
    Invariant::new()
        .before(move |chain| {
            chain.restore(&start);
            *before.lock().expect("one at a time") = Before::default();
        })
        .action("deposit", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), vault.deposit(value(draw), draw.pick(&users)));
        })
        .action("mint", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), vault.mint(shares(draw), draw.pick(&users)));
        })
        .action("withdraw", move |chain, draw| {
            let owner = draw.pick(&users);
            let assets = value(draw).min(chain.read(vault.max_withdraw(owner)));
            chain.send(owner, vault.withdraw(assets, draw.pick(&users), owner)).succeeds();
        })
        .action("redeem its part", move |chain, draw| {
            let owner = draw.pick(&users);
            let part = shares(draw).min(chain.read(vault.balance_of(owner)));
            let (all, supply) = (chain.read(vault.total_assets()), chain.read(vault.total_supply()));
            let got = chain.send(owner, vault.redeem(part, draw.pick(&users), owner)).returned();
            assert!(got * supply <= all * part, "{got} of {all} for {part} of {supply}");
        })
        .action("there and back", move |chain, draw| {
            let (user, assets) = (draw.pick(&users), value(draw));
            let got = chain.send(user, vault.deposit(assets, user)).returned();
            let back = chain.send(user, vault.redeem(got, user, user)).returned();
            assert!(back <= assets, "{back} for {assets}");
        })
        .action("redeem others'", move |chain, draw| {
            let (by, owner) = (draw.pick(&users), draw.pick(&users));
            let _ = chain.send(owner, vault.approve(by, shares(draw)));
            let _ = chain.send(by, vault.redeem(shares(draw), by, owner));
        })
        .action("pay with shares", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), vault.transfer(draw.pick(&users), shares(draw)));
        })
        .action("donate", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), asset.transfer(vault.address(), value(draw)));
        })
        .check("a share is never worth less", move |chain| {
            let (assets, shares) = (chain.read(vault.total_assets()) + 1, chain.read(vault.total_supply()) + 1_000);
            let mut last = before.lock().expect("one at a time");
            assert!(assets * last.shares >= last.assets * shares, "{assets} for {shares}");
            *last = Before { assets, shares };
        })
        .check("shares add up", move |chain| {
            let sum: U256 = users.iter().map(|user| chain.read(vault.balance_of(*user))).sum();
            assert_eq!(sum, chain.read(vault.total_supply()));
        })
        .check("everybody gets theirs", move |chain| {
            let now = chain.snapshot();
            for user in users {
                let (shares, worth) = (chain.read(vault.max_redeem(user)), chain.read(vault.max_withdraw(user)));
                let got = chain.send(user, vault.redeem(shares, user, user)).returned();
                assert_eq!(got, worth);
            }
            assert_eq!(chain.read(vault.total_supply()), 0);
            chain.restore(&now);
        })
        .check("assets are neither made nor lost", move |chain| {
            let of_users: U256 = users.iter().map(|user| chain.read(asset.balance_of(*user))).sum();
            assert_eq!(of_users + chain.read(vault.total_assets()), 3_000_000);
        })
        .run(chain);
}
