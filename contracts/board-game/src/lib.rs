//! Four in a row, for two players and a stake: who first has four discs in a line, or whose opponent gives up or does not
//! move in time, has both stakes.
//!
//! A game costs a fixed number of slots, and a move changes one of them. Coins are fetched by whom they belong to, so nobody
//! can hold a game up by refusing them.
#![no_std]
use esker_sdk::prelude::*;

pub mod bitboard;

/// Most seconds that there may be for a move: 30 days.
pub const MOST_SECONDS: u64 = 30 * 24 * 60 * 60;

/// Games, each with an id of its own.
#[contract]
pub mod connect_four {
    use super::{
        bitboard::{COLUMNS, ROWS, cell, has_line, is_full, landing},
        *,
    };

    /// Where a game stands.
    #[derive(Abi, Clone, Copy, Debug, PartialEq, Eq)]
    pub enum GameState {
        /// It waits for an opponent.
        Open,
        /// It is played.
        Running,
        /// Who opened it has won.
        FirstWon,
        /// Who joined has won.
        SecondWon,
        /// The board is full.
        Drawn,
        /// It was taken back before anybody joined.
        Cancelled,
    }

    /// A game. Discs are bits, as [`super::bitboard`] says.
    #[derive(Abi, Stored, Clone, Debug, PartialEq, Eq)]
    pub struct Game {
        /// Who opened it, and moves first.
        pub first: Address,
        /// Where it stands.
        pub state: GameState,
        /// Who joined; before that who may, and zero if anybody.
        pub second: Address,
        /// What each of the two has paid, in wei.
        pub stake: U256,
        /// The discs of who opened it.
        pub first_discs: u64,
        /// The discs of who joined.
        pub second_discs: u64,
        /// How many seconds there are for a move.
        pub seconds_per_move: u64,
        /// From then on it is too late for the next move, in seconds.
        pub deadline: u64,
    }

    /// All games, and what everybody may withdraw.
    #[storage]
    pub struct ConnectFour {
        count: Cell<U256>,
        games: Map<U256, Game>,
        credits: Map<Address, U256>,
    }

    /// There is a new game, for `opponent`, or for anybody if that is zero.
    #[event]
    pub struct Opened {
        #[indexed]
        pub id: U256,
        #[indexed]
        pub first: Address,
        #[indexed]
        pub opponent: Address,
        pub stake: U256,
        pub seconds_per_move: u64,
    }

    /// It begins, with a move of who opened it.
    #[event]
    #[rustfmt::skip]
    pub struct Joined { #[indexed] pub id: U256, #[indexed] pub second: Address }

    /// A disc was dropped.
    #[event]
    #[rustfmt::skip]
    pub struct Played { #[indexed] pub id: U256, #[indexed] pub player: Address, pub column: u8 }

    /// A player gave up.
    #[event]
    #[rustfmt::skip]
    pub struct Resigned { #[indexed] pub id: U256, #[indexed] pub player: Address }

    /// A player did not move in time.
    #[event]
    #[rustfmt::skip]
    pub struct TimedOut { #[indexed] pub id: U256, #[indexed] pub player: Address }

    /// Both stakes, `prize` wei, are the winner's.
    #[event]
    #[rustfmt::skip]
    pub struct Won { #[indexed] pub id: U256, #[indexed] pub winner: Address, pub prize: U256 }

    /// The board is full, and both have their stakes again.
    #[event]
    #[rustfmt::skip]
    pub struct Drawn { #[indexed] pub id: U256 }

    /// It was taken back.
    #[event]
    #[rustfmt::skip]
    pub struct Cancelled { #[indexed] pub id: U256 }

    /// `account` was paid `amount` wei.
    #[event]
    #[rustfmt::skip]
    pub struct Withdrawn { #[indexed] pub account: Address, pub amount: U256 }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// There is no such game.
        NoGame { id: U256 },
        /// It takes two to play.
        InvalidOpponent { opponent: Address },
        /// There is a second for a move, and at most [`MOST_SECONDS`].
        InvalidTime { seconds_per_move: u64 },
        /// Nobody joins it, or takes it back, any more.
        NotOpen { id: U256, state: GameState },
        /// It is not being played.
        NotRunning { id: U256, state: GameState },
        /// It is for somebody else.
        NotInvited { id: U256, caller: Address },
        /// Both pay the same.
        WrongStake { stake: U256, value: U256 },
        /// The caller plays in other games, if at all.
        NotPlayer { id: U256, caller: Address },
        /// It is the other's turn.
        NotYourTurn { id: U256, caller: Address },
        /// There are seven columns, from 0 on.
        NoColumn { column: u8 },
        /// It has no room for another disc.
        ColumnFull { column: u8 },
        /// The time for the move is over.
        TooLate { deadline: u64 },
        /// The time for the move is not over.
        NotTooLate { deadline: u64 },
        /// Nothing is due to the caller.
        NothingDue { account: Address },
        /// The receiver did not take the coins.
        NotTaken { receiver: Address },
    }
    use Error::*;

