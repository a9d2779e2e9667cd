//! The token that votes beside the one that OpenZeppelin's parts make.

use esker_components::tokens::{permit::Message, votes::Delegation};
use esker_sdk::{Eip712Domain, prelude::*};
use esker_sdk_test::{CHAIN_ID, Chain, Draw, Invariant, User};
use esker_tests::solidity::{Pair, models};
use esker_token::TokenHandle;

use crate::{LENGTH, sequences, signer::Signer};

/// How many tokens there may be: rarely in the way.
const CAP: u64 = 3_000;

/// Small amounts mostly, so that transfers succeed; now and then any.
fn amount(draw: &mut Draw) -> U256 {
    if draw.number(0..=9) == 9 { draw.u256() } else { U256::from(draw.number(0..=400)) }
}

/// A signature as it is, mostly; or its twin of the upper half, or one that is none.
fn spoiled(draw: &mut Draw, (v, r, s): (u8, B256, B256)) -> (u8, B256, B256) {
    const ORDER: U256 = u256!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141);
    match draw.number(0..=19) {
        17 => (55 - v, r, FixedBytes((ORDER - U256::from_be_bytes(s.0)).to_be_bytes())),
        18 => (v, FixedBytes(draw.u256().to_be_bytes()), s),
        19 => (draw.any() as u8, r, s),
        _ => (v, r, s),
    }
}

