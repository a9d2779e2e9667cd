//! Precompiled contracts: cryptography at fixed addresses. All are Ethereum's, but for Ed25519, which consensus signs with.
//!
//! Each costs what Ethereum asks or what our host function for the same work costs, whichever is more.

use alloy_primitives::{Address, B256};
use esker_abi::HostFunctionId;
use esker_vm::{Halt, Outcome, crypto};
use revm_precompile::{
    EthPrecompileOutput, EthPrecompileResult, PrecompileHalt, blake2, bls12_381, bn254, hash, identity, modexp,
    secp256k1, secp256r1,
};

use super::frame::FrameResult;
use super::fuel_to_gas;

/// One precompiled contract.
struct Precompile {
    address: Address,
    run: fn(&[u8], u64) -> EthPrecompileResult,
    /// The host function that does the same work.
    twin: Option<HostFunctionId>,
    /// Times Ethereum's price, where that buys too much time: a gas is about 5 ns.
    factor: u64,
}

const fn at(address: u16, run: fn(&[u8], u64) -> EthPrecompileResult, twin: Option<HostFunctionId>) -> Precompile {
    Precompile { address: address_of(address), run, twin, factor: 1 }
}

const fn dearer(factor: u64, precompile: Precompile) -> Precompile {
    Precompile { factor, ..precompile }
}

const fn address_of(number: u16) -> Address {
    let mut bytes = [0; 20];
    let [high, low] = number.to_be_bytes();
    bytes[18] = high;
    bytes[19] = low;
    Address::new(bytes)
}

/// Sorted by address. 0x0a (EIP-4844's point evaluation) is absent: there are no blobs here.
const TABLE: &[Precompile] = &[
    at(0x01, secp256k1::ec_recover_run, Some(HostFunctionId::ecrecover)),
    at(0x02, hash::sha256_run, Some(HostFunctionId::sha256)),
    at(0x03, hash::ripemd160_run, Some(HostFunctionId::ripemd160)),
    at(0x04, identity::identity_run, None),
    // EIP-7883's price and EIP-7823's bounds; small operands still took 11 ns a gas.
    dearer(3, at(0x05, modexp::osaka_run, None)),
    at(0x06, bn254_add, Some(HostFunctionId::bn254_add)),
    at(0x07, bn254_mul, Some(HostFunctionId::bn254_mul)),
    at(0x08, bn254_pairing, Some(HostFunctionId::bn254_pairing)),
    // A round took 46 ns and costs one gas by EIP-152.
    dearer(10, at(0x09, blake2::run, None)),
    at(0x0b, bls12_381::g1_add::g1_add, Some(HostFunctionId::bls12_381_g1_add)),
    at(0x0c, bls12_381_g1_msm, Some(HostFunctionId::bls12_381_g1_msm)),
    at(0x0d, bls12_381::g2_add::g2_add, Some(HostFunctionId::bls12_381_g2_add)),
    at(0x0e, bls12_381_g2_msm, Some(HostFunctionId::bls12_381_g2_msm)),
    at(0x0f, bls12_381::pairing::pairing, Some(HostFunctionId::bls12_381_pairing)),
    at(0x10, bls12_381::map_fp_to_g1::map_fp_to_g1, Some(HostFunctionId::bls12_381_map_fp_to_g1)),
    at(0x11, bls12_381::map_fp2_to_g2::map_fp2_to_g2, Some(HostFunctionId::bls12_381_map_fp2_to_g2)),
    at(0x100, secp256r1::p256_verify_osaka, Some(HostFunctionId::p256_verify)),
    at(0x1002, ed25519_verify, Some(HostFunctionId::ed25519_verify)),
];

/// The addresses of the precompiled contracts, in order.
pub const PRECOMPILES: [Address; TABLE.len()] = {
    let mut addresses = [Address::ZERO; TABLE.len()];
    let mut index = 0;
    while index < TABLE.len() {
        addresses[index] = TABLE[index].address;
        index += 1;
    }
    addresses
};

