//! The pool that lends: what lenders, borrowers and liquidators may rely on, under random calls and under attack.

use esker_erc20::Erc20Handle;
use esker_lending_pool::{BadDebt, Borrowed, Error, LendingPoolHandle, Liquidated, Supplied, Withdrawn, rates};
use esker_sdk::prelude::*;
use esker_sdk_test::{Answer, Chain, Draw, End, Invariant, User};

const ORACLE: Address = Address::repeat_byte(0x0c);
/// A price of one, as the oracle tells it.
const ONE: U256 = u256!("1e36");
const YEAR: u64 = 365 * 24 * 60 * 60;

/// The oracle tells `price`, known since now.
fn price(chain: &mut Chain, price: U256) {
    let now = chain.timestamp();
    chain.mock(ORACLE, move |_| Answer::value(&(price, now)));
}

#[derive(Clone, Copy)]
struct Bank {
    gold: Erc20Handle,
    land: Erc20Handle,
    pool: LendingPoolHandle,
}

impl Bank {
    /// Lends gold against land. The first user owns the pool, everybody has a million of both, and the pool may move it.
    fn new(chain: &mut Chain, users: &[User]) -> Self {
        let [gold, land] =
            ["G", "L"].map(|name| chain.deploy(users[0], Erc20Handle::constructor(name, name, 1 << 100)));
        let owner = users[0].address;
        let pool = LendingPoolHandle::constructor(gold.address(), land.address(), ORACLE, owner);
        let pool = chain.deploy(users[0], pool);
        for user in users {
            for token in [gold, land] {
                chain.send(users[0], token.transfer(*user, 1_000_000)).succeeds();
                chain.send(*user, token.approve(pool.address(), U256::MAX)).succeeds();
            }
        }
        price(chain, ONE);
        Self { gold, land, pool }
    }

    /// Bob brings so much land and borrows so much gold of what alice lends.
    fn lent(&self, chain: &mut Chain, alice: User, bob: User, supplied: u128, brought: u128, borrowed: u128) {
        chain.send(alice, self.pool.supply(supplied)).succeeds();
        chain.send(bob, self.pool.add_collateral(brought)).succeeds();
        chain.send(bob, self.pool.borrow(borrowed)).succeeds();
    }

    /// Lets time pass, and writes the interest down.
    fn wait(&self, chain: &mut Chain, seconds: u64) {
        chain.pass(seconds);
        chain.send(ORACLE, self.pool.accrue()).succeeds();
    }

    fn of(&self, chain: &mut Chain, token: Erc20Handle, user: User) -> U256 {
        chain.read(token.balance_of(user))
    }
}

#[esker_sdk::test]
fn lenders_earn_what_borrowers_pay(chain: &mut Chain, alice: User, bob: User) {
    let bank @ Bank { gold, pool, .. } = Bank::new(chain, &[alice, bob]);
    let account = alice.address;
    let supplied = Supplied { account, assets: U256::from(100_000), shares: U256::from(100_000_000_000_u64) };
    chain.send(alice, pool.supply(100_000)).emits_from(pool.address(), supplied);
    chain.send(bob, pool.add_collateral(100_000)).succeeds();
    let borrowed = Borrowed { account: bob.address, assets: U256::from(50_000) };
    chain.send(bob, pool.borrow(50_000)).emits_from(pool.address(), borrowed);
    let begun = chain.timestamp();
    chain.warp(begun);
    // Half is lent: 2 % and five eighths of 8 %.
    assert_eq!(chain.read(pool.utilization()), u256!("0.5e18"));
    assert_eq!(chain.read(pool.borrow_rate()), u256!("0.07e18"));
    assert_eq!(chain.read(pool.supply_rate()), u256!("0.0315e18"));
    chain.warp(begun + YEAR);
    let totals = chain.read(pool.totals());
    assert_eq!((totals.debt, totals.reserves), (U256::from(53_500), U256::from(350)));
    assert_eq!(chain.read(pool.debt_of(bob)), 53_500);
    // A unit is the virtual shares'.
    assert_eq!(chain.read(pool.balance_of(alice)), 103_149);
    // All of it is paid back, by somebody else, and no more is taken.
    chain.send(alice, pool.repay(bob, U256::MAX)).succeeds();
    assert_eq!(chain.read(pool.debt_of(bob)), 0);
    assert_eq!(bank.of(chain, gold, alice), (U256::ONE << 100) - 1_000_000 - 100_000 - 53_500);
    chain.send(bob, pool.remove_collateral(100_000)).succeeds();
    let shares = chain.read(pool.shares_of(alice));
    let withdrawn = Withdrawn { account, assets: U256::from(103_149), shares };
    chain.send(alice, pool.redeem(shares)).emits_from(pool.address(), withdrawn);
    chain.send(alice, pool.collect_reserves(bob, 350)).succeeds();
    assert_eq!(chain.read(gold.balance_of(pool.address())), 1);
    assert_eq!(bank.of(chain, gold, bob), 1_000_000 + 50_000 + 350);
}

