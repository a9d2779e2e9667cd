//! Games: who may do what when, that the clock is exact, that lines win, and that every coin is somebody's.

use esker_board_game::*;
use esker_sdk::prelude::*;
use esker_sdk_test::{Answer, Chain, Draw, Invariant, User, log, property};

const STAKE: u128 = 100;
/// Seconds for a move.
const PACE: u64 = 600;

fn deployed(chain: &mut Chain, by: User) -> ConnectFourHandle {
    chain.deploy(by, ConnectFourHandle::constructor())
}

/// A game that the first of two has opened and the second has joined.
fn begun(chain: &mut Chain, players: [User; 2]) -> (ConnectFourHandle, U256) {
    let games = deployed(chain, players[0]);
    (games, rematch(chain, games, players))
}

fn rematch(chain: &mut Chain, games: ConnectFourHandle, players: [User; 2]) -> U256 {
    let id = chain.send(players[0], games.open(players[1], PACE).value(STAKE)).returned();
    chain.send(players[1], games.join(id).value(STAKE)).succeeds();
    id
}

/// Drops discs into columns, in turns from the first player on.
fn play(chain: &mut Chain, games: ConnectFourHandle, id: U256, players: [User; 2], columns: &[u8]) {
    for (turn, column) in columns.iter().enumerate() {
        let player = players[turn % 2];
        assert_eq!(chain.read(games.turn(id)), player.address);
        chain.send(player, games.play(id, *column)).succeeds();
    }
}

/// Coins that somebody gets for `withdraw`.
fn withdrawn(chain: &mut Chain, games: ConnectFourHandle, by: User) -> U256 {
    let before = chain.balance(by);
    let amount = chain.send(by, games.withdraw()).returned();
    assert_eq!(chain.balance(by) - before, amount);
    amount
}

#[esker_sdk::test]
fn a_line_wins_both_stakes(chain: &mut Chain, alice: User, bob: User) {
    let games = deployed(chain, alice);
    let (id, stake, first, second) = (U256::ONE, U256::from(STAKE), alice.address, bob.address);
    let opened = Opened { id, first, opponent: Address::ZERO, stake, seconds_per_move: PACE };
    chain.send(alice, games.open(Address::ZERO, PACE).value(STAKE)).emits(opened).returns(id);
    assert_eq!(chain.read(games.turn(id)), Address::ZERO);
    chain.send(bob, games.join(id).value(STAKE)).emits(Joined { id, second });
    assert_eq!(chain.balance(games.address()), 2 * STAKE);
    play(chain, games, id, [alice, bob], &[3, 3, 2, 2, 4, 4]);
    let game = chain.read(games.game(id));
    assert_eq!((game.first, game.second, game.state, game.stake), (first, second, GameState::Running, stake));
    assert_eq!(game.deadline, chain.timestamp() + PACE);
    let here = games.address();
    chain.send(alice, games.play(id, 1)).emits_only([
        log(here, Played { id, player: first, column: 1 }),
        log(here, Won { id, winner: first, prize: stake * 2 }),
    ]);
    let text = ".......\n.......\n.......\n.......\n..OOO..\n.XXXX..\n";
    assert_eq!(chain.read(games.board(id)), text);
    assert_eq!(chain.read(games.game(id)).state, GameState::FirstWon);
    assert_eq!(chain.read(games.turn(id)), Address::ZERO);
    let over = || Error::NotRunning { id, state: GameState::FirstWon };
    chain.send(bob, games.play(id, 5)).reverts(over());
    chain.send(bob, games.resign(id)).reverts(over());
    chain.pass(PACE);
    chain.send(alice, games.claim_timeout(id)).reverts(over());
    assert_eq!(chain.read(games.credit_of(alice)), 2 * STAKE);
    chain.send(bob, games.withdraw()).reverts(Error::NothingDue { account: second });
    assert_eq!(withdrawn(chain, games, alice), 2 * STAKE);
    chain.send(alice, games.withdraw()).reverts(Error::NothingDue { account: first });
    assert_eq!(chain.balance(games.address()), 0);
}

