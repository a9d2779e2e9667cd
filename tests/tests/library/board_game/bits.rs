//! The bits against a plain grid: every line wins wherever it lies, nothing else does, and discs fall as far as they can.

use esker_board_game::bitboard::{COLUMNS, ROWS, cell, has_line, is_full, landing};

const CELLS: usize = COLUMNS as usize * ROWS as usize;

/// A cell of a plain grid, by its number.
fn place(number: usize) -> (i32, i32) {
    ((number / ROWS as usize) as i32, (number % ROWS as usize) as i32)
}

fn bit(number: usize) -> u64 {
    let (column, row) = place(number);
    cell(column as u8, row as u8)
}

/// Whether there are four in a line, by looking from every cell in every direction.
fn has_line_in_grid(is_mine: impl Fn(i32, i32) -> bool) -> bool {
    let is_mine = |column: i32, row: i32| {
        (0..COLUMNS as i32).contains(&column) && (0..ROWS as i32).contains(&row) && is_mine(column, row)
    };
    (0..CELLS).map(place).any(|(column, row)| {
        [(1, 0), (0, 1), (1, 1), (1, -1)]
            .into_iter()
            .any(|(right, up)| (0..4).all(|step| is_mine(column + right * step, row + up * step)))
    })
}

/// All 111,930 ways to lay four discs. A player has a line if four of the discs are one, on the grid as in the bits: so this
/// is all that there is to show, wrapping around edges included.
#[test]
fn four_discs_win_where_they_are_a_line_and_nowhere_else() {
    let (mut laid, mut lines) = (0, 0);
    for a in 0..CELLS {
        for b in 0..a {
            for c in 0..b {
                for d in 0..c {
                    let discs = [a, b, c, d].map(bit).into_iter().fold(0, |all, disc| all | disc);
                    let wins = has_line_in_grid(|column, row| discs & cell(column as u8, row as u8) != 0);
                    assert_eq!(has_line(discs), wins, "{:?}", [a, b, c, d].map(place));
                    laid += 1;
                    lines += usize::from(wins);
                }
            }
        }
    }
    // 4 along each of 6 rows, 3 up each of 7 columns, 12 on the diagonals of either kind.
    assert_eq!((laid, lines), (111_930, 24 + 21 + 12 + 12));
}

#[test]
fn random_games_go_as_on_a_grid() {
    let mut state = 0x5eed_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (mut wins, mut draws) = ([0; 2], 0);
    for _ in 0..20_000 {
        let (mut discs, mut columns) = ([0_u64; 2], [const { Vec::<usize>::new() }; COLUMNS as usize]);
        let mut player = 0;
        loop {
            let column = random(COLUMNS.into()) as usize;
            let Some(disc) = landing(discs[0] | discs[1], column as u8) else {
                assert_eq!(columns[column].len(), ROWS as usize, "a column that is full, and no other");
                continue;
            };
            assert_eq!(disc, cell(column as u8, columns[column].len() as u8));
            columns[column].push(player);
            discs[player] |= disc;
            let is_mine = |column: i32, row: i32| columns[column as usize].get(row as usize) == Some(&player);
            assert_eq!(has_line(discs[player]), has_line_in_grid(is_mine), "{columns:?}");
            let is_whole = columns.iter().all(|column| column.len() == ROWS as usize);
            assert_eq!(is_full(discs[0] | discs[1]), is_whole);
            if has_line(discs[player]) {
                wins[player] += 1;
                break;
            }
            if is_whole {
                draws += 1;
                break;
            }
            player = 1 - player;
        }
    }
    assert!(wins[0] > 8_000 && wins[1] > 6_000 && draws > 10, "games of all kinds: {wins:?} {draws}");
}
