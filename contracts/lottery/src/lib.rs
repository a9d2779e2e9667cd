//! A lottery by commit and reveal: players buy tickets with the hash of a secret, then tell the secrets, and these decide who
//! wins. There is no single model.
//!
//! # Why it is fair
//!
//! What is drawn comes from all secrets that were revealed, each of which was fixed before any was known: nobody chooses it as
//! long as one of them is random. Tickets are numbered as they were bought, and secrets are mixed so that their order counts
//! for nothing; so neither who reveals when nor who orders the transactions of a block decides anything. For the same reason
//! tickets without a secret keep their numbers: if one of them is drawn nobody wins, and the pot goes over to the next round.
//! So does everything if nobody reveals; nothing is lost by it, and who keeps a secret back wins nothing with that ticket.
//!
//! # What the last one to reveal can do
//!
//! It knows what will be drawn with its secret, and what without, and it chooses: to reveal, or to lose its deposit. That
//! helps only who has several tickets, since a ticket does not win without its secret; but accounts are free. Who has `k` of
//! `n` tickets and may keep one of their secrets back has up to `k` more draws, and wins with a chance of up to `k² / n`
//! instead of `k / n`; it may keep more back, for a deposit each. A deposit goes into the *next* round's pot, not into the one
//! that is won by it. So it does not pay where the deposit is no smaller than the pot: **choose the deposit as large as the
//! largest pot that you expect**, the price times the players and what went over. With a smaller one the odds are fair only
//! among players of whom nobody has many tickets.
//!
//! Who makes blocks can keep others' secrets out of them for a while: the time to reveal must be far longer than that.
#![no_std]
use esker_sdk::{abi::encode_params, prelude::*};

/// Rounds that follow each other. Amounts are in wei, times in seconds.
#[contract]
pub mod lottery {
    use super::*;

    /// Where a round stands.
    #[derive(Abi, Clone, Copy, PartialEq, Eq, Debug)]
    pub enum Phase {
        /// Tickets are sold. It lasts from the first of them on; without one the round waits.
        Entering,
        /// Who has a ticket tells its secret.
        Revealing,
        /// Anybody may draw, and begin the next round with that.
        Drawing,
    }

    /// The rounds, and what everybody may withdraw.
    #[storage]
    pub struct Lottery {
        price: Cell<U256>,
        deposit: Cell<U256>,
        enter_for: Cell<u64>,
        reveal_for: Cell<u64>,
        round: Cell<u64>,
        carried: Cell<U256>,
        rounds: Map<u64, Round>,
        credits: Map<Address, U256>,
    }

    /// A round.
    #[storage(nested)]
    pub struct Round {
        enter_until: Cell<u64>,
        reveal_until: Cell<u64>,
        revealed: Cell<u64>,
        winner: Cell<Address>,
        /// All secrets that were revealed, combined by XOR: in whatever order.
        mix: Cell<U256>,
        players: List<Address>,
        /// Those of secrets that were not revealed.
        commitments: Map<Address, B256>,
    }

    /// `player` has the ticket with this number, counted from zero.
    #[event]
    #[rustfmt::skip]
    pub struct Entered { #[indexed] pub round: u64, #[indexed] pub player: Address, pub ticket: u64, pub commitment: B256 }

    /// `player` told its secret, and has its deposit back.
    #[event]
    #[rustfmt::skip]
    pub struct Revealed { #[indexed] pub round: u64, #[indexed] pub player: Address, pub secret: B256 }

    /// `winner` has the pot.
    #[event]
    #[rustfmt::skip]
    pub struct Drawn { #[indexed] pub round: u64, #[indexed] pub winner: Address, pub pot: U256 }

    /// The ticket that was drawn has no secret: the pot goes over to the next round.
    #[event]
    #[rustfmt::skip]
    pub struct RolledOver { #[indexed] pub round: u64, pub pot: U256 }