    /// Before and after a game.
    impl ConnectFour {
        /// Opens a game with what is sent along as the stake, for `opponent`, or for anybody if that is zero. Gives its id.
        #[payable]
        #[returns(id)]
        pub fn open(&mut self, cx: &mut Context, opponent: Address, seconds_per_move: u64) -> Result<U256, Error> {
            let (first, stake) = (cx.sender(), cx.value());
            ensure!(opponent != first, InvalidOpponent { opponent });
            ensure!((1..=MOST_SECONDS).contains(&seconds_per_move), InvalidTime { seconds_per_move });
            let id = self.count.add(1);
            let state = GameState::Open;
            let (second, first_discs, second_discs, deadline) = (opponent, 0, 0, 0);
            let game = Game { first, state, second, stake, first_discs, second_discs, seconds_per_move, deadline };
            self.games.set(id, game);
            cx.emit(Opened { id, first, opponent, stake, seconds_per_move });
            Ok(id)
        }

        /// Joins a game, for just its stake. Who opened it moves first, and the clock runs.
        #[payable]
        pub fn join(&mut self, cx: &mut Context, id: U256) -> Result<(), Error> {
            let (game, second, value) = (self.open_game(id)?, cx.sender(), cx.value());
            ensure!(second != game.first, InvalidOpponent { opponent: second });
            ensure!(game.second.is_zero() || game.second == second, NotInvited { id, caller: second });
            ensure!(value == game.stake, WrongStake { stake: game.stake, value });
            let mut place = self.games.at_mut(id);
            place.second.set(second);
            place.state.set(GameState::Running);
            place.deadline.set(cx.timestamp() + game.seconds_per_move);
            cx.emit(Joined { id, second });
            Ok(())
        }

        /// Takes a game of the caller's back that nobody has joined.
        pub fn cancel(&mut self, cx: &mut Context, id: U256) -> Result<(), Error> {
            let (game, caller) = (self.open_game(id)?, cx.sender());
            ensure!(caller == game.first, NotPlayer { id, caller });
            self.games.at_mut(id).state.set(GameState::Cancelled);
            self.credits.at_mut(caller).add(game.stake);
            cx.emit(Cancelled { id });
            Ok(())
        }

        /// Pays the caller all that is theirs. Gives how much that is, in wei.
        #[returns(amount)]
        pub fn withdraw(&mut self, cx: &mut Context) -> Result<U256, Error> {
            let account = cx.sender();
            let amount = self.credits.at_mut(account).replace(U256::ZERO);
            ensure!(amount > 0, NothingDue { account });
            cx.emit(Withdrawn { account, amount });
            cx.send(account, amount).map_err(|_| NotTaken { receiver: account })?;
            Ok(amount)
        }
    }

    /// The game.
    impl ConnectFour {
        /// Drops a disc into a column, from 0 at the left to 6.
        pub fn play(&mut self, cx: &mut Context, id: U256, column: u8) -> Result<(), Error> {
            let (game, player) = (self.played_game(cx, id)?, cx.sender());
            ensure!(player == game.mover(), NotYourTurn { id, caller: player });
            ensure!(cx.timestamp() < game.deadline, TooLate { deadline: game.deadline });
            ensure!(column < COLUMNS, NoColumn { column });
            let (mine, all) = (game.discs_of(player), game.discs());
            let disc = landing(all, column).ok_or(ColumnFull { column })?;
            let mut place = self.games.at_mut(id);
            if player == game.first {
                place.first_discs.set(mine | disc);
            } else {
                place.second_discs.set(mine | disc);
            }
            place.deadline.set(cx.timestamp() + game.seconds_per_move);
            cx.emit(Played { id, player, column });
            if has_line(mine | disc) {
                self.win(cx, id, &game, player);
            } else if is_full(all | disc) {
                self.draw(cx, id, &game);
            }
            Ok(())
        }