#[esker_sdk::test]
fn lines_in_all_directions_win(chain: &mut Chain, alice: User, bob: User) {
    let (players, games) = ([alice, bob], deployed(chain, alice));
    let first = [
        &[0, 1, 0, 1, 0, 1, 0][..],         // up, at the left edge
        &[6, 5, 6, 5, 6, 5, 6],             // up, at the right edge
        &[0, 0, 1, 1, 2, 2, 3],             // along the lowest row
        &[0, 1, 1, 2, 2, 3, 2, 3, 3, 6, 3], // up to the right, from a corner
        &[6, 5, 5, 4, 4, 3, 4, 3, 3, 0, 3], // up to the left, from the other corner
    ];
    for columns in first {
        let id = rematch(chain, games, players);
        play(chain, games, id, players, columns);
        assert_eq!(chain.read(games.game(id)).state, GameState::FirstWon, "{columns:?}");
    }
    // The second wins as well.
    let id = rematch(chain, games, players);
    play(chain, games, id, players, &[6, 0, 5, 1, 6, 2, 5, 3]);
    assert_eq!(chain.read(games.game(id)).state, GameState::SecondWon);
    // Three at the top of a column and one at the bottom of the next are no four, nor is a row that goes on at the other
    // edge.
    let id = rematch(chain, games, players);
    play(chain, games, id, players, &[0, 0, 1, 0, 0, 2, 0, 2, 0]);
    assert_eq!(chain.read(games.board(id)).lines().next(), Some("X......"));
    let id = rematch(chain, games, players);
    play(chain, games, id, players, &[4, 1, 5, 1, 6, 1, 0]);
    for id in [id - 1, id] {
        assert_eq!(chain.read(games.game(id)).state, GameState::Running, "{}", chain.read(games.board(id)));
    }
}

/// A game that fills the board and has no line.
const DRAW: [u8; 42] = [
    3, 3, 0, 2, 5, 4, 5, 6, 4, 2, 2, 3, 3, 5, 5, 2, 2, 4, 3, 3, 1, 1, 2, 1, 5, 5, 0, 4, 0, 4, 4, 6, 6, 6, 6, 0, 1, 0,
    6, 0, 1, 1,
];
/// A game whose last disc makes a line of the second's.
const LAST_DISC_WINS: [u8; 42] = [
    6, 2, 2, 5, 4, 0, 4, 6, 4, 4, 0, 0, 6, 1, 1, 5, 4, 5, 4, 2, 3, 1, 5, 5, 2, 1, 6, 2, 0, 6, 2, 1, 1, 6, 0, 5, 0, 3,
    3, 3, 3, 3,
];

#[esker_sdk::test]
fn a_full_board_gives_both_their_stakes(chain: &mut Chain, alice: User, bob: User) {
    let players = [alice, bob];
    let (games, id) = begun(chain, players);
    play(chain, games, id, players, &DRAW[..41]);
    chain.send(bob, games.play(id, DRAW[41])).emits(Drawn { id });
    assert_eq!(chain.read(games.game(id)).state, GameState::Drawn);
    assert!(!chain.read(games.board(id)).contains('.'));
    for player in players {
        assert_eq!(withdrawn(chain, games, player), STAKE);
    }
    // A line that the last disc makes is a line.
    let id = rematch(chain, games, players);
    play(chain, games, id, players, &LAST_DISC_WINS);
    assert_eq!(chain.read(games.game(id)).state, GameState::SecondWon);
    assert_eq!(withdrawn(chain, games, bob), 2 * STAKE);
}

#[esker_sdk::test]
fn moves_are_made_in_turns_where_there_is_room(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let players = [alice, bob];
    let (games, id) = begun(chain, players);
    let waits = |user: User| Error::NotYourTurn { id, caller: user.into() };
    chain.send(bob, games.play(id, 0)).reverts(waits(bob));
    chain.send(alice, games.play(id, 0)).emits(Played { id, player: alice.into(), column: 0 });
    chain.send(alice, games.play(id, 0)).reverts(waits(alice));
    let stranger = || Error::NotPlayer { id, caller: carol.into() };
    chain.send(carol, games.play(id, 0)).reverts(stranger());
    chain.send(carol, games.resign(id)).reverts(stranger());
    chain.send(carol, games.claim_timeout(id)).reverts(stranger());
    for column in [7, 8, 63, 64, 255] {
        chain.send(bob, games.play(id, column)).reverts(Error::NoColumn { column });
    }
    let others = [bob, alice];
    play(chain, games, id, others, &[0, 0, 0, 0, 0]);
    chain.send(alice, games.play(id, 0)).reverts(Error::ColumnFull { column: 0 });
    let text = "O......\nX......\nO......\nX......\nO......\nX......\n";
    assert_eq!(chain.read(games.board(id)), text);
    chain.send(alice, games.play(id, 1)).succeeds();
}

