//! The vault under attack: by whoever comes first, by donations, and by assets that take fees, lie or call back.

#![allow(missing_docs, reason = "contracts of the tests alone")]

use esker_sdk::{SafeERC20FailedOperation, prelude::*};
use esker_sdk_test::{Chain, User};
use esker_vault::{Error, VaultHandle};

/// Calls whoever asked to hear of transfers.
#[interface]
pub trait IListener {
    /// Tokens move, or have moved.
    fn heard(&mut self, from: Address, to: Address);
}

/// An asset that anybody makes, and that behaves as it was told.
#[contract]
pub mod odd {
    use super::*;
    use esker_components::tokens::erc20::{Erc20, Error};

    #[storage]
    pub struct Odd {
        #[flatten]
        #[expose]
        token: Erc20,
        /// Parts of a hundred that it keeps of each transfer.
        fee: Cell<U256>,
        /// Whether it only says that it moved tokens.
        lies: Cell<bool>,
        answers: Cell<bool>,
        /// Who is called when tokens move, and whether before it.
        listener: Cell<Address>,
        before: Cell<bool>,
    }

    impl Odd {
        #[constructor]
        pub fn new(&mut self) {
            self.answers.set(true);
        }

        pub fn mint(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<(), Error> {
            self.token.mint(cx, to, value)
        }

        pub fn behave(&mut self, fee: U256, lies: bool, answers: bool) {
            self.fee.set(fee);
            self.lies.set(lies);
            self.answers.set(answers);
        }

        pub fn listen(&mut self, listener: Address, before: bool) {
            self.listener.set(listener);
            self.before.set(before);
        }

        #[overrides]
        pub fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<bool, Error> {
            self.pass(cx, cx.sender(), to, value)
        }

        #[overrides]
        pub fn transfer_from(
            &mut self,
            cx: &mut Context,
            from: Address,
            to: Address,
            value: U256,
        ) -> Result<bool, Error> {
            self.pass(cx, from, to, value)
        }

        fn pass(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> Result<bool, Error> {
            if !self.lies.get() {
                let fee = value * self.fee.get() / 100;
                self.token.burn(cx, from, fee)?;
                self.token.move_tokens(cx, from, to, value - fee)?;
            }
            Ok(self.answers.get())
        }

        fn tell(&self, cx: &mut Context, from: Address, to: Address, before: bool) {
            if self.before.get() == before && !self.listener.get().is_zero() && !from.is_zero() && !to.is_zero() {
                IListenerHandle::at(self.listener.get()).heard(from, to).call(cx);
            }
        }

        #[hook(token.before_update)]
        fn before_moving(&mut self, cx: &mut Context, from: Address, to: Address, _: U256) {
            self.tell(cx, from, to, true);
        }

        #[hook(token.after_update)]
        fn after_moving(&mut self, cx: &mut Context, from: Address, to: Address, _: U256) {
            self.tell(cx, from, to, false);
        }
    }
}
use odd::OddHandle;

/// Comes back while the vault waits for the asset.
#[contract]
pub mod thief {
    use super::*;

    #[storage]
    pub struct Thief {
        vault: Cell<Address>,
        way: Cell<u8>,
        seen: Cell<U256>,
    }

    impl Thief {
        #[constructor]
        pub fn new(&mut self, vault: Address) {
            self.vault.set(vault);
        }

        pub fn prepare(&mut self, way: u8) {
            self.way.set(way);
        }

        pub fn seen(&self) -> U256 {
            self.seen.get()
        }

