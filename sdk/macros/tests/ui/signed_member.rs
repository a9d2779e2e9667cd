use esker_sdk::prelude::*;

#[derive(Eip712)]
struct Order {
    maker: Address,
    pair: (U256, U256),
}

#[derive(Eip712)]
enum Side {
    Buy,
    Sell,
}

#[derive(Eip712)]
struct Unnamed(U256);

fn main() {}
