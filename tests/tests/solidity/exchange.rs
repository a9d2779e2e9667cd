//! The exchange's pool beside Uniswap's own bytecode. That one reverts with words and ours with errors of their own: of what
//! reverts only that it does is compared.

use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use esker_amm_pair::{PairHandle, shares::shares::Message};
use esker_erc20::Erc20Handle;
use esker_sdk::{Eip712Domain, prelude::*};
use esker_sdk_test::{CHAIN_ID, Chain, Draw, Invariant, User};
use esker_tests::solidity::{Pair, models};

use crate::{LENGTH, sequences};

/// Borrows from a pool within a swap and gives back what the first byte of the data says.
#[contract]
mod borrower {
    use super::*;

    #[storage]
    pub struct Borrower {}

    impl Borrower {
        pub fn uniswap_v2_call(&mut self, cx: &mut Context, _by: Address, amount0: U256, amount1: U256, data: &[u8]) {
            let pool = PairHandle::from(cx.sender());
            let way = data.first().copied().unwrap_or_default();
            if way == 1 {
                pool.sync().call(cx);
            }
            if way == 2 {
                pool.transfer(address!("0x0000000000000000000000000000000000000001"), 1).call(cx);
            }
            let tokens = [pool.token0().call(cx), pool.token1().call(cx)];
            for (token, amount) in tokens.into_iter().zip([amount0, amount1]).filter(|(_, amount)| *amount > 0) {
                let amount = if way == 3 { amount } else { amount * 1000 / 997 + 1 };
                Erc20Handle::from(token).transfer(pool.address(), amount).call(cx);
            }
        }
    }
}
use borrower::*;

/// Who stands for the factory that deploys the pool.
const FACTORY: User = User { address: Address::repeat_byte(0xfa) };
/// Who gets the protocol's part of the fees, when somebody does.
const FEE_TO: Address = Address::repeat_byte(0xfe);

/// Everything on both chains.
#[derive(Clone, Copy)]
struct Exchange {
    tokens: [Erc20Handle; 2],
    pool: PairHandle,
    borrower: BorrowerHandle,
}

impl Exchange {
    /// Everybody has tokens of both kinds, more than the pool can hold, and the borrower has some.
    fn deployed(pair: &Pair, chain: &mut Chain, users: &[User; 3]) -> Self {
        pair.begin(chain, users);
        let alice = users[0];
        let supply = U256::ONE << 120;
        let tokens = ["A", "B"].map(|name| {
            let token = pair.deploy(chain, alice, "Erc20Model", Erc20Handle::constructor(name, name, supply));
            for user in &users[1..] {
                let _ = pair.send(chain, alice, "token", token.transfer(*user, supply / 4));
            }
            token
        });
        let borrower = pair.deploy(chain, alice, "BorrowerModel", BorrowerHandle::constructor());
        for token in tokens {
            let _ = pair.send(chain, alice, "token", token.transfer(borrower.address(), 1_000_000_000));
        }
        pair.answers(chain, FACTORY.address, Address::ZERO);
        let pool = pair.deploy(chain, FACTORY, "UniswapV2Pair", PairHandle::constructor());
        let _ = pair.send(chain, alice, "initialize", pool.initialize(tokens[0].address(), tokens[1].address()));
        let _ = pair.send(chain, FACTORY, "initialize", pool.initialize(tokens[0].address(), tokens[1].address()));
        let this = Self { tokens, pool, borrower };
        this.pay(pair, chain, alice, 0, U256::from(40_000_000));
        this.pay(pair, chain, alice, 1, U256::from(90_000_000));
        let _ = pair.send(chain, alice, "mint", pool.mint(alice));
        this
    }

    /// Sends tokens to the pool.
    fn pay(&self, pair: &Pair, chain: &mut Chain, by: User, which: usize, value: U256) {
        let _ = pair.send(chain, by, "token", self.tokens[which].transfer(self.pool.address(), value));
    }

