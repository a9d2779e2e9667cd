#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {
        #[at("erc7201:")]
        a: Cell<U256>,
        #[at("erc7201:two words")]
        b: Cell<U256>,
        #[at("eip1967:owner")]
        c: Cell<U256>,
        #[at("0xgg")]
        d: Cell<U256>,
        #[at("0x")]
        e: Cell<U256>,
        #[at("7")]
        f: Cell<U256>,
        #[at]
        g: Cell<U256>,
        #[at(7)]
        h: Cell<U256>,
    }
}

fn main() {}