/// At the kink and beyond, against figures that were worked out by hand.
#[test]
fn rates_rise_with_use() {
    let rate = |utilization| rates::yearly_rate(utilization);
    assert_eq!(rate(U256::ZERO), u256!("0.02e18"));
    assert_eq!(rate(u256!("0.8e18")), u256!("0.1e18"));
    assert_eq!(rate(u256!("0.9e18")), u256!("0.55e18"));
    assert_eq!(rate(rates::WAD), u256!("1e18"));
    assert_eq!(rates::utilization(U256::from(3), U256::from(4)), u256!("0.75e18"));
    assert_eq!(rates::utilization(U256::ZERO, U256::ZERO), 0);
    assert_eq!(rates::utilization(U256::from(1), U256::ZERO), rates::WAD);
    // 50 units for a year cost one, in however many parts, and what is left over of a unit is not lost.
    let (debt, rate) = (U256::from(50), u256!("0.02e18"));
    assert_eq!(rates::interest(debt, rate, YEAR, U256::ZERO), (U256::ONE, U256::ZERO));
    let (none, left) = rates::interest(debt, rate, YEAR - 1, U256::ZERO);
    assert_eq!(none, 0);
    assert_eq!(rates::interest(debt, rate, 0, left), (U256::ZERO, left));
    assert_eq!(rates::interest(debt, rate, 1, left), (U256::ONE, U256::ZERO));
    // However large a debt is, this is no reason to hold anybody up.
    let (large, left) = rates::interest(U256::MAX, rate, YEAR, U256::ZERO);
    assert_eq!((large, left > 0), (U256::MAX / 50, true));
}

/// Whoever lends little may have interest written down in every second. No unit comes of that which would not have come
/// otherwise, and none is lost: else a loan of a token with few decimals would cost many times what the rate says, or nothing.
#[esker_sdk::test]
fn interest_is_the_same_however_often_it_is_written_down(chain: &mut Chain, alice: User, bob: User) {
    let bank @ Bank { pool, .. } = Bank::new(chain, &[alice, bob]);
    bank.lent(chain, alice, bob, 1_000_000, 1_000_000, 500_000);
    // 7 % of it in a year: a unit in 901 seconds.
    let begun = chain.timestamp();
    let start = chain.snapshot();
    chain.warp(begun + 9_100);
    let owed = chain.read(pool.debt_of(bob));
    assert_eq!(owed, 500_010);
    chain.restore(&start);
    for passed in (25..=9_100).step_by(25) {
        chain.warp(begun + passed);
        chain.send(alice, pool.accrue()).succeeds();
    }
    chain.warp(begun + 9_100);
    assert_eq!(chain.read(pool.debt_of(bob)), owed);
}

/// A borrower that pays a unit back before the liquidator's transaction does not escape: it is paid what may be paid.
#[esker_sdk::test]
fn no_unit_paid_back_before_keeps_a_liquidator_from_it(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let bank @ Bank { pool, .. } = Bank::new(chain, &[alice, bob, carol]);
    bank.lent(chain, alice, bob, 100_000, 10_000, 7_000);
    for (at, part) in [(u256!("0.86e36"), 2), (u256!("0.75e36"), 1)] {
        let before = chain.snapshot();
        price(chain, at);
        let most = |owed: U256| owed.mul_div(1, part, Rounding::Ceil);
        let planned = most(chain.read(pool.debt_of(bob)));
        chain.send(bob, pool.repay(bob, 2)).succeeds();
        let left = most(chain.read(pool.debt_of(bob)));
        assert!(left < planned);
        let (paid, seized) = chain.send(carol, pool.liquidate(bob, planned, planned)).succeeds().returned();
        assert_eq!(paid, left);
        assert!(seized >= paid, "{seized} for {paid}");
        chain.restore(&before);
    }
}