        #[reentrant]
        pub fn heard(&mut self, cx: &mut Context, _from: Address, _to: Address) {
            let (vault, me) = (VaultHandle::at(self.vault.get()), cx.address());
            match self.way.get() {
                1 => drop(vault.deposit(1, me).call(cx)),
                2 => drop(vault.mint(1, me).call(cx)),
                3 => drop(vault.withdraw(0, me, me).call(cx)),
                4 => drop(vault.redeem(0, me, me).call(cx)),
                5 => drop(vault.transfer(me, 0).call(cx)),
                _ => self.seen.set(vault.convert_to_assets(1_000_000).call(cx)),
            }
        }
    }
}
use thief::ThiefHandle;

/// An asset of which each user has a million, and a vault for it.
fn vault<const N: usize>(chain: &mut Chain, users: [User; N]) -> (OddHandle, VaultHandle) {
    let asset = chain.deploy(users[0], OddHandle::constructor());
    let vault = chain.deploy(users[0], VaultHandle::constructor(asset.address(), "Odd in a vault", "vODD"));
    for user in users {
        chain.send(user, asset.mint(user, 1_000_000)).succeeds();
    }
    (asset, vault)
}

/// Gives all of somebody's shares back, and tells what of the million it has then.
fn cash(chain: &mut Chain, asset: OddHandle, vault: VaultHandle, by: User) -> U256 {
    let shares = chain.read(vault.balance_of(by));
    chain.send(by, vault.redeem(shares, by, by)).succeeds();
    chain.read(asset.balance_of(by))
}

/// The first to deposit makes each share worth a fortune, so that the next one's rounds down. The virtual shares make
/// that cost some thousand times what the other loses, who loses a part of a thousand at most.
#[esker_sdk::test]
fn inflating_the_first_share_costs_a_thousand_times_its_damage(chain: &mut Chain, alice: User, bob: User) {
    let (asset, vault) = vault(chain, [alice, bob]);
    let start = chain.snapshot();
    for (first, donated, paid) in
        [(1, 10_000, 10_000), (1, 999_000, 999_000), (1, 999_999, 1_000), (100, 900_000, 9_000)]
    {
        chain.restore(&start);
        chain.send(alice, vault.deposit(first, alice)).succeeds();
        chain.send(alice, asset.transfer(vault.address(), donated)).succeeds();
        chain.send(bob, vault.deposit(paid, bob)).succeeds();
        let lost_by_bob = U256::from(1_000_000) - cash(chain, asset, vault, bob);
        let lost_by_alice = U256::from(1_000_000) - cash(chain, asset, vault, alice);
        // A share's worth, and another unit by rounding when it is paid out.
        let share = (first + donated) / (1_000 * (first + 1)) + 2;
        assert!(lost_by_bob <= share, "bob lost {lost_by_bob}, and a share was {share}");
        assert!(lost_by_alice + 2_000 >= lost_by_bob * 500, "bob lost {lost_by_bob} by {lost_by_alice}");
    }
}

/// Without a share in it, all that is donated is the virtual shares', and the first to deposit loses a thousandth of it
/// at most.
#[esker_sdk::test]
fn donating_to_an_empty_vault_is_giving_it_away(chain: &mut Chain, alice: User, bob: User) {
    let (asset, vault) = vault(chain, [alice, bob]);
    chain.send(alice, asset.transfer(vault.address(), 1_000_000)).succeeds();
    chain.send(bob, vault.deposit(1_000_000, bob)).returns(999);
    let back = cash(chain, asset, vault, bob);
    assert!(back >= 999_000, "{back}");
    assert!(back <= 1_000_000, "{back}");
    assert_eq!(cash(chain, asset, vault, alice), 0);
}

#[esker_sdk::test]
fn a_donation_is_everybody_s(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (asset, vault) = vault(chain, [alice, bob, carol]);
    chain.send(alice, vault.deposit(30_000, alice)).succeeds();
    chain.send(bob, vault.deposit(10_000, bob)).succeeds();
    chain.send(carol, asset.transfer(vault.address(), 4_000)).succeeds();
    // Who comes later has no part of it.
    chain.send(carol, vault.deposit(50_000, carol)).succeeds();
    for (user, has) in [(carol, 996_000), (alice, 1_003_000), (bob, 1_001_000)] {
        let rounded = U256::from(has) - cash(chain, asset, vault, user);
        assert!(rounded <= 1, "{rounded}");
    }
}

/// Who makes a deposit wait and withdraws around it takes nothing out of it.
#[esker_sdk::test]
fn a_deposit_between_two_of_another_s_loses_nothing(chain: &mut Chain, alice: User, bob: User) {
    let (asset, vault) = vault(chain, [alice, bob]);
    chain.send(alice, vault.deposit(500_000, alice)).succeeds();
    chain.send(bob, vault.deposit(1_000, bob)).succeeds();
    assert!(cash(chain, asset, vault, alice) <= 1_000_000);
    assert!(cash(chain, asset, vault, bob) >= 999_999);
}

/// Shares of what did not come would be taken out of everybody else's.
#[esker_sdk::test]
fn an_asset_that_moves_less_than_it_says_is_refused(chain: &mut Chain, alice: User, bob: User) {
    let (asset, vault) = vault(chain, [alice, bob]);
    chain.send(alice, vault.deposit(1_000, alice)).succeeds();
    let missing = |received: u128| Error::AssetsMissing { assets: U256::from(100), received: U256::from(received) };
    chain.send(bob, asset.behave(10, false, true)).succeeds();
    chain.send(bob, vault.deposit(100, bob)).reverts(missing(90));
    chain.send(bob, vault.mint(100_000, bob)).reverts(missing(90));
    chain.send(bob, asset.behave(0, true, true)).succeeds();
    chain.send(bob, vault.deposit(100, bob)).reverts(missing(0));
    chain.send(bob, asset.behave(0, false, false)).succeeds();
    let failed = || SafeERC20FailedOperation { token: asset.address() };
    chain.send(bob, vault.deposit(100, bob)).reverts(failed());
    chain.send(alice, vault.redeem(1_000, alice, alice)).reverts(failed());
    // A fee on the way out is the receiver's: the vault pays what shares are worth, and no more.
    chain.send(bob, asset.behave(10, false, true)).succeeds();
    chain.send(alice, vault.withdraw(100, bob, alice)).returns(100_000);
    assert_eq!((chain.read(asset.balance_of(bob)), chain.read(vault.total_assets())), (1_000_090.into(), 900.into()));
}

/// An asset that lost what the vault had: shares are worth nothing, and are given back for it.
#[esker_sdk::test]
fn a_vault_that_lost_everything_still_takes_shares_back(chain: &mut Chain, alice: User, bob: User) {
    let (asset, vault) = vault(chain, [alice, bob]);
    chain.send(alice, vault.deposit(1_000, alice)).succeeds();
    chain.send(vault.address(), asset.transfer(bob, 1_000)).succeeds();
    assert_eq!(chain.read(vault.max_withdraw(alice)), 0);
    chain.send(alice, vault.redeem(500_000, alice, alice)).returns(0);
    // Who comes then is not diluted by the shares of before: theirs are worth almost nothing.
    chain.send(bob, vault.deposit(100_000, bob)).succeeds();
    assert!(chain.read(vault.max_withdraw(bob)) >= 99_998);
    assert!(chain.read(vault.max_withdraw(alice)) <= 1);
}

#[esker_sdk::test]
fn whoever_the_asset_calls_cannot_enter_again(chain: &mut Chain, alice: User, bob: User) {
    let (asset, vault) = vault(chain, [alice, bob]);
    chain.send(alice, vault.deposit(10_000, alice)).succeeds();
    let thief = chain.deploy(bob, ThiefHandle::constructor(vault.address()));
    for before in [true, false] {
        chain.send(bob, asset.listen(thief.address(), before)).succeeds();
        for way in 1..=5 {
            chain.send(bob, thief.prepare(way)).succeeds();
            chain.send(alice, vault.deposit(1_000, alice)).reverts_as_reentrant();
            chain.send(alice, vault.redeem(1_000, alice, alice)).reverts_as_reentrant();
        }
    }
}

/// What a share seems to be worth while the vault waits for its asset: what it is worth before and after, if the asset
/// calls as ERC-777 does, senders before it moves and receivers after. Otherwise views show assets whose shares are
/// gone already or not there yet, as they do of OpenZeppelin's vault: whoever lends on shares must not take a price in
/// the middle of a call.
#[esker_sdk::test]
fn what_views_say_meanwhile(chain: &mut Chain, alice: User, bob: User) {
    let (asset, vault) = vault(chain, [alice, bob]);
    chain.send(alice, vault.deposit(10_000, alice)).succeeds();
    let thief = chain.deploy(bob, ThiefHandle::constructor(vault.address()));
    let half = U256::from(5_000_000);
    for (before, paying_in, paying_out) in [(true, 1_000, 1_999), (false, 1_999, 1_000)] {
        chain.send(bob, asset.listen(thief.address(), before)).succeeds();
        chain.send(alice, vault.redeem(half, alice, alice)).succeeds();
        assert_eq!(chain.read(thief.seen()), paying_out, "before it moves: {before}");
        chain.send(alice, vault.deposit(5_000, alice)).succeeds();
        assert_eq!(chain.read(thief.seen()), paying_in, "before it moves: {before}");
        assert_eq!(chain.read(vault.convert_to_assets(1_000_000)), 1_000);
    }
}