/// Whether a precompiled contract stands at `address`. Such addresses are always warm.
#[must_use]
pub fn is_precompile(address: Address) -> bool {
    find(address).is_some()
}

fn find(address: Address) -> Option<&'static Precompile> {
    if address.0[..18] != [0; 18] {
        return None;
    }
    TABLE.iter().find(|precompile| precompile.address == address)
}

/// Runs the precompiled contract at `address`.
pub(super) fn run(address: Address, input: &[u8], gas: u64) -> FrameResult {
    let precompile = find(address).expect("the call was made to a precompiled contract");
    let own_price = precompile.twin.map_or(0, |twin| {
        let row = twin.row();
        fuel_to_gas(row.base_fuel.saturating_add(row.byte_fuel.saturating_mul(input.len() as u64)))
    });
    if own_price > gas {
        return FrameResult::halt(Halt::OutOfGas);
    }
    // Ethereum's code checks its price against the limit before it works; so the limit is scaled, not only the bill.
    match (precompile.run)(input, gas / precompile.factor) {
        Ok(output) => {
            let used = output.gas_used.saturating_mul(precompile.factor).max(own_price);
            let Some(gas_left) = gas.checked_sub(used) else {
                return FrameResult::halt(Halt::OutOfGas);
            };
            FrameResult { outcome: Outcome::Return(output.bytes.to_vec()), gas_left }
        }
        Err(halt) if halt.is_oog() => FrameResult::halt(Halt::OutOfGas),
        Err(_) => FrameResult::halt(Halt::PrecompileFailure),
    }
}

/// The host function's own way with a few pairs, for its price: that is never below EIP-2537's.
fn bls12_381_g1_msm(input: &[u8], _: u64) -> EthPrecompileResult {
    paid_as_twin(crypto::bls12_381::g1_msm(input))
}

/// As [`bls12_381_g1_msm`].
fn bls12_381_g2_msm(input: &[u8], _: u64) -> EthPrecompileResult {
    paid_as_twin(crypto::bls12_381::g2_msm(input))
}

fn paid_as_twin<const N: usize>(output: Option<[u8; N]>) -> EthPrecompileResult {
    let output = output.ok_or_else(|| PrecompileHalt::other_static("a point or the input's length is invalid"))?;
    Ok(EthPrecompileOutput::new(0, output.to_vec().into()))
}

/// Public key ‖ signature ‖ message: the word 1 if the signature is good by ZIP-215's rules, else nothing, as
/// [`secp256r1::p256_verify_osaka`] answers. It refuses no input.
fn ed25519_verify(input: &[u8], _: u64) -> EthPrecompileResult {
    let parts = input.split_first_chunk::<32>().and_then(|(key, rest)| Some((key, rest.split_first_chunk::<64>()?)));
    let is_valid = parts.is_some_and(|(key, (signature, message))| crypto::ed25519_verify(key, signature, message));
    let word = B256::with_last_byte(1);
    // Ethereum has no price for it: it costs what the host function costs.
    Ok(EthPrecompileOutput::new(0, if is_valid { word.to_vec().into() } else { Default::default() }))
}

fn bn254_add(input: &[u8], gas: u64) -> EthPrecompileResult {
    bn254::run_add(input, bn254::add::ISTANBUL_ADD_GAS_COST, gas)
}

fn bn254_mul(input: &[u8], gas: u64) -> EthPrecompileResult {
    bn254::run_mul(input, bn254::mul::ISTANBUL_MUL_GAS_COST, gas)
}