#[esker_sdk::test]
fn debts_are_covered(chain: &mut Chain, alice: User, bob: User) {
    let Bank { land, pool, .. } = Bank::new(chain, &[alice, bob]);
    chain.send(alice, pool.supply(100_000)).succeeds();
    chain.send(bob, pool.add_collateral(10_000)).succeeds();
    let too_much = |debt: u64, limit: u64| Error::Undercollateralized { debt: debt.into(), limit: limit.into() };
    chain.send(bob, pool.borrow(7_501)).reverts(too_much(7_501, 7_500));
    chain.send(alice, pool.borrow(1)).reverts(too_much(1, 0));
    chain.send(bob, pool.borrow(7_500)).succeeds();
    chain.send(bob, pool.remove_collateral(1)).reverts(too_much(7_500, 7_499));
    chain.send(bob, pool.repay(bob, 3_751)).succeeds();
    chain.send(bob, pool.remove_collateral(4_990)).succeeds();
    let has = U256::from(5_010);
    chain.send(bob, pool.remove_collateral(5_011)).reverts(Error::NotEnough { has, needed: U256::from(5_011) });
    // Lent out: nobody gets what is not there.
    let cash = chain.read(pool.totals()).cash;
    chain.send(bob, pool.borrow(cash + 1)).reverts(Error::NotEnoughCash { cash, needed: cash + 1 });
    chain.send(alice, pool.withdraw(cash + 1)).reverts(Error::NotEnoughCash { cash, needed: cash + 1 });
    chain.send(bob, pool.withdraw(1)).error::<Error>();
    for none in [pool.add_collateral(0), pool.remove_collateral(0), pool.borrow(0)] {
        chain.send(bob, none).reverts(Error::NothingMoved);
    }
    chain.send(bob, pool.supply(0)).reverts(Error::NothingMoved);
    chain.send(bob, pool.redeem(0)).reverts(Error::NothingMoved);
    chain.send(alice, pool.repay(alice, 1)).reverts(Error::NothingMoved);
    chain.send(alice, pool.liquidate(bob, 1, 0)).error::<Error>();
    assert_eq!(chain.read(land.balance_of(pool.address())), 5_010);
}

#[esker_sdk::test]
fn a_debt_that_is_not_covered_is_liquidated_in_parts(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let bank @ Bank { land, pool, .. } = Bank::new(chain, &[alice, bob, carol]);
    bank.lent(chain, alice, bob, 100_000, 10_000, 7_000);
    let health = chain.read(pool.health_factor(bob));
    chain.send(carol, pool.liquidate(bob, 1, 0)).reverts(Error::Healthy { account: bob.address, health });
    let healthy = Error::Healthy { account: carol.address, health: U256::MAX };
    chain.send(carol, pool.liquidate(carol, 1, 0)).reverts(healthy);
    // At 0.86 it is worth 8,600, of which four fifths do not cover 7,000: not by far, so half may be paid.
    price(chain, u256!("0.86e36"));
    let owed = chain.read(pool.debt_of(bob));
    let most = owed.mul_div(1, 2, Rounding::Ceil);
    let (paid, _) = chain.call(carol, pool.liquidate(bob, most + 1, 0)).returned();
    assert_eq!(paid, most);
    let seized = U256::from(3_500 * 105 / 86);
    let little = Error::TooLittleSeized { seized, least: seized + 1 };
    chain.send(carol, pool.liquidate(bob, 3_500, seized + 1)).reverts(little);
    let (liquidator, account) = (carol.address, bob.address);
    let event = Liquidated { liquidator, account, assets: U256::from(3_500), seized };
    chain.send(carol, pool.liquidate(bob, 3_500, seized)).emits_from(pool.address(), event);
    assert_eq!(bank.of(chain, land, carol), seized + 1_000_000);
    assert_eq!(chain.read(pool.collateral_of(bob)), U256::from(10_000) - seized);
    assert!(chain.read(pool.health_factor(bob)) > rates::WAD, "what is left is better covered");
}

