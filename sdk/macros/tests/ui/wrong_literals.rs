use esker_sdk::prelude::*;

const FRACTION: U256 = u256!("1.5");
const LARGE: U256 = u256!("1e78");
const NEGATIVE: U256 = u256!("-1");
const CHECKSUM: Address = address!("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD");
const SHORT: Address = address!("0x5aAe");

fn main() {}
