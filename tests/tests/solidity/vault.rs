//! The vault beside OpenZeppelin's. Its asset moves what it says: ours refuses others.

use esker_erc20::Erc20Handle;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Draw, Invariant, User};
use esker_tests::solidity::{Pair, models};
use esker_vault::VaultHandle;

use crate::{LENGTH, sequences};

/// From a few to many; now and then any.
fn amount(draw: &mut Draw) -> U256 {
    if draw.number(0..=9) == 9 {
        return draw.u256();
    }
    let bits = draw.number(0..=30);
    U256::from(draw.number(0..=1 << bits))
}

/// Exactly that, or close to it, or any.
fn about(draw: &mut Draw, right: U256) -> U256 {
    match draw.number(0..=6) {
        0 => right,
        1 => right.saturating_add(U256::from(1)),
        2 => right / 2,
        3 => right / 7,
        _ => amount(draw),
    }
}

#[esker_sdk::test]
fn the_vault_beside_openzeppelins(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let (pair, users) = (&Pair::new(models), [alice, bob, carol]);
    let start = chain.snapshot();
    let deploy = |chain: &mut Chain| {
        pair.begin(chain, &users);
        let supply = U256::ONE << 100;
        let asset = pair.deploy(chain, alice, "Erc20Model", Erc20Handle::constructor("Gold", "GLD", supply));
        let constructor = VaultHandle::constructor(asset.address(), "Share", "SHR");
        let vault = pair.deploy(chain, alice, "VaultModel", constructor);
        for (user, allowance) in users.into_iter().zip([U256::MAX, U256::MAX, U256::from(1 << 28)]) {
            let _ = pair.send(chain, alice, "asset", asset.transfer(user, supply >> 2));
            let _ = pair.send(chain, user, "asset", asset.approve(vault.address(), allowance));
        }
        (asset, vault)
    };
    let (asset, vault) = deploy(chain);
    chain.restore(&start);
    let anybody = &[alice.address, bob.address, carol.address, Address::ZERO, vault.address(), asset.address()];
    // Mostly who can do something with it.
    let whom = move |draw: &mut Draw| if draw.chance() { draw.pick(&users).address } else { draw.pick(anybody) };
    Invariant::new()
        .before(move |chain| {
            deploy(chain);
        })
        .action("deposit", move |chain, draw| {
            let call = vault.deposit(amount(draw), whom(draw));
            let _ = pair.send(chain, draw.pick(&users), "deposit", call);
        })
        .action("mint", move |chain, draw| {
            let call = vault.mint(amount(draw), whom(draw));
            let _ = pair.send(chain, draw.pick(&users), "mint", call);
        })
        .action("withdraw", move |chain, draw| {
            let (by, owner) = (draw.pick(&users), whom(draw));
            let owner = if draw.chance() { by.address } else { owner };
            let right = chain.read(vault.max_withdraw(owner));
            let _ = pair.send(chain, by, "withdraw", vault.withdraw(about(draw, right), whom(draw), owner));
        })
        .action("redeem", move |chain, draw| {
            let (by, owner) = (draw.pick(&users), whom(draw));
            let owner = if draw.chance() { by.address } else { owner };
            let right = chain.read(vault.max_redeem(owner));
            let _ = pair.send(chain, by, "redeem", vault.redeem(about(draw, right), whom(draw), owner));
        })
        .action("donate", move |chain, draw| {
            let call = asset.transfer(vault.address(), amount(draw));
            let _ = pair.send(chain, draw.pick(&users), "asset", call);
        })
        .action("transfer", move |chain, draw| {
            let call = vault.transfer(whom(draw), amount(draw));
            let _ = pair.send(chain, draw.pick(&users), "transfer", call);
        })
        .action("approve", move |chain, draw| {
            let value = if draw.chance() { U256::MAX } else { amount(draw) };
            let _ = pair.send(chain, draw.pick(&users), "approve", vault.approve(whom(draw), value));
        })
        .action("transferFrom", move |chain, draw| {
            let (by, from, to, value) = (draw.pick(&users), draw.pick(&users), whom(draw), amount(draw));
            if draw.chance() {
                let _ = pair.send(chain, from, "approve", vault.approve(by, value));
            }
            let _ = pair.send(chain, by, "transferFrom", vault.transfer_from(from, to, value));
        })
        .action("the asset's allowance", move |chain, draw| {
            let value = if draw.chance() { U256::MAX } else { amount(draw) };
            let _ = pair.send(chain, draw.pick(&users), "asset", asset.approve(vault.address(), value));
        })
        .action("what it would give", move |chain, draw| {
            let number = amount(draw);
            pair.read(chain, bob, "convertToShares", vault.convert_to_shares(number));
            pair.read(chain, bob, "convertToAssets", vault.convert_to_assets(number));
            pair.read(chain, bob, "previewDeposit", vault.preview_deposit(number));
            pair.read(chain, bob, "previewMint", vault.preview_mint(number));
            pair.read(chain, bob, "previewWithdraw", vault.preview_withdraw(number));
            pair.read(chain, bob, "previewRedeem", vault.preview_redeem(number));
        })
        .check("they answer the same", move |chain| {
            pair.read(chain, bob, "totalSupply", vault.total_supply());
            pair.read(chain, bob, "totalAssets", vault.total_assets());
            for account in anybody {
                pair.read(chain, bob, "balanceOf", vault.balance_of(*account));
                pair.read(chain, bob, "the asset's balanceOf", asset.balance_of(*account));
                pair.read(chain, bob, "maxWithdraw", vault.max_withdraw(*account));
                pair.read(chain, bob, "maxRedeem", vault.max_redeem(*account));
                pair.read(chain, bob, "allowance", vault.allowance(alice, *account));
            }
        })
        .sequences(sequences())
        .calls(LENGTH as usize)
        .run(chain);
    deploy(chain);
    pair.read(chain, bob, "name", vault.name());
    pair.read(chain, bob, "symbol", vault.symbol());
    pair.read(chain, bob, "decimals", vault.decimals());
    pair.read(chain, bob, "asset", vault.asset());
    pair.read(chain, bob, "maxDeposit", vault.max_deposit(bob));
    pair.read(chain, bob, "maxMint", vault.max_mint(bob));
    pair.print_gas("Vault");
}