/// Who liquidates oneself gets one's own collateral for one's own debt, and gains nothing.
#[esker_sdk::test]
fn liquidating_oneself_gains_nothing(chain: &mut Chain, alice: User, bob: User) {
    let bank @ Bank { gold, land, pool } = Bank::new(chain, &[alice, bob]);
    bank.lent(chain, alice, bob, 100_000, 10_000, 7_000);
    price(chain, u256!("0.86e36"));
    chain.send(bob, pool.liquidate(bob, 3_500, 0)).succeeds();
    chain.send(bob, pool.repay(bob, U256::MAX)).succeeds();
    let left = chain.read(pool.collateral_of(bob));
    chain.send(bob, pool.remove_collateral(left)).succeeds();
    assert_eq!(bank.of(chain, land, bob), 1_000_000);
    assert!(bank.of(chain, gold, bob) <= 1_000_000);
}

/// A price that falls below the debt at once: collateral does not cover it, the owner's part bears it first.
#[esker_sdk::test]
fn what_nobody_pays_is_borne_by_all_lenders_alike(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let bank @ Bank { pool, .. } = Bank::new(chain, &[alice, bob, carol]);
    bank.lent(chain, alice, bob, 50_000, 10_000, 7_500);
    chain.send(carol, pool.supply(50_000)).succeeds();
    bank.wait(chain, YEAR);
    price(chain, u256!("0.42e36"));
    let (before, owed) = (chain.read(pool.totals()), chain.read(pool.debt_of(bob)));
    assert!(before.reserves > 0);
    // 4,200 with the bonus pay for 4,000, and the rest is gone.
    let bad = owed - 4_000;
    let event = BadDebt { account: bob.address, assets: bad };
    let sent = chain.send(carol, pool.liquidate(bob, owed, 0)).emits_from(pool.address(), event);
    sent.returns((U256::from(4_000), U256::from(10_000)));
    let after = chain.read(pool.totals());
    assert_eq!((after.debt, after.reserves), (U256::ZERO, U256::ZERO));
    assert_eq!(before.assets - after.assets, bad - before.reserves);
    let each = chain.read(pool.balance_of(alice));
    assert_eq!(chain.read(pool.debt_of(bob)), 0);
    // Both have as many shares, but for rounding.
    assert!(each.abs_diff(chain.read(pool.balance_of(carol))) <= 200);
    for user in [alice, carol] {
        let shares = chain.read(pool.shares_of(user));
        chain.send(user, pool.redeem(shares)).succeeds();
    }
}

#[esker_sdk::test]
fn a_price_that_is_none_stops_borrowers_and_nobody_else(chain: &mut Chain, alice: User, bob: User) {
    let bank @ Bank { pool, .. } = Bank::new(chain, &[alice, bob]);
    bank.lent(chain, alice, bob, 100_000, 10_000, 1_000);
    for (price, age) in [(U256::ZERO, 0), (ONE, -1_000), (ONE, 3_601)] {
        let updated_at = chain.timestamp().saturating_add_signed(-age);
        chain.mock(ORACLE, move |_| Answer::value(&(price, updated_at)));
        let refused = || Error::InvalidPrice { price, updated_at };
        chain.send(bob, pool.borrow(1)).reverts(refused());
        chain.send(bob, pool.remove_collateral(1)).reverts(refused());
        chain.send(alice, pool.liquidate(bob, 1, 0)).reverts(refused());
        chain.try_read(pool.health_factor(bob)).reverts(refused());
        chain.send(bob, pool.add_collateral(1)).succeeds();
        chain.send(bob, pool.repay(bob, 1)).succeeds();
        chain.send(alice, pool.withdraw(1)).succeeds();
    }
    // Without a debt collateral comes back whatever the oracle does.
    chain.mock(ORACLE, |_| Answer::revert("out of order"));
    chain.send(bob, pool.repay(bob, U256::MAX)).succeeds();
    chain.send(bob, pool.remove_collateral(10_003)).succeeds();
}

/// Tokens that are sent to the pool are nobody's and change nothing; the first lender cannot make shares dear.
#[esker_sdk::test]
fn what_is_sent_to_the_pool_changes_nothing(chain: &mut Chain, alice: User, bob: User) {
    let bank @ Bank { gold, pool, .. } = Bank::new(chain, &[alice, bob]);
    chain.send(alice, pool.supply(1)).succeeds();
    let before = chain.read(pool.totals());
    chain.send(alice, gold.transfer(pool.address(), 500_000)).succeeds();
    assert_eq!(chain.read(pool.totals()), before);
    chain.send(bob, pool.supply(1_000)).succeeds();
    let shares = chain.read(pool.shares_of(bob));
    chain.send(bob, pool.redeem(shares)).returns(1_000);
    assert_eq!(bank.of(chain, gold, bob), 1_000_000);
}