#[esker_sdk::test]
fn the_clock_counts_to_the_second(chain: &mut Chain, alice: User, bob: User) {
    let players = [alice, bob];
    let (games, id) = begun(chain, players);
    let deadline = chain.timestamp() + PACE;
    // In the last second before the deadline a move is in time, and no claim is.
    chain.warp(deadline - 1);
    chain.send(bob, games.claim_timeout(id)).reverts(Error::NotTooLate { deadline });
    chain.warp(deadline - 1);
    chain.send(alice, games.play(id, 3)).succeeds();
    // From the deadline on it is the other way round.
    let deadline = deadline - 1 + PACE;
    assert_eq!(chain.read(games.game(id)).deadline, deadline);
    chain.warp(deadline);
    chain.send(bob, games.play(id, 3)).reverts(Error::TooLate { deadline });
    chain.warp(deadline);
    chain.send(bob, games.claim_timeout(id)).reverts(Error::NotYourTurn { id, caller: bob.into() });
    chain.warp(deadline);
    let here = games.address();
    chain.send(alice, games.claim_timeout(id)).emits_only([
        log(here, TimedOut { id, player: bob.into() }),
        log(here, Won { id, winner: alice.into(), prize: U256::from(2 * STAKE) }),
    ]);
    assert_eq!(withdrawn(chain, games, alice), 2 * STAKE);
    // Who opened a game and never moves loses it too, and time alone ends nothing.
    let id = rematch(chain, games, players);
    chain.pass(1_000 * PACE);
    chain.send(bob, games.claim_timeout(id)).succeeds();
    assert_eq!(chain.read(games.game(id)).state, GameState::SecondWon);
}

#[esker_sdk::test]
fn a_player_may_give_up_at_any_time(chain: &mut Chain, alice: User, bob: User) {
    let players = [alice, bob];
    let (games, id) = begun(chain, players);
    // Not in turn.
    let here = games.address();
    chain.send(bob, games.resign(id)).emits_only([
        log(here, Resigned { id, player: bob.into() }),
        log(here, Won { id, winner: alice.into(), prize: U256::from(2 * STAKE) }),
    ]);
    let id = rematch(chain, games, players);
    chain.pass(2 * PACE);
    chain.send(alice, games.resign(id)).succeeds();
    assert_eq!(chain.read(games.game(id)).state, GameState::SecondWon);
    for player in players {
        assert_eq!(withdrawn(chain, games, player), 2 * STAKE);
    }
}

#[esker_sdk::test]
fn terms_hold(chain: &mut Chain, alice: User, bob: User) {
    let games = deployed(chain, alice);
    let alone = || Error::InvalidOpponent { opponent: alice.into() };
    chain.send(alice, games.open(alice, PACE)).reverts(alone());
    for seconds_per_move in [0, MOST_SECONDS + 1, u64::MAX] {
        let error = Error::InvalidTime { seconds_per_move };
        chain.send(alice, games.open(bob, seconds_per_move).value(1)).reverts(error);
    }
    let id = chain.send(alice, games.open(Address::ZERO, MOST_SECONDS).value(STAKE)).returned();
    chain.send(alice, games.join(id).value(STAKE)).reverts(alone());
    for value in [0, STAKE - 1, STAKE + 1] {
        let error = Error::WrongStake { stake: U256::from(STAKE), value: U256::from(value) };
        chain.send(bob, games.join(id).value(value)).reverts(error);
    }
    let open = Error::NotRunning { id, state: GameState::Open };
    chain.send(alice, games.play(id, 0)).reverts(open);
    chain.send(bob, games.join(id).value(STAKE)).succeeds();
    let running = || Error::NotOpen { id, state: GameState::Running };
    chain.send(bob, games.join(id).value(STAKE)).reverts(running());
    chain.send(alice, games.cancel(id)).reverts(running());
    // Two may play for nothing.
    let free = chain.send(alice, games.open(Address::ZERO, 1)).returned();
    chain.send(bob, games.join(free)).succeeds();
    chain.send(bob, games.resign(free)).succeeds();
    chain.send(alice, games.withdraw()).reverts(Error::NothingDue { account: alice.into() });
    for none in [U256::ZERO, U256::from(3), U256::MAX] {
        let error = || Error::NoGame { id: none };
        chain.try_read(games.game(none)).reverts(error());
        chain.try_read(games.board(none)).reverts(error());
        chain.try_read(games.turn(none)).reverts(error());
        chain.send(alice, games.join(none)).reverts(error());
        chain.send(alice, games.cancel(none)).reverts(error());
        chain.send(alice, games.play(none, 0)).reverts(error());
        chain.send(alice, games.resign(none)).reverts(error());
        chain.send(alice, games.claim_timeout(none)).reverts(error());
    }
}