fn bn254_pairing(input: &[u8], gas: u64) -> EthPrecompileResult {
    bn254::run_pair(input, bn254::pair::ISTANBUL_PAIR_PER_POINT, bn254::pair::ISTANBUL_PAIR_BASE, gas)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    #[test]
    fn sums_of_products_never_cost_less_than_ethereum_asks() {
        for (number, ethereum, pair) in [
            (0x0c, bls12_381::g1_msm::g1_msm as fn(&[u8], u64) -> EthPrecompileResult, 160),
            (0x0e, bls12_381::g2_msm::g2_msm, 288),
        ] {
            for pairs in 1..=300 {
                // Points at infinity.
                let input = vec![0; pair * pairs];
                let asked = ethereum(&input, u64::MAX).expect("valid").gas_used;
                let ours = u64::MAX / 2 - run(address_of(number), &input, u64::MAX / 2).gas_left;
                assert!(ours >= asked, "{number:#x}: {pairs} pairs cost {ours}, Ethereum asks {asked}");
            }
        }
    }

    #[test]
    fn every_address_in_the_table_is_found_and_no_other() {
        for number in 0..=0x1100 {
            let address = address_of(number);
            assert_eq!(is_precompile(address), PRECOMPILES.contains(&address), "{address}");
        }
        assert!(!is_precompile(address_of(0x0a)), "no blobs here");
        assert!(is_precompile(address_of(0x100)));
        assert!(is_precompile(address_of(0x1002)));
        assert!(!is_precompile(Address::repeat_byte(1)));
    }

    #[test]
    fn a_precompile_costs_at_least_what_the_host_function_costs() {
        let row = HostFunctionId::sha256.row();
        let result = run(address_of(2), b"abc", 10_000);
        let own = (row.base_fuel + row.byte_fuel * 3).div_ceil(10_000);
        assert_eq!(10_000 - result.gas_left, own.max(60 + 12));
        let digest = hex!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(result.outcome, Outcome::Return(digest.to_vec()));
    }

    #[test]
    fn blake2_costs_ten_gas_a_round_and_refuses_before_it_works() {
        let mut input = vec![0; 213];
        input[3] = 12;
        assert_eq!(run(address_of(9), &input, 120).gas_left, 0);
        assert!(matches!(run(address_of(9), &input, 120).outcome, Outcome::Return(_)));
        assert_eq!(run(address_of(9), &input, 119).outcome, Outcome::Halt(Halt::OutOfGas));
        input[0] = 0xff;
        assert_eq!(run(address_of(9), &input, 1 << 32).outcome, Outcome::Halt(Halt::OutOfGas));
    }

    #[test]
    fn too_little_gas_and_bad_points_burn_everything() {
        assert_eq!(run(address_of(2), &[], 10).outcome, Outcome::Halt(Halt::OutOfGas));
        let bad = run(address_of(6), &[1; 128], 100_000);
        assert_eq!((bad.outcome, bad.gas_left), (Outcome::Halt(Halt::PrecompileFailure), 0));
    }

    #[test]
    fn ecrecover_of_rubbish_returns_nothing() {
        let result = run(address_of(1), B256::ZERO.as_slice(), 1_000_000);
        assert_eq!(result.outcome, Outcome::Return(Vec::new()));
    }

    #[test]
    fn ed25519_costs_what_the_host_function_costs_and_refuses_nothing() {
        // RFC 8032, section 7.1, test 2.
        let key = hex!("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature = hex!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        let good = [&key[..], &signature, &[0x72]].concat();
        let row = HostFunctionId::ed25519_verify.row();
        let price = |bytes: u64| (row.base_fuel + row.byte_fuel * bytes).div_ceil(10_000);
        let result = run(address_of(0x1002), &good, 50_000);
        assert_eq!(result.outcome, Outcome::Return(B256::with_last_byte(1).to_vec()));
        assert_eq!(50_000 - result.gas_left, price(97));
        assert_eq!(run(address_of(0x1002), &good, price(97) - 1).outcome, Outcome::Halt(Halt::OutOfGas));
        let mut input = good.clone();
        for length in 0..good.len() {
            let result = run(address_of(0x1002), &good[..length], 50_000);
            assert_eq!(result.outcome, Outcome::Return(Vec::new()), "cut to {length} bytes");
            assert_eq!(50_000 - result.gas_left, price(length as u64));
            input[length] ^= 4;
            assert_eq!(run(address_of(0x1002), &input, 50_000).outcome, Outcome::Return(Vec::new()), "byte {length}");
            input[length] ^= 4;
        }
    }
}