#[esker_sdk::test]
fn the_token_beside_openzeppelins(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let (pair, signers) = (&Pair::new(models), &[Signer::new(7), Signer::new(8)]);
    let [dave, erin] = signers.each_ref().map(Signer::user);
    let users = [alice, bob, carol, dave, erin];
    let start = chain.snapshot();
    let deploy = |chain: &mut Chain| {
        pair.begin(chain, &users);
        let token =
            pair.deploy(chain, alice, "TokenModel", TokenHandle::constructor("Gold", "GLD", CAP as u128, alice));
        for user in users {
            let _ = pair.send(chain, alice, "mint", token.mint(user, 400));
        }
        token
    };
    let token = deploy(chain);
    chain.restore(&start);
    let anybody = users.map(|user| user.address);
    let anybody = &[&anybody[..], &[Address::ZERO, token.address()]].concat()[..];
    let domain = move || Eip712Domain::new("Gold", "1", CHAIN_ID, token.address());
    let owner = move |chain: &mut Chain, draw: &mut Draw| match draw.number(0..=3) {
        0 => draw.pick(&users),
        _ => User { address: chain.read(token.owner()) },
    };
    // Half of the time, who is to move somebody's tokens may.
    let allow = move |chain: &mut Chain, draw: &mut Draw, from: Address, by: User| {
        if draw.chance() {
            let value = if draw.chance() { U256::MAX } else { amount(draw) };
            let _ = pair.send(chain, User { address: from }, "approve", token.approve(by, value));
        }
    };
    Invariant::new()
        .before(move |chain| {
            deploy(chain);
        })
        .action("mint", move |chain, draw| {
            let by = owner(chain, draw);
            let _ = pair.send(chain, by, "mint", token.mint(draw.pick(anybody), amount(draw)));
        })
        .action("transfer", move |chain, draw| {
            let (by, to, value) = (draw.pick(&users), draw.pick(anybody), amount(draw));
            let _ = pair.send(chain, by, "transfer", token.transfer(to, value));
        })
        .action("approve", move |chain, draw| {
            let value = if draw.chance() { U256::MAX } else { amount(draw) };
            let (by, spender) = (draw.pick(&users), draw.pick(anybody));
            let _ = pair.send(chain, by, "approve", token.approve(spender, value));
        })
        .action("transferFrom", move |chain, draw| {
            let (by, from, to, value) = (draw.pick(&users), draw.pick(anybody), draw.pick(anybody), amount(draw));
            allow(chain, draw, from, by);
            let _ = pair.send(chain, by, "transferFrom", token.transfer_from(from, to, value));
        })
        .action("burn", move |chain, draw| {
            let _ = pair.send(chain, draw.pick(&users), "burn", token.burn(amount(draw)));
        })
        .action("burnFrom", move |chain, draw| {
            let (by, from, value) = (draw.pick(&users), draw.pick(anybody), amount(draw));
            allow(chain, draw, from, by);
            let _ = pair.send(chain, by, "burnFrom", token.burn_from(from, value));
        })
        .action("delegate", move |chain, draw| {
            let (by, to) = (draw.pick(&users), draw.pick(anybody));
            let _ = pair.send(chain, by, "delegate", token.delegate(to));
        })
        .action("delegateBySig", move |chain, draw| {
            let (signer, delegatee) = (&signers[draw.number(0..=1) as usize], draw.pick(anybody));
            let nonce = chain.read(token.nonces(signer.user()));
            let nonce = if draw.number(0..=4) == 4 { draw.u256() } else { nonce };
            let expiry = U256::from(chain.timestamp() + draw.number(0..=60));
            let digest = domain().digest(&Delegation { delegatee, nonce, expiry });
            let (v, r, s) = spoiled(draw, signer.sign(digest));
            let by = draw.pick(&users);
            let _ = pair.send(chain, by, "delegateBySig", token.delegate_by_sig(delegatee, nonce, expiry, v, r, s));
        })
        .action("permit", move |chain, draw| {
            let (signer, owner) = (&signers[draw.number(0..=1) as usize], draw.pick(&users[2..]).address);
            let (spender, value, nonce) = (draw.pick(anybody), amount(draw), chain.read(token.nonces(owner)));
            let nonce = if draw.number(0..=9) == 9 { nonce + 1 } else { nonce };
            let deadline = U256::from(chain.timestamp() + draw.number(0..=60));
            let digest = domain().digest(&Message { owner, spender, value, nonce, deadline });
            let (v, r, s) = spoiled(draw, signer.sign(digest));
            let by = draw.pick(&users);
            let _ = pair.send(chain, by, "permit", token.permit(owner, spender, value, deadline, v, r, s));
        })
        .action("pause", move |chain, draw| {
            let by = owner(chain, draw);
            // Twice at times.
            for _ in 0..draw.number(0..=2) {
                let _ = pair.send(chain, by, "pause", token.pause());
            }
        })
        .action("unpause", move |chain, draw| {
            for _ in 0..draw.number(1..=2) {
                let by = owner(chain, draw);
                let _ = pair.send(chain, by, "unpause", token.unpause());
            }
        })
        .action("change hands", move |chain, draw| {
            let (by, to) = (owner(chain, draw), draw.pick(anybody));
            let _ = pair.send(chain, by, "transferOwnership", token.transfer_ownership(to));
            let by = if draw.chance() { User { address: to } } else { draw.pick(&users) };
            let _ = pair.send(chain, by, "acceptOwnership", token.accept_ownership());
            if draw.number(0..=19) == 19 {
                let by = owner(chain, draw);
                let _ = pair.send(chain, by, "renounceOwnership", token.renounce_ownership());
            }
        })
        .action("time passes", move |chain, draw| {
            chain.pass_blocks(draw.number(0..=5));
            chain.pass(draw.number(0..=30));
        })
        .action("what was", move |chain, draw| {
            let (now, account) = (chain.height() + 2, draw.pick(anybody));
            let then = now.saturating_sub(draw.number(0..=now + 1));
            let then = if draw.number(0..=9) == 9 { draw.u256() } else { U256::from(then) };
            pair.read(chain, bob, "getPastVotes", token.get_past_votes(account, then));
            pair.read(chain, bob, "getPastTotalSupply", token.get_past_total_supply(then));
            let place = draw.number(0..=6) as u32;
            pair.read(chain, bob, "checkpoints", token.checkpoints(account, place));
        })
        .check("they answer the same", move |chain| {
            pair.read(chain, bob, "totalSupply", token.total_supply());
            pair.read(chain, bob, "paused", token.paused());
            pair.read(chain, bob, "owner", token.owner());
            pair.read(chain, bob, "pendingOwner", token.pending_owner());
            pair.read(chain, bob, "clock", token.clock());
            for account in anybody {
                pair.read(chain, bob, "balanceOf", token.balance_of(*account));
                pair.read(chain, bob, "allowance", token.allowance(dave, *account));
                pair.read(chain, bob, "nonces", token.nonces(*account));
                pair.read(chain, bob, "delegates", token.delegates(*account));
                pair.read(chain, bob, "getVotes", token.get_votes(*account));
                pair.read(chain, bob, "numCheckpoints", token.num_checkpoints(*account));
            }
        })
        .sequences(sequences())
        .calls(LENGTH as usize)
        .run(chain);
    deploy(chain);
    pair.read(chain, bob, "name", token.name());
    pair.read(chain, bob, "symbol", token.symbol());
    pair.read(chain, bob, "decimals", token.decimals());
    pair.read(chain, bob, "cap", token.cap());
    pair.read(chain, bob, "CLOCK_MODE", token.clock_mode());
    pair.read(chain, bob, "DOMAIN_SEPARATOR", token.domain_separator());
    pair.read(chain, bob, "eip712Domain", token.eip712_domain());
    pair.print_gas("Token that votes");
}
