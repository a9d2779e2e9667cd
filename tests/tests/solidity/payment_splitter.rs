//! The payment splitter beside OpenZeppelin's of release 4.

use esker_erc20::Erc20Handle;
use esker_payment_splitter::PaymentSplitterHandle;
use esker_sdk::{MethodCall, Payable, prelude::*};
use esker_sdk_test::{Chain, Draw, Invariant, User};
use esker_tests::solidity::{Pair, models};

use crate::{LENGTH, sequences, target::TargetHandle};

/// Wei and tokens: few mostly, now and then many.
fn amount(draw: &mut Draw) -> U256 {
    let bits = draw.number(0..=60);
    U256::from(draw.number(0..=1 << bits))
}

#[esker_sdk::test]
fn the_splitter_beside_openzeppelins(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let (pair, users) = (&Pair::new(models), [alice, bob, carol]);
    let start = chain.snapshot();
    // Among the payees is a contract that takes no coins.
    let deploy = |chain: &mut Chain| {
        pair.begin(chain, &users);
        let supply = U256::ONE << 120;
        let token = pair.deploy(chain, carol, "Erc20Model", Erc20Handle::constructor("Gold", "GLD", supply));
        let target = pair.deploy(chain, carol, "TargetModel", TargetHandle::constructor());
        let (payees, shares) = ([alice.address, bob.address, target.address()], [5, 3, 1].map(U256::from));
        let constructor = PaymentSplitterHandle::constructor(&payees, &shares);
        (token, target, pair.deploy(chain, carol, "PaymentSplitterModel", constructor))
    };
    let (token, target, splitter) = deploy(chain);
    chain.restore(&start);
    let anybody = &[alice.address, bob.address, target.address(), carol.address, Address::ZERO];
    Invariant::new()
        .before(move |chain| {
            deploy(chain);
        })
        .action("coins come", move |chain, draw| {
            let call = MethodCall::<Payable, ()>::new(splitter.address(), Vec::new()).value(amount(draw));
            let _ = pair.send(chain, draw.pick(&users), "receive", call);
        })
        .action("tokens come", move |chain, draw| {
            let call = token.transfer(splitter.address(), amount(draw));
            let _ = pair.send(chain, carol, "token", call);
        })
        .action("release", move |chain, draw| {
            let call = splitter.release(draw.pick(anybody));
            let _ = pair.send(chain, draw.pick(&users), "release", call);
        })
        .action("release of tokens", move |chain, draw| {
            // At times of what is no token.
            let which = if draw.number(0..=9) == 9 { draw.pick(anybody) } else { token.address() };
            let call = splitter.release_token(which, draw.pick(anybody));
            let _ = pair.send(chain, draw.pick(&users), "release of tokens", call);
        })
        .check("they answer the same", move |chain| {
            pair.read(chain, bob, "totalReleased", splitter.total_released());
            pair.read(chain, bob, "totalReleased of tokens", splitter.total_released_token(token.address()));
            for account in anybody {
                pair.read(chain, bob, "released", splitter.released(*account));
                pair.read(chain, bob, "releasable", splitter.releasable(*account));
                pair.read(chain, bob, "released of tokens", splitter.released_token(token.address(), *account));
                pair.read(chain, bob, "releasable of tokens", splitter.releasable_token(token.address(), *account));
            }
        })
        .sequences(sequences())
        .calls(LENGTH as usize)
        .run(chain);
    deploy(chain);
    pair.read(chain, bob, "totalShares", splitter.total_shares());
    for (index, account) in anybody.iter().enumerate() {
        pair.read(chain, bob, "payee", splitter.payee(index as u128));
        pair.read(chain, bob, "shares", splitter.shares(*account));
    }
    pair.read(chain, bob, "payee", splitter.payee(U256::MAX));
    pair.print_gas("Payment splitter");
}
