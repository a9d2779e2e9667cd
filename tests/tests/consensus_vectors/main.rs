//! `docs/spec/consensus.md` in files, `tests/vectors/consensus/`: made by the node's code, and held to a second
//! implementation that was written from the page. `ESKER_BLESS=1` writes them anew.

mod certificates;
mod chain;
mod messages;
mod proposers;
mod second;
mod signing;
mod sync;