    /// `account` withdrew what was its.
    #[event]
    #[rustfmt::skip]
    pub struct Withdrawn { #[indexed] pub account: Address, pub amount: U256 }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// Nothing of it may be zero.
        InvalidTerms { price: U256, deposit: U256, enter_for: u64, reveal_for: u64 },
        /// It is not the time for that.
        WrongPhase { phase: Phase },
        /// A ticket costs exactly that, price and deposit.
        WrongValue { value: U256, due: U256 },
        /// Zero is no commitment.
        NoCommitment,
        /// An account has one ticket a round.
        AlreadyEntered { player: Address },
        /// The account has no ticket in this round, or has told its secret.
        NothingToReveal { player: Address },
        /// It is not this player's secret in this round.
        WrongSecret { commitment: B256 },
        /// Nothing is owed to the account.
        NothingOwed { account: Address },
        /// The receiver did not take the coins.
        NotTaken { receiver: Address },
    }
    use Error::*;
    type Result<T> = core::result::Result<T, Error>;

    /// What anybody may ask. Where no round is named, it is the one that runs.
    #[rustfmt::skip]
    impl Lottery {
        /// What a ticket costs.
        pub fn price(&self) -> U256 { self.price.get() }
        /// What is paid with it, and given back for the secret.
        pub fn deposit(&self) -> U256 { self.deposit.get() }
        /// How long tickets are sold.
        pub fn enter_for(&self) -> u64 { self.enter_for.get() }
        /// How long secrets are told.
        pub fn reveal_for(&self) -> u64 { self.reveal_for.get() }
        /// Which round it is, counted from zero.
        pub fn round(&self) -> u64 { self.round.get() }
        /// Until when tickets are sold; zero before the first.
        pub fn enter_until(&self) -> u64 { self.rounds.at(self.round()).enter_until.get() }
        /// Until when secrets are told; zero before the first ticket.
        pub fn reveal_until(&self) -> u64 { self.rounds.at(self.round()).reveal_until.get() }
        /// Who has tickets, in the order of their numbers: for those outside, since the list may be long.
        pub fn players(&self) -> Vec<Address> { self.rounds.at(self.round()).players.to_vec() }
        /// How many tickets there are.
        pub fn player_count(&self) -> u64 { self.rounds.at(self.round()).players.len() }
        /// Who has the ticket with this number.
        pub fn player(&self, ticket: u64) -> Address { self.rounds.at(self.round()).players.get(ticket) }
        /// How many told their secrets.
        pub fn revealed(&self) -> u64 { self.rounds.at(self.round()).revealed.get() }
        /// Whether an account has a ticket of which the secret is not told.
        pub fn owes_secret(&self, player: Address) -> bool { !self.commitment(player).is_zero() }
        /// What the winner gets: what all tickets cost, and what went over from the rounds before.
        pub fn pot(&self) -> U256 { self.carried.get() + self.price() * u128::from(self.player_count()) }
        /// The deposits for secrets that are not told.
        pub fn deposits(&self) -> U256 { self.deposit() * u128::from(self.player_count() - self.revealed()) }
        /// Who won a round; zero if nobody did, or not yet.
        pub fn winner(&self, round: u64) -> Address { self.rounds.at(round).winner.get() }
        /// What somebody may withdraw.
        pub fn owed(&self, account: Address) -> U256 { self.credits.get(account) }
    }

    impl Lottery {
        /// A lottery with these terms for all rounds. How large a deposit should be is told above.
        #[constructor]
        pub fn new(&mut self, price: U256, deposit: U256, enter_for: u64, reveal_for: u64) -> Result<()> {
            let are_some = price > 0 && deposit > 0 && enter_for > 0 && reveal_for > 0;
            ensure!(are_some, InvalidTerms { price, deposit, enter_for, reveal_for });
            self.price.set(price);
            self.deposit.set(deposit);
            self.enter_for.set(enter_for);
            self.reveal_for.set(reveal_for);
            Ok(())
        }

        /// Where the round stands.
        pub fn phase(&self, cx: &Context) -> Phase {
            let (now, enter_until) = (cx.timestamp(), self.enter_until());
            if enter_until == 0 || now < enter_until {
                Phase::Entering
            } else if now < self.reveal_until() {
                Phase::Revealing
            } else {
                Phase::Drawing
            }
        }

        /// What `player` commits to `secret` with, in the round for which tickets are sold now or next: the hash of contract,
        /// round, player and secret, so that it is worth nothing to others and at other times.
        ///
        /// A secret is 32 random bytes, new in each round. Whoever is asked this learns it: compute it yourself, or ask a node
        /// of your own.
        pub fn commitment_of(&self, cx: &Context, player: Address, secret: B256) -> B256 {
            let round = self.round();
            hash(cx, if self.phase(cx) == Phase::Entering { round } else { round + 1 }, player, secret)
        }

