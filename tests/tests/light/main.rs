//! `docs/spec/light.md` in files, `tests/vectors/light/`: a chain whose validator set changes, made by the node's code, as a
//! light client follows it; and what a light client must refuse. `ESKER_BLESS=1` writes them anew.

mod chain;
mod crafted;
mod good;
mod node;
mod refused;
mod sets;
