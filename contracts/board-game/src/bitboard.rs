//! One player's discs as bits, column after column from the left and upwards in each. A column has a seventh bit on top that
//! is always empty, so that no line goes on from the top of a column to the bottom of the next.

/// How many columns there are.
pub const COLUMNS: u8 = 7;
/// How many discs a column takes.
pub const ROWS: u8 = 6;
/// Bits from a cell to the next one in a row: a column's cells, and the empty bit.
const STRIDE: u8 = ROWS + 1;

/// The cell's bit.
#[must_use]
pub const fn cell(column: u8, row: u8) -> u64 {
    1 << (column * STRIDE + row)
}

/// Where a disc that is dropped into `column` comes to lie on all the discs of both players; nothing if the column is full.
#[must_use]
pub const fn landing(discs: u64, column: u8) -> Option<u64> {
    let whole = cell(column, ROWS) - cell(column, 0);
    // Counting on from the column's lowest bit carries over all discs to the first free cell.
    let free = (discs & whole) + cell(column, 0);
    if free & whole == 0 { None } else { Some(free) }
}

/// Whether four discs lie in a line: up, along a row, or on either diagonal.
#[must_use]
pub const fn has_line(discs: u64) -> bool {
    lies_in_line(discs, 1)
        || lies_in_line(discs, STRIDE)
        || lies_in_line(discs, STRIDE - 1)
        || lies_in_line(discs, STRIDE + 1)
}

/// Whether four discs lie one behind the other, `step` bits apart: two neighbours, and two again two steps on.
const fn lies_in_line(discs: u64, step: u8) -> bool {
    let pairs = discs & (discs >> step);
    pairs & (pairs >> (2 * step)) != 0
}

/// Whether no cell is free.
#[must_use]
pub const fn is_full(discs: u64) -> bool {
    discs.count_ones() == (COLUMNS * ROWS) as u32
}