        /// Gives up, at any time of the game.
        pub fn resign(&mut self, cx: &mut Context, id: U256) -> Result<(), Error> {
            let (game, player) = (self.played_game(cx, id)?, cx.sender());
            cx.emit(Resigned { id, player });
            self.win(cx, id, &game, game.other(player));
            Ok(())
        }

        /// Ends a game whose next move is too late; who waited for it has won.
        pub fn claim_timeout(&mut self, cx: &mut Context, id: U256) -> Result<(), Error> {
            let (game, caller) = (self.played_game(cx, id)?, cx.sender());
            let player = game.mover();
            ensure!(caller != player, NotYourTurn { id, caller });
            ensure!(cx.timestamp() >= game.deadline, NotTooLate { deadline: game.deadline });
            cx.emit(TimedOut { id, player });
            self.win(cx, id, &game, caller);
            Ok(())
        }
    }

    /// What anybody may ask.
    #[rustfmt::skip]
    impl ConnectFour {
        /// How many games there are; their ids begin with 1.
        pub fn count(&self) -> U256 { self.count.get() }
        /// A game as it stands.
        pub fn game(&self, id: U256) -> Result<Game, Error> { self.known(id) }
        /// Whose turn it is; zero while nobody plays.
        pub fn turn(&self, id: U256) -> Result<Address, Error> {
            let game = self.known(id)?;
            Ok(if game.state == GameState::Running { game.mover() } else { Address::ZERO })
        }
        /// How much `account` may withdraw, in wei.
        pub fn credit_of(&self, account: Address) -> U256 { self.credits.get(account) }
        /// The board as text, a line for each row from the top: `X` for who opened the game, `O` for who joined.
        pub fn board(&self, id: U256) -> Result<String, Error> {
            let Game { first_discs, second_discs, .. } = self.known(id)?;
            let mut text = String::with_capacity(usize::from((COLUMNS + 1) * ROWS));
            for row in (0..ROWS).rev() {
                text.extend((0..COLUMNS).map(|column| match cell(column, row) {
                    disc if first_discs & disc != 0 => 'X',
                    disc if second_discs & disc != 0 => 'O',
                    _ => '.',
                }));
                text.push('\n');
            }
            Ok(text)
        }
    }

    impl Game {
        /// All discs.
        fn discs(&self) -> u64 {
            self.first_discs | self.second_discs
        }

        /// A player's discs.
        fn discs_of(&self, player: Address) -> u64 {
            if player == self.first { self.first_discs } else { self.second_discs }
        }

        /// Who moves next: the first while both have as many discs.
        fn mover(&self) -> Address {
            if self.discs().count_ones().is_multiple_of(2) { self.first } else { self.second }
        }

        /// The opponent of one of the two.
        fn other(&self, player: Address) -> Address {
            if player == self.first { self.second } else { self.first }
        }
    }

    impl ConnectFour {
        fn known(&self, id: U256) -> Result<Game, Error> {
            ensure!(id > 0 && id <= self.count.get(), NoGame { id });
            Ok(self.games.get(id))
        }

        fn open_game(&self, id: U256) -> Result<Game, Error> {
            let game = self.known(id)?;
            ensure!(game.state == GameState::Open, NotOpen { id, state: game.state });
            Ok(game)
        }

        /// A game that is being played by the caller, among the two.
        fn played_game(&self, cx: &Context, id: U256) -> Result<Game, Error> {
            let (game, caller) = (self.known(id)?, cx.sender());
            ensure!(game.state == GameState::Running, NotRunning { id, state: game.state });
            ensure!(caller == game.first || caller == game.second, NotPlayer { id, caller });
            Ok(game)
        }

        fn win(&mut self, cx: &mut Context, id: U256, game: &Game, winner: Address) {
            let is_first = winner == game.first;
            self.games.at_mut(id).state.set(if is_first { GameState::FirstWon } else { GameState::SecondWon });
            let prize = game.stake * 2;
            self.credits.at_mut(winner).add(prize);
            cx.emit(Won { id, winner, prize });
        }

        fn draw(&mut self, cx: &mut Context, id: U256, game: &Game) {
            self.games.at_mut(id).state.set(GameState::Drawn);
            self.credits.at_mut(game.first).add(game.stake);
            self.credits.at_mut(game.second).add(game.stake);
            cx.emit(Drawn { id });
        }
    }
}
pub use connect_four::*;