/// After interest shares and units no longer go into each other; what is left over is the pool's.
#[esker_sdk::test]
fn shares_are_rounded_against_the_one_who_calls(chain: &mut Chain, alice: User, bob: User) {
    let bank @ Bank { pool, .. } = Bank::new(chain, &[alice, bob]);
    bank.lent(chain, alice, bob, 100_000, 100_000, 50_000);
    bank.wait(chain, YEAR);
    // What is asked is asked of the same second in which the call is made.
    let exact = |chain: &mut Chain, rounding: Rounding| {
        chain.warp(chain.timestamp());
        let (assets, shares) = (chain.read(pool.totals()).assets, chain.read(pool.total_shares()));
        U256::from(7).mul_div(shares + 1_000_000, assets + 1, rounding)
    };
    assert!(exact(chain, Rounding::Ceil) > exact(chain, Rounding::Floor));
    let fewer = exact(chain, Rounding::Floor);
    chain.send(bob, pool.supply(7)).returns(fewer);
    chain.warp(chain.timestamp());
    chain.send(bob, pool.redeem(fewer)).returns(6);
    let more = exact(chain, Rounding::Ceil);
    chain.send(alice, pool.withdraw(7)).returns(more);
}

#[esker_sdk::test]
fn only_the_owner_takes_the_owners_part(chain: &mut Chain, alice: User, bob: User) {
    let bank @ Bank { pool, .. } = Bank::new(chain, &[alice, bob]);
    bank.lent(chain, alice, bob, 100_000, 100_000, 50_000);
    chain.pass(YEAR);
    let stranger = esker_components::access::ownable::Error::OwnableUnauthorizedAccount { account: bob.address };
    chain.send(bob, pool.collect_reserves(bob, 1)).reverts(stranger);
    let has = chain.read(pool.totals()).reserves;
    chain.send(alice, pool.collect_reserves(alice, has + 10)).error::<Error>();
    let before = chain.read(pool.totals()).assets;
    chain.send(alice, pool.collect_reserves(alice, has)).succeeds();
    assert!(chain.read(pool.totals()).assets >= before, "nothing of the lenders'");
}

/// A token that calls the pool while it is moved, and says that it moved what it did not.
#[contract]
mod trickster {
    use super::*;

    #[storage]
    pub struct Trickster {
        way: Cell<u8>,
        balances: Map<Address, U256>,
    }

    impl Trickster {
        #[reentrant]
        pub fn set(&mut self, way: u8, account: Address, balance: U256) {
            self.way.set(way);
            self.balances.set(account, balance);
        }

        pub fn balance_of(&self, account: Address) -> U256 {
            self.balances.get(account)
        }

