#![no_std]
use esker_sdk::prelude::*;

#[interface]
pub trait IToken {
    fn burn(&mut self, value: U256);
}

pub fn sneak(cx: &Context, token: ITokenHandle) {
    token.burn(1).call(cx);
}

fn main() {}
