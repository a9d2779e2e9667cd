#![no_std]
use esker_sdk::prelude::*;

#[storage(nested)]
pub struct Node<T: esker_sdk::storage::Value> {
    value: Cell<T>,
    others: List<Node<U256>>,
}

#[storage(nested)]
pub struct Huge {
    slots: Array<U256, 4294967297>,
}

#[storage(nested)]
pub struct Many {
    huge: List<Huge>,
}

fn main() {}