    /// What the pool gives for `value` of one of its tokens, as Uniswap's library reckons.
    fn worth(&self, chain: &mut Chain, which: usize, value: U256) -> U256 {
        let (reserve0, reserve1, _) = chain.read(self.pool.get_reserves());
        let (mut within, mut of) = (U256::from(reserve0), U256::from(reserve1));
        if which == 1 {
            (within, of) = (of, within);
        }
        let taxed = value.saturating_mul(997);
        taxed.checked_mul(of).map_or(U256::ZERO, |product| product / (within * 1000 + taxed + 1))
    }
}

/// From a few to a lot; now and then more than the pool can hold.
fn amount(draw: &mut Draw) -> U256 {
    if draw.number(0..=19) == 19 {
        return U256::from(draw.any()) << 49;
    }
    let bits = draw.number(4..=40);
    U256::from(draw.number(0..=1 << bits))
}

/// Close to what is right, or exactly that.
fn about(draw: &mut Draw, right: U256) -> U256 {
    match draw.number(0..=5) {
        0 => right + 1,
        1 => right.saturating_sub(1),
        2 => right / 2,
        _ => right,
    }
}

#[esker_sdk::test]
fn the_pool_beside_uniswaps(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let (pair, users) = (Pair::new(models).with_words_of_their_own(), [alice, bob, carol]);
    let signer = PrivateKeySigner::from_slice(&[7; 32]).expect("a key");
    let owner = Address(signer.address().0.0);
    let (pair, users, signer, start) = (&pair, &users, &signer, chain.snapshot());
    let exchange = Exchange::deployed(pair, chain, users);
    let Exchange { tokens, pool, borrower } = exchange;
    chain.restore(&start);
    let anybody = [alice.address, bob.address, carol.address, Address::ZERO, FEE_TO, owner, pool.address()];
    let anybody = &anybody;
    let to = move |draw: &mut Draw| match draw.number(0..=9) {
        0 => draw.pick(&[tokens[0].address(), tokens[1].address(), pool.address(), Address::ZERO]),
        _ => draw.pick(users).address,
    };
    Invariant::new()
        .before(move |chain| {
            Exchange::deployed(pair, chain, users);
        })
        .action("provide", move |chain, draw| {
            let (by, to) = (draw.pick(users), to(draw));
            for which in 0..2 {
                let value = amount(draw);
                exchange.pay(pair, chain, by, which, value);
            }
            let _ = pair.send(chain, by, "mint", pool.mint(to));
        })
        .action("donate", move |chain, draw| {
            let (by, which, value) = (draw.pick(users), draw.number(0..=1) as usize, amount(draw));
            exchange.pay(pair, chain, by, which, value);
        })
        .action("withdraw", move |chain, draw| {
            let (by, to) = (draw.pick(users), to(draw));
            let shares = chain.read(pool.balance_of(by));
            let shares = if draw.chance() { shares } else { shares / 3 };
            let _ = pair.send(chain, by, "transfer", pool.transfer(pool.address(), shares));
            let _ = pair.send(chain, by, "burn", pool.burn(to));
        })
        .action("swap", move |chain, draw| {
            let (by, to, which, value) = (draw.pick(users), to(draw), draw.number(0..=1) as usize, amount(draw));
            let right = exchange.worth(chain, which, value);
            let mut out = [U256::ZERO; 2];
            out[1 - which] = about(draw, right);
            if draw.number(0..=9) == 0 {
                out[which] = amount(draw);
            }
            exchange.pay(pair, chain, by, which, value);
            let _ = pair.send(chain, by, "swap", pool.swap(out[0], out[1], to, &[]));
        })
        .action("borrow", move |chain, draw| {
            let (by, way) = (draw.pick(users), draw.number(0..=4) as u8);
            let out = [0, 1].map(|_| if draw.chance() { amount(draw) } else { U256::ZERO });
            if draw.chance() {
                let _ = pair.send(chain, by, "transfer", pool.transfer(borrower.address(), 1));
            }
            let _ = pair.send(chain, by, "flash swap", pool.swap(out[0], out[1], borrower.address(), &[way; 3]));
        })
        .action("skim", move |chain, draw| {
            let _ = pair.send(chain, draw.pick(users), "skim", pool.skim(to(draw)));
        })
        .action("sync", move |chain, draw| {
            let _ = pair.send(chain, draw.pick(users), "sync", pool.sync());
        })
        .action("approve", move |chain, draw| {
            let value = if draw.chance() { U256::MAX } else { amount(draw) };
            let (by, spender) = (draw.pick(users), draw.pick(anybody));
            let _ = pair.send(chain, by, "approve", pool.approve(spender, value));
        })
        .action("transferFrom", move |chain, draw| {
            let (by, from, value) = (draw.pick(users), draw.pick(anybody), amount(draw));
            let _ = pair.send(chain, by, "transferFrom", pool.transfer_from(from, draw.pick(anybody), value));
        })
        .action("permit", move |chain, draw| {
            let (spender, value, number) = (draw.pick(users).address, amount(draw), draw.number(0..=2));
            let deadline = U256::from(chain.timestamp() + draw.number(0..=2));
            let message = Message { owner, spender, value, nonce: U256::from(number), deadline };
            let domain = Eip712Domain::new("Uniswap V2", "1", CHAIN_ID, pool.address());
            let signature = signer.sign_hash_sync(&domain.digest(&message).0.into()).expect("a signature");
            let half = |half: alloy_primitives::U256| FixedBytes(half.to_be_bytes());
            let (v, r, s) = (27 + u8::from(signature.v()), half(signature.r()), half(signature.s()));
            let call = pool.permit(owner, spender, value, deadline, v, r, s);
            let _ = pair.send(chain, draw.pick(users), "permit", call);
        })
        .action("the protocol's part", move |chain, draw| {
            pair.answers(chain, FACTORY.address, draw.pick(&[Address::ZERO, FEE_TO]));
        })
        .action("time passes", move |chain, draw| {
            let far = draw.number(0..=9) == 9;
            chain.pass(if far { 1 << 31 } else { draw.number(0..=400) });
        })
        .check("they answer the same", move |chain| {
            pair.read(chain, bob, "getReserves", pool.get_reserves());
            pair.read(chain, bob, "price0CumulativeLast", pool.price0_cumulative_last());
            pair.read(chain, bob, "price1CumulativeLast", pool.price1_cumulative_last());
            pair.read(chain, bob, "kLast", pool.k_last());
            pair.read(chain, bob, "totalSupply", pool.total_supply());
            pair.read(chain, bob, "nonces", pool.nonces(owner));
            for account in anybody {
                pair.read(chain, bob, "balanceOf", pool.balance_of(*account));
            }
            for token in tokens {
                pair.read(chain, bob, "balanceOf", token.balance_of(pool.address()));
            }
            pair.read(chain, bob, "allowance", pool.allowance(owner, carol));
            pair.read(chain, bob, "allowance", pool.allowance(alice, bob));
        })
        .check("what never changes is the same", move |chain| {
            pair.read(chain, bob, "name", pool.name());
            pair.read(chain, bob, "symbol", pool.symbol());
            pair.read(chain, bob, "decimals", pool.decimals());
            pair.read(chain, bob, "factory", pool.factory());
            pair.read(chain, bob, "token0", pool.token0());
            pair.read(chain, bob, "token1", pool.token1());
            pair.read(chain, bob, "MINIMUM_LIQUIDITY", pool.minimum_liquidity());
            pair.read(chain, bob, "DOMAIN_SEPARATOR", pool.domain_separator());
            pair.read(chain, bob, "PERMIT_TYPEHASH", pool.permit_typehash());
        })
        .sequences(sequences())
        .calls(LENGTH as usize)
        .run(chain);
    pair.print_gas("AMM pair");
}