        /// Buys a ticket for price and deposit.
        #[payable]
        pub fn enter(&mut self, cx: &mut Context, commitment: B256) -> Result<()> {
            self.check_phase(cx, Phase::Entering)?;
            let (player, value, due) = (cx.sender(), cx.value(), self.price() + self.deposit());
            ensure!(value == due, WrongValue { value, due });
            ensure!(!commitment.is_zero(), NoCommitment);
            ensure!(!self.owes_secret(player), AlreadyEntered { player });
            let (id, ticket) = (self.round(), self.player_count());
            let enter_until = cx.timestamp() + self.enter_for();
            let reveal_until = enter_until + self.reveal_for();
            let mut round = self.rounds.at_mut(id);
            if ticket == 0 {
                round.enter_until.set(enter_until);
                round.reveal_until.set(reveal_until);
            }
            round.players.push(player);
            round.commitments.set(player, commitment);
            cx.emit(Entered { round: id, player, ticket, commitment });
            Ok(())
        }

        /// Tells the caller's secret for its deposit, which it may withdraw.
        pub fn reveal(&mut self, cx: &mut Context, secret: B256) -> Result<()> {
            self.check_phase(cx, Phase::Revealing)?;
            let (id, player, deposit) = (self.round(), cx.sender(), self.deposit());
            let commitment = self.commitment(player);
            ensure!(!commitment.is_zero(), NothingToReveal { player });
            ensure!(hash(cx, id, player, secret) == commitment, WrongSecret { commitment });
            let mut round = self.rounds.at_mut(id);
            round.commitments.set(player, B256::ZERO);
            round.revealed.add(1);
            round.mix.update(|mix| mix ^ U256::from_be_bytes(secret.0));
            self.credits.at_mut(player).add(deposit);
            cx.emit(Revealed { round: id, player, secret });
            Ok(())
        }

        /// Draws a ticket, gives its player the pot, which it may withdraw, and begins the next round; for anybody. Gives the
        /// winner, or zero if the pot goes over since the ticket has no secret.
        #[returns(winner)]
        pub fn draw(&mut self, cx: &mut Context) -> Result<Address> {
            self.check_phase(cx, Phase::Drawing)?;
            let (id, pot, forfeited) = (self.round(), self.pot(), self.deposits());
            let drawn = crypto::keccak256(&self.rounds.at(id).mix.get().to_be_bytes());
            let [ticket, ..] = (U256::from_be_bytes(drawn.0) % u128::from(self.player_count())).limbs();
            let player = self.player(ticket);
            let has_won = !self.owes_secret(player);
            self.round.set(id + 1);
            if has_won {
                self.rounds.at_mut(id).winner.set(player);
                self.credits.at_mut(player).add(pot);
                self.carried.set(forfeited);
                cx.emit(Drawn { round: id, winner: player, pot });
                Ok(player)
            } else {
                self.carried.set(pot + forfeited);
                cx.emit(RolledOver { round: id, pot });
                Ok(Address::ZERO)
            }
        }

        /// Pays what is owed to the caller.
        #[returns(amount)]
        pub fn withdraw(&mut self, cx: &mut Context) -> Result<U256> {
            let account = cx.sender();
            let amount = self.credits.at_mut(account).replace(0);
            ensure!(amount > 0, NothingOwed { account });
            cx.emit(Withdrawn { account, amount });
            cx.send(account, amount).map_err(|_| NotTaken { receiver: account })?;
            Ok(amount)
        }

        fn commitment(&self, player: Address) -> B256 {
            self.rounds.at(self.round()).commitments.get(player)
        }

        fn check_phase(&self, cx: &Context, wanted: Phase) -> Result<()> {
            let phase = self.phase(cx);
            ensure!(phase == wanted, WrongPhase { phase });
            Ok(())
        }
    }

    fn hash(cx: &Context, round: u64, player: Address, secret: B256) -> B256 {
        crypto::keccak256(&encode_params(&(cx.address(), round, player, secret)))
    }
}
pub use lottery::*;
