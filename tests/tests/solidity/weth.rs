//! Coins as a token beside a model of WETH9's rules.

use esker_sdk::{MethodCall, Payable, prelude::*};
use esker_sdk_test::{Chain, Draw, Invariant, Terms, User};
use esker_tests::solidity::{Pair, models};
use esker_weth::WethHandle;

use crate::{LENGTH, sequences};

/// Wei: few mostly; now and then any.
fn amount(draw: &mut Draw) -> U256 {
    if draw.number(0..=9) == 9 { draw.u256() } else { U256::from(draw.number(0..=400)) }
}

/// Nobody has more than a million coins.
fn coins(draw: &mut Draw) -> U256 {
    amount(draw) & U256::from(u64::MAX)
}

#[esker_sdk::test]
fn weth_beside_weth9(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let (pair, users) = (&Pair::new(models), [alice, bob, carol]);
    let start = chain.snapshot();
    let deploy = |chain: &mut Chain| {
        pair.begin(chain, &users);
        pair.deploy(chain, alice, "WethModel", WethHandle::constructor())
    };
    let weth = deploy(chain);
    chain.restore(&start);
    let anybody = &[alice.address, bob.address, carol.address, Address::ZERO, weth.address()];
    Invariant::new()
        .before(move |chain| {
            deploy(chain);
        })
        .action("deposit", move |chain, draw| {
            let _ = pair.send(chain, draw.pick(&users), "deposit", weth.deposit().paying(coins(draw)));
        })
        .action("coins without a word", move |chain, draw| {
            let call = MethodCall::<Payable, ()>::new(weth.address(), Vec::new()).paying(coins(draw));
            let _ = pair.send(chain, draw.pick(&users), "receive", call);
        })
        .action("coins with any word", move |chain, draw| {
            let word = draw.any().to_be_bytes();
            let input = word[..draw.number(1..=8) as usize].to_vec();
            let call = MethodCall::<Payable, ()>::new(weth.address(), input).paying(coins(draw));
            let _ = pair.send(chain, draw.pick(&users), "fallback", call);
        })
        .action("coins where none are taken", move |chain, draw| {
            let call = weth.transfer(bob, amount(draw)).paying(coins(draw));
            let _ = pair.send(chain, draw.pick(&users), "transfer with coins", call);
        })
        .action("withdraw", move |chain, draw| {
            let by = draw.pick(&users);
            let all = chain.read(weth.balance_of(by));
            let value = if draw.chance() { all } else { amount(draw) };
            let _ = pair.send(chain, by, "withdraw", weth.withdraw(value));
        })
        .action("approve", move |chain, draw| {
            let value = if draw.chance() { U256::MAX } else { amount(draw) };
            let _ = pair.send(chain, draw.pick(&users), "approve", weth.approve(draw.pick(anybody), value));
        })
        .action("transfer", move |chain, draw| {
            let call = weth.transfer(draw.pick(anybody), amount(draw));
            let _ = pair.send(chain, draw.pick(&users), "transfer", call);
        })
        .action("transferFrom", move |chain, draw| {
            let (by, from, to, value) = (draw.pick(&users), draw.pick(&users), draw.pick(anybody), amount(draw));
            if draw.chance() {
                let _ = pair.send(chain, from, "approve", weth.approve(by, value));
            }
            let _ = pair.send(chain, by, "transferFrom", weth.transfer_from(from, to, value));
        })
        .check("they answer the same", move |chain| {
            pair.read(chain, bob, "totalSupply", weth.total_supply());
            for account in anybody {
                pair.read(chain, bob, "balanceOf", weth.balance_of(*account));
                for owner in users {
                    pair.read(chain, bob, "allowance", weth.allowance(owner, *account));
                }
            }
        })
        .sequences(sequences())
        .calls(LENGTH as usize)
        .run(chain);
    deploy(chain);
    pair.read(chain, bob, "name", weth.name());
    pair.read(chain, bob, "symbol", weth.symbol());
    pair.read(chain, bob, "decimals", weth.decimals());
    pair.print_gas("WETH");
}
