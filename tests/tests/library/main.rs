//! The contract library: what each contract promises, natively and as wasm, under random calls and under attack.

mod amm_pair;
mod crowdfunding;