/// Carol sees bob's transaction coming and is first; the game waits for bob all the same, and another's does not.
#[esker_sdk::test]
fn nobody_comes_before_a_named_opponent(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let games = deployed(chain, alice);
    let id = chain.send(alice, games.open(bob, PACE).value(STAKE)).returned();
    assert_eq!(chain.read(games.game(id)).second, bob.address);
    chain.send(carol, games.join(id).value(STAKE)).reverts(Error::NotInvited { id, caller: carol.into() });
    chain.send(bob, games.join(id).value(STAKE)).succeeds();
    // Where anybody may, the first does, and the second keeps its coins.
    let id = chain.send(alice, games.open(Address::ZERO, PACE).value(STAKE)).returned();
    chain.send(carol, games.join(id).value(STAKE)).succeeds();
    let before = chain.balance(bob);
    chain.send(bob, games.join(id).value(STAKE)).reverts(Error::NotOpen { id, state: GameState::Running });
    assert_eq!(chain.balance(bob), before);
}

#[esker_sdk::test]
fn a_game_that_nobody_joined_is_taken_back(chain: &mut Chain, alice: User, bob: User) {
    let games = deployed(chain, alice);
    let id = chain.send(alice, games.open(bob, PACE).value(STAKE)).returned();
    chain.send(bob, games.cancel(id)).reverts(Error::NotPlayer { id, caller: bob.into() });
    chain.send(alice, games.cancel(id)).emits(Cancelled { id });
    let gone = || Error::NotOpen { id, state: GameState::Cancelled };
    chain.send(alice, games.cancel(id)).reverts(gone());
    chain.send(bob, games.join(id).value(STAKE)).reverts(gone());
    assert_eq!(withdrawn(chain, games, alice), STAKE);
}

/// Wins a game and asks for its coins again while they come.
#[contract]
mod greedy {
    use super::*;

    #[storage]
    pub struct Greedy {
        games: Cell<Address>,
        is_caught: Cell<bool>,
    }

    impl Greedy {
        #[constructor]
        pub fn new(&mut self, games: Address) {
            self.games.set(games);
        }

        #[payable]
        pub fn join(&mut self, cx: &mut Context, id: U256) {
            ConnectFourHandle::at(self.games.get()).join(id).value(cx.value()).call(cx);
        }

        pub fn collect(&mut self, cx: &mut Context) -> U256 {
            ConnectFourHandle::at(self.games.get()).withdraw().call(cx)
        }

        pub fn is_caught(&self) -> bool {
            self.is_caught.get()
        }

        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            let again = ConnectFourHandle::at(self.games.get()).withdraw().try_call(cx);
            self.is_caught.set(again.is_err());
        }
    }
}
use greedy::*;

/// One that refuses its coins loses nobody's but its own, and one that calls back gets nothing twice.
#[esker_sdk::test]
fn receivers_that_misbehave_harm_nobody(chain: &mut Chain, alice: User, bob: User) {
    let games = deployed(chain, alice);
    let grudge = User { address: chain.mock(Address::repeat_byte(0x66), |_| Answer::revert("no coins")) };
    chain.deal(grudge, STAKE);
    let id = rematch(chain, games, [alice, grudge]);
    play(chain, games, id, [alice, grudge], &[0, 1, 0, 1, 0, 1, 0]);
    assert_eq!(withdrawn(chain, games, alice), 2 * STAKE);
    chain.deal(grudge, STAKE);
    let id = rematch(chain, games, [alice, grudge]);
    chain.send(alice, games.resign(id)).succeeds();
    chain.send(grudge, games.withdraw()).reverts(Error::NotTaken { receiver: grudge.into() });
    assert_eq!(chain.read(games.credit_of(grudge)), 2 * STAKE);

    let greedy = chain.deploy(bob, GreedyHandle::constructor(games.address()));
    let id = chain.send(alice, games.open(greedy.address(), PACE).value(STAKE)).returned();
    chain.send(bob, greedy.join(id).value(STAKE)).succeeds();
    chain.send(alice, games.resign(id)).succeeds();
    chain.send(bob, greedy.collect()).returns(U256::from(2 * STAKE));
    assert!(chain.read(greedy.is_caught()));
    assert_eq!(chain.balance(greedy.address()), 2 * STAKE);
    assert_eq!(chain.balance(games.address()), 2 * STAKE, "what the grudge does not take");
}

/// The text of a board, by columns of players from the bottom.
fn drawn(columns: &[Vec<usize>; 7]) -> String {
    let line = |row: usize| -> String {
        columns.iter().map(|column| column.get(row).map_or('.', |player| ['X', 'O'][*player])).chain(['\n']).collect()
    };
    (0..6).rev().map(line).collect()
}

