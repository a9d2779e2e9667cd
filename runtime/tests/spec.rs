//! The specification's tables say what the code does.

use std::collections::BTreeMap;

use esker_runtime::params::{ChainConfig, Prices, gas};
use esker_vm::abi::Limits;

/// The rows of `docs/spec/gas.md` that begin with a name and a number.
fn numbers() -> BTreeMap<String, u64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/spec/gas.md");
    let text = std::fs::read_to_string(path).expect("the specification is beside the code");
    let row = |line: &str| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?.to_owned();
        Some((name, cells.next()?.parse().ok()?))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn every_price_stands_in_the_specification() {
    let prices = Prices::V1;
    let code: BTreeMap<_, _> = [
        ("TRANSACTION", gas::TRANSACTION),
        ("CREATE", gas::CREATE),
        ("CALLDATA_ZERO", gas::CALLDATA_ZERO),
        ("CALLDATA_NONZERO", gas::CALLDATA_NONZERO),
        ("CALLDATA_NONZERO_TOKENS", gas::CALLDATA_NONZERO_TOKENS),
        ("CALLDATA_TOKEN_FLOOR", gas::CALLDATA_TOKEN_FLOOR),
        ("ACCESS_LIST_ADDRESS", gas::ACCESS_LIST_ADDRESS),
        ("ACCESS_LIST_KEY", gas::ACCESS_LIST_KEY),
        ("COLD_ACCOUNT", gas::COLD_ACCOUNT),
        ("COLD_SLOT", gas::COLD_SLOT),
        ("WARM_ACCESS", gas::WARM_ACCESS),
        ("STORAGE_SET", gas::STORAGE_SET),
        ("STORAGE_RESET", gas::STORAGE_RESET),
        ("STORAGE_CLEAR_REFUND", gas::STORAGE_CLEAR_REFUND.unsigned_abs()),
        ("STORAGE_SENTRY", gas::STORAGE_SENTRY),
        ("TRANSIENT", gas::TRANSIENT),
        ("LOG", gas::LOG),
        ("LOG_TOPIC", gas::LOG_TOPIC),
        ("LOG_BYTE", gas::LOG_BYTE),
        ("CALL_VALUE", gas::CALL_VALUE),
        ("NEW_ACCOUNT", gas::NEW_ACCOUNT),
        ("CALL_STIPEND", gas::CALL_STIPEND),
        ("KECCAK_WORD", gas::KECCAK_WORD),
        ("REFUND_QUOTIENT", gas::REFUND_QUOTIENT),
        ("BASE_FEE_CHANGE_DENOMINATOR", gas::BASE_FEE_CHANGE_DENOMINATOR),
        ("ELASTICITY", gas::ELASTICITY),
        ("INITIAL_BASE_FEE", gas::INITIAL_BASE_FEE),
        ("frame", prices.frame),
        ("halt", prices.halt),
        ("code_load", prices.code_load),
        ("code_load, since version 2", Prices::V2.code_load),
        ("code_byte_fuel", prices.code_byte_fuel),
        ("code_byte_fuel, since version 2", Prices::V2.code_byte_fuel),
        ("deploy_byte", prices.deploy_byte),
        ("complexity_unit_fuel", prices.complexity_unit_fuel),
    ]
    .into_iter()
    .map(|(name, number)| (name.to_owned(), number))
    .collect();
    assert_eq!(code, numbers());
    // What no row says of version 2 is as in version 1.
    let Prices { code_load, code_byte_fuel, .. } = Prices::V2;
    assert_eq!(Prices::V2, Prices { code_load, code_byte_fuel, ..prices });
}

#[test]
fn every_limit_stands_in_the_specification() {
    let config = ChainConfig::new(1);
    let grouped = |number: u64| {
        let digits = number.to_string();
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        text
    };
    let read = |name: &str| {
        let path = format!("{}/../docs/spec/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).expect("the specification is beside the code")
    };
    let (transactions, blocks) = (read("transactions.md"), read("blocks.md"));
    for (text, number) in [
        (&transactions, config.transaction_bytes_max as u64),
        (&transactions, config.payload_bytes_max as u64),
        (&transactions, u64::from(Limits::V1.module_bytes_max)),
        (&blocks, config.block_bytes_max as u64),
    ] {
        let number = grouped(number);
        assert!(text.contains(&number), "{number} is missing");
    }
    assert_eq!(config.gas_limit_max, 1 << 48);
    assert!(transactions.contains("gas limit ≤ 2^48"));
}