        #[reentrant]
        pub fn transfer_from(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> bool {
            let pool = LendingPoolHandle::from(cx.sender());
            match self.way.get() {
                0 => return true,
                1 => drop(pool.supply(value).call(cx)),
                2 => drop(pool.withdraw(1).call(cx)),
                3 => pool.borrow(1).call(cx),
                4 => drop(pool.repay(from, 1).call(cx)),
                5 => drop(pool.liquidate(from, 1, 0).call(cx)),
                _ => {
                    // Views tell what is written down: the tokens that are on their way are not there yet.
                    assert!(pool.totals().call(cx).cash == 0 && pool.balance_of(from).call(cx) == 0);
                }
            }
            self.balances.at_mut(from).sub(value);
            self.balances.at_mut(to).add(value);
            true
        }
    }
}
use trickster::*;

#[esker_sdk::test]
fn a_token_that_misbehaves_gains_nothing(chain: &mut Chain, alice: User, bob: User) {
    let Bank { land, .. } = Bank::new(chain, &[alice, bob]);
    let token = chain.deploy(bob, TricksterHandle::constructor());
    let pool = LendingPoolHandle::constructor(token.address(), land.address(), ORACLE, alice);
    let pool = chain.deploy(alice, pool);
    for way in 1..=5 {
        chain.send(bob, token.set(way, bob, U256::from(1_000))).succeeds();
        chain.send(bob, pool.supply(100)).reverts_as_reentrant();
    }
    chain.send(bob, token.set(0, bob, U256::from(1_000))).succeeds();
    let missing = Error::TokensMissing { amount: U256::from(100), received: U256::ZERO };
    chain.send(bob, pool.supply(100)).reverts(missing);
    chain.send(bob, token.set(6, bob, U256::from(1_000))).succeeds();
    chain.send(bob, pool.supply(100)).succeeds();
}

fn amount(draw: &mut Draw) -> U256 {
    match draw.number(0..=9) {
        0 => U256::ONE,
        1 => U256::from(draw.number(0..=10)),
        _ => U256::from(draw.number(1..=200_000)),
    }
}

/// Random loans, prices and years: no token is made or lost, what lenders have never falls but by a bad debt, whoever could
/// borrow or take collateral is covered afterwards, and everybody can leave when the debts are paid.
#[esker_sdk::test]
fn the_books_balance(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let users = [alice, bob, carol];
    let bank @ Bank { gold, land, pool } = Bank::new(chain, &users);
    let covered = move |chain: &mut Chain, user: User| {
        // At once: a block later there may be a unit of interest more.
        chain.warp(chain.timestamp());
        assert!(chain.read(pool.health_factor(user)) >= rates::WAD, "covered");
    };
    Invariant::new()
        .action("supply", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), pool.supply(amount(draw)));
        })
        .action("withdraw", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), pool.withdraw(amount(draw)));
        })
        .action("redeem", move |chain, draw| {
            let user = draw.pick(&users);
            let shares = chain.read(pool.shares_of(user)).min(amount(draw) * 1_000_000);
            let _ = chain.send(user, pool.redeem(shares));
        })
        .action("bring", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), pool.add_collateral(amount(draw)));
        })
        .action("take back", move |chain, draw| {
            let user = draw.pick(&users);
            if chain.send(user, pool.remove_collateral(amount(draw))).end() == End::Success {
                covered(chain, user);
            }
        })
        .action("borrow", move |chain, draw| {
            let user = draw.pick(&users);
            if chain.send(user, pool.borrow(amount(draw))).end() == End::Success {
                covered(chain, user);
            }
        })
        .action("repay", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), pool.repay(draw.pick(&users), amount(draw)));
        })
        .action("liquidate", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), pool.liquidate(draw.pick(&users), amount(draw), 0));
        })
        .action("the price moves", move |chain, draw| {
            price(chain, ONE * u128::from(draw.number(20..=200)) / 100);
        })
        .action("time passes", move |chain, draw| {
            bank.wait(chain, draw.number(0..=YEAR));
            price(chain, ONE);
        })
        .check("no token is made or lost", move |chain| {
            let totals = chain.read(pool.totals());
            assert_eq!(chain.read(gold.balance_of(pool.address())), totals.cash);
            let brought: U256 = users.iter().map(|user| chain.read(pool.collateral_of(*user))).sum();
            assert_eq!(chain.read(land.balance_of(pool.address())), brought);
            assert_eq!(totals.assets, (totals.cash + totals.debt).saturating_sub(totals.reserves));
        })
        .check("parts are no more than the whole", move |chain| {
            let totals = chain.read(pool.totals());
            let lent: U256 = users.iter().map(|user| chain.read(pool.balance_of(*user))).sum();
            assert!(lent <= totals.assets, "{lent} of {}", totals.assets);
            // Debts are rounded up, one by one.
            let owed: U256 = users.iter().map(|user| chain.read(pool.debt_of(*user))).sum();
            assert!(owed <= totals.debt + 3, "{owed} of {}", totals.debt);
            let shares: U256 = users.iter().map(|user| chain.read(pool.shares_of(*user))).sum();
            assert_eq!(shares, chain.read(pool.total_shares()));
        })
        .check("everybody can leave", move |chain| {
            let before = chain.snapshot();
            for user in users {
                let _ = chain.send(alice, pool.repay(user, U256::MAX));
                assert_eq!(chain.read(pool.debt_of(user)), 0);
                let brought = chain.read(pool.collateral_of(user));
                if brought > 0 {
                    chain.send(user, pool.remove_collateral(brought)).succeeds();
                }
            }
            for user in users {
                let shares = chain.read(pool.shares_of(user));
                if chain.read(pool.balance_of(user)) > 0 {
                    chain.send(user, pool.redeem(shares)).succeeds();
                }
            }
            chain.restore(&before);
        })
        .run(chain);
}
