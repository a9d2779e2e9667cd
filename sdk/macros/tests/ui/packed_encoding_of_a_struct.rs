use esker_sdk::{abi::encode_packed, prelude::*};

#[derive(Abi)]
struct Pair {
    a: U256,
    b: U256,
}

fn main() {
    let _ = encode_packed(&(Pair { a: U256::ONE, b: U256::ONE },));
    let _ = encode_packed(&(vec![String::new()],));
    let _ = encode_packed(&(vec![vec![U256::ONE]],));
}