/// Whether the text has four of a letter in a line, found by looking at it.
fn has_four(text: &str, letter: char) -> bool {
    let cells: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let at = |row: i32, column: i32| {
        let line = usize::try_from(row).ok().and_then(|row| cells.get(row))?;
        usize::try_from(column).ok().and_then(|column| line.get(column))
    };
    (0..42).any(|cell| {
        [(0, 1), (1, 0), (1, 1), (1, -1)].into_iter().any(|(down, right)| {
            (0..4).all(|step| at(cell / 7 + down * step, cell % 7 + right * step) == Some(&letter))
        })
    })
}

#[esker_sdk::test]
fn random_games_go_as_on_paper(chain: &mut Chain, alice: User, bob: User) {
    let (players, games) = ([alice, bob], deployed(chain, alice));
    property(chain, 24, |chain, draw| {
        let id = rematch(chain, games, players);
        let mut columns: [Vec<usize>; 7] = Default::default();
        for turn in 0..42 {
            let free: Vec<u8> = (0..7).filter(|column| columns[usize::from(*column)].len() < 6).collect();
            let column = draw.pick(&free);
            columns[usize::from(column)].push(turn % 2);
            chain.send(players[turn % 2], games.play(id, column)).succeeds();
            let (text, state) = (chain.read(games.board(id)), chain.read(games.game(id)).state);
            assert_eq!(text, drawn(&columns));
            let is_won = has_four(&text, ['X', 'O'][turn % 2]);
            let expected = match (is_won, turn) {
                (true, _) => [GameState::FirstWon, GameState::SecondWon][turn % 2],
                (false, 41) => GameState::Drawn,
                _ => GameState::Running,
            };
            assert_eq!(state, expected, "\n{text}");
            if is_won {
                break;
            }
        }
    });
}

/// A game that is there, mostly.
fn any_game(draw: &mut Draw) -> U256 {
    U256::from(draw.number(0..=5))
}

/// The contract has the stakes of games that go on, and what is owed; and players together have no more than they put in.
#[esker_sdk::test]
fn every_coin_is_somebodys(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (users, games) = ([alice, bob, carol], deployed(chain, alice));
    let all = |chain: &mut Chain| -> U256 {
        users.iter().map(|user| chain.balance(*user)).sum::<U256>() + chain.balance(games.address())
    };
    let coins = all(chain);
    Invariant::new()
        .sequences(48)
        .calls(48)
        .action("open", move |chain, draw| {
            let opponent = draw.pick(&[Address::ZERO, bob.address, carol.address]);
            let open = games.open(opponent, draw.number(0..=100)).value(U256::from(draw.number(0..=9)));
            let _ = chain.send(draw.pick(&users), open);
        })
        .action("join", move |chain, draw| {
            let id = any_game(draw);
            let stake = chain.read(games.count()).min(id);
            // Mostly the stake, if there is such a game.
            let stake = if stake == id && id > 0 && draw.chance() { chain.read(games.game(id)).stake } else { id };
            let _ = chain.send(draw.pick(&users), games.join(id).value(stake));
        })
        .action("play", move |chain, draw| {
            let (id, column) = (any_game(draw), draw.number(0..=7) as u8);
            for user in users {
                let _ = chain.send(user, games.play(id, column));
            }
        })
        .action("win by a column", move |chain, draw| {
            let (id, column) = (any_game(draw), draw.number(0..=2) as u8);
            for turn in 0..7 {
                for user in users {
                    let _ = chain.send(user, games.play(id, column + turn % 2));
                }
            }
        })
        .action("cancel", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), games.cancel(any_game(draw)));
        })
        .action("resign", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), games.resign(any_game(draw)));
        })
        .action("claim", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), games.claim_timeout(any_game(draw)));
        })
        .action("withdraw", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), games.withdraw());
        })
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=60)))
        .check("the contract has what is at stake and what is owed", move |chain| {
            let mut owed: U256 = users.iter().map(|user| chain.read(games.credit_of(*user))).sum();
            let mut id = U256::ZERO;
            while id < chain.read(games.count()) {
                id += 1;
                let game = chain.read(games.game(id));
                owed += match game.state {
                    GameState::Open => game.stake,
                    GameState::Running => game.stake * 2,
                    _ => U256::ZERO,
                };
                assert_eq!(game.first_discs & game.second_discs, 0);
                let (first, second) = (game.first_discs.count_ones(), game.second_discs.count_ones());
                assert!(first == second || first == second + 1, "{first} and {second}");
            }
            assert_eq!(chain.balance(games.address()), owed);
            assert_eq!(all(chain), coins);
        })
        .run(chain);
}
