//! Which function serves which row.

use esker_abi::HostFunctionId as Id;

use super::arguments::{Arguments, Output};
use super::{Implementation, arguments, arithmetic, calls, crypto, frame, state};

/// Expands to an exhaustive match over the table's ids: a row that is served nowhere, or by a function that does not take
/// that row's arguments and give back its result, does not compile.
macro_rules! implementations {
    ($id:expr; $($module:ident { $($name:ident),+ $(,)? })+) => {
        match $id {
            $($(Id::$name => |call, params| {
                let args = arguments::$name::decode(params)?;
                let output: <arguments::$name as Arguments>::Output = $module::$name(call, args)?;
                Ok(output.raw())
            },)+)+
        }
    };
}

pub(super) fn implementation(id: Id) -> Implementation {
    implementations! {
        id;
        frame {
            input_size, input_copy, set_output, finish, revert, caller, origin, address, call_value, gas_price,
            block_number, block_timestamp, block_hash, block_gas_limit, base_fee, coinbase, prevrandao, chain_id,
            gas_left, is_reentrant,
        }
        state {
            storage_load, storage_store, transient_load, transient_store, balance, code_hash, code_size, log,
        }
        calls {
            call, static_call, delegate_call, create, create2, return_data_size, return_data_copy,
        }
        crypto {
            keccak256, sha256, ripemd160, ecrecover, ed25519_verify, p256_verify, bn254_add, bn254_mul, bn254_pairing,
            bls12_381_g1_add, bls12_381_g1_msm, bls12_381_g2_add, bls12_381_g2_msm, bls12_381_pairing,
            bls12_381_map_fp_to_g1, bls12_381_map_fp2_to_g2,
        }
        arithmetic {
            u256_add_mod, u256_mul_mod, u256_div_rem, u256_exp,
        }
    }
}
