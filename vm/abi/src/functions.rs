//! The table of host functions.

/// One parameter of a host function, by what it means to the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// Address in linear memory that the host reads. `i32` in wasm.
    Ptr,
    /// Address in linear memory that the host writes. `i32` in wasm.
    Mut,
    /// Where a copy begins inside something that the host holds, in bytes. `i32` in wasm, read as unsigned.
    Offset,
    /// How many bytes cross: what [`HostFunction::byte_fuel`] is charged for. `i32` in wasm, read as unsigned.
    Len,
    /// A 32-bit number, read as unsigned.
    I32,
    /// A 64-bit number, read as unsigned.
    I64,
}

/// One host function as the validator, the linker and the specification see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostFunction {
    /// Which function this is.
    pub id: HostFunctionId,
    /// The import's name inside [`crate::IMPORT_MODULE`].
    pub name: &'static str,
    /// Parameters in order, with their names. At most one is a [`Param::Len`].
    pub params: &'static [(&'static str, Param)],
    /// The result, if there is one: [`Param::I32`] or [`Param::I64`].
    pub result: Option<Param>,
    /// Whether the call ends the frame and never comes back to the guest.
    pub diverges: bool,
    /// Fuel charged before anything is read, whatever the arguments.
    pub base_fuel: u64,
    /// Fuel charged per byte of variable-length data that crosses, before it is read.
    pub byte_fuel: u64,
    /// One paragraph for the specification's table.
    pub doc: &'static str,
}

/// Calls the macro named by `$callback` with the whole table.
///
/// Each row reads `/// doc` then `[base, byte] fn name(param: Kind, …) -> Result;` where `Kind` is a
/// variant of [`Param`] and `Result` is `()`, `I32`, `I64` or `!`. `base` and `byte` are fuel
/// (1 gas = [`crate::FUEL_PER_GAS`] fuel).
#[macro_export]
macro_rules! host_functions {
    ($callback:ident) => {
        $callback! {
            // ---- input and outcome -------------------------------------------------------------
            /// Size of the call's input, in bytes.
            [13_000, 0] fn input_size() -> I32;
            /// Copies `len` bytes of the input from `offset` to `dst`. Halts if the range is not inside the input.
            [15_000, 100] fn input_copy(dst: Mut, offset: Offset, len: Len) -> ();
            /// Sets the bytes that the frame returns when its entry point comes back; a later call replaces them.
            [24_000, 100] fn set_output(ptr: Ptr, len: Len) -> ();
            /// Ends the frame successfully with the given bytes.
            [24_000, 100] fn finish(ptr: Ptr, len: Len) -> !;
            /// Ends the frame, undoes its effects, and hands the given bytes and the unspent gas to the caller.
            [24_000, 100] fn revert(ptr: Ptr, len: Len) -> !;

            // ---- storage -----------------------------------------------------------------------
            /// Reads the 32-byte storage slot at `key` into `dst`. The state's own price comes on top.
            [17_000, 0] fn storage_load(key: Ptr, dst: Mut) -> ();
            /// Writes the 32 bytes at `value` to the storage slot at `key`. The state's own price comes on top.
            [17_000, 0] fn storage_store(key: Ptr, value: Ptr) -> ();
            /// Reads the 32-byte transient slot at `key` (EIP-1153) into `dst`.
            [17_000, 0] fn transient_load(key: Ptr, dst: Mut) -> ();
            /// Writes the 32 bytes at `value` to the transient slot at `key` (EIP-1153).
            [17_000, 0] fn transient_store(key: Ptr, value: Ptr) -> ();

            // ---- frame, transaction and block --------------------------------------------------
            /// Writes the 20-byte address of the frame's caller to `dst`.
            [17_000, 0] fn caller(dst: Mut) -> ();
            /// Writes the 20-byte address of the transaction's sender to `dst`.
            [17_000, 0] fn origin(dst: Mut) -> ();
            /// Writes the 20-byte address whose storage this frame works on to `dst`.
            [17_000, 0] fn address(dst: Mut) -> ();
            /// Writes the value sent with the call to `dst`, in wei, 32 bytes big-endian.
            [17_000, 0] fn call_value(dst: Mut) -> ();
            /// Writes the balance of the 20-byte address at `account` to `dst`, in wei, 32 bytes big-endian.
            [17_000, 0] fn balance(account: Ptr, dst: Mut) -> ();
            /// Writes the code hash of the address at `account` to `dst` (EIP-1052: zero for an empty account).
            [17_000, 0] fn code_hash(account: Ptr, dst: Mut) -> ();
            /// Size in bytes of the code of the address at `account`.
            [17_000, 0] fn code_size(account: Ptr) -> I32;
            /// Effective gas price of the transaction, in wei, 32 bytes big-endian.
            [17_000, 0] fn gas_price(dst: Mut) -> ();
            /// Number of the block being executed.
            [13_000, 0] fn block_number() -> I64;
            /// Timestamp of the block being executed, in seconds.
            [13_000, 0] fn block_timestamp() -> I64;
            /// Writes the hash of block `number` to `dst`: zero unless it is among the 256 before this one.
            [39_000, 0] fn block_hash(number: I64, dst: Mut) -> ();
            /// Gas limit of the block being executed.
            [13_000, 0] fn block_gas_limit() -> I64;
            /// Base fee of the block being executed, in wei, 32 bytes big-endian.
            [17_000, 0] fn base_fee(dst: Mut) -> ();
            /// Writes the 20-byte address that receives the block's tips to `dst`.
            [17_000, 0] fn coinbase(dst: Mut) -> ();
            /// Writes the block's 32-byte `mixHash` to `dst`. Predictable: keccak256(parent hash ‖ number).
            [17_000, 0] fn prevrandao(dst: Mut) -> ();
            /// The chain's id.
            [13_000, 0] fn chain_id() -> I64;
            /// Gas left to this frame, rounded down.
            [13_000, 0] fn gas_left() -> I64;
            /// 1 when this address already has a frame below this one that is not a delegate frame, else 0.
            [13_000, 0] fn is_reentrant() -> I32;

            // ---- calls -------------------------------------------------------------------------
            /// Message call with `value` (32 bytes big-endian) and at most `gas`. Returns a `CallStatus`.
            [50_000, 100] fn call(gas: I64, account: Ptr, value: Ptr, input: Ptr, input_len: Len) -> I32;
            /// Message call in which nothing may change state. Returns a `CallStatus`.
            [50_000, 100] fn static_call(gas: I64, account: Ptr, input: Ptr, input_len: Len) -> I32;
            /// Runs the code of `account` on this frame's address, caller and value. Returns a `CallStatus`.
            [50_000, 100] fn delegate_call(gas: I64, account: Ptr, input: Ptr, input_len: Len) -> I32;
            /// Creates a contract from a deploy payload and writes its 20-byte address to `dst`. Returns a `CallStatus`.
            [50_000, 100] fn create(value: Ptr, code: Ptr, code_len: Len, dst: Mut) -> I32;
            /// Like `create`, at the address that EIP-1014 gives for the 32-byte `salt`.
            [50_000, 100] fn create2(value: Ptr, code: Ptr, code_len: Len, salt: Ptr, dst: Mut) -> I32;
            /// Size in bytes of what the last call returned.
            [13_000, 0] fn return_data_size() -> I32;
            /// Copies `len` bytes of what the last call returned from `offset` to `dst`. Halts if the range is not inside it.
            [15_000, 100] fn return_data_copy(dst: Mut, offset: Offset, len: Len) -> ();

            // ---- logs --------------------------------------------------------------------------
            /// Emits a log with `topic_count` (0 to 4) 32-byte topics at `topics`. The state's own price comes on top.
            [20_000, 100] fn log(topics: Ptr, topic_count: I32, data: Ptr, data_len: Len) -> ();

            // ---- hashes and signatures ---------------------------------------------------------
            /// keccak256 of the bytes, 32 bytes to `dst`.
            [600_000, 4_500] fn keccak256(ptr: Ptr, len: Len, dst: Mut) -> ();
            /// SHA-256 of the bytes, 32 bytes to `dst`. At least Ethereum's 60 gas + 12 a word.
            [600_000, 3_800] fn sha256(ptr: Ptr, len: Len, dst: Mut) -> ();
            /// RIPEMD-160 of the bytes, 20 bytes to `dst`. At least Ethereum's 600 gas + 120 a word.
            [6_000_000, 37_500] fn ripemd160(ptr: Ptr, len: Len, dst: Mut) -> ();
            /// Recovers the signer of the 32-byte `hash` from `signature` (r ‖ s, 64 bytes) and `recovery_id` (0 or 1)
            /// and writes its 20-byte address to `dst`. Returns 1, or 0 and leaves `dst` alone.
            [100_000_000, 0] fn ecrecover(hash: Ptr, signature: Ptr, recovery_id: I32, dst: Mut) -> I32;
            /// Verifies an Ed25519 signature (64 bytes) by the 32-byte `public_key`, by ZIP-215's rules. Returns 1 or 0.
            [100_000_000, 4_000] fn ed25519_verify(public_key: Ptr, signature: Ptr, message: Ptr, message_len: Len) -> I32;
            /// Verifies a P-256 signature (r ‖ s) over the 32-byte `hash` by `public_key` (x ‖ y). Returns 1 or 0. RIP-7212.
            [490_000_000, 0] fn p256_verify(hash: Ptr, signature: Ptr, public_key: Ptr) -> I32;

            // ---- pairing curves ----------------------------------------------------------------
            /// bn254 addition (EIP-196): 128 bytes in, 64 out. Returns 1, or 0 for an invalid point.
            [5_500_000, 0] fn bn254_add(input: Ptr, dst: Mut) -> I32;
            /// bn254 scalar multiplication (EIP-196): 96 bytes in, 64 out. Returns 1, or 0 for an invalid point.
            [127_000_000, 0] fn bn254_mul(input: Ptr, dst: Mut) -> I32;
            /// bn254 pairing check (EIP-197) over `len` bytes, 192 a pair. Returns a `PairingStatus`.
            [970_000_000, 3_750_000] fn bn254_pairing(input: Ptr, len: Len) -> I32;
            /// BLS12-381 G1 addition (EIP-2537): 256 bytes in, 128 out. Returns 1, or 0 for an invalid point.
            [8_300_000, 0] fn bls12_381_g1_add(input: Ptr, dst: Mut) -> I32;
            /// BLS12-381 G1 multi-scalar multiplication (EIP-2537): 160 bytes a pair in, 128 out. Returns 1 or 0.
            [10_000_000, 2_100_000] fn bls12_381_g1_msm(input: Ptr, len: Len, dst: Mut) -> I32;
            /// BLS12-381 G2 addition (EIP-2537): 512 bytes in, 256 out. Returns 1, or 0 for an invalid point.
            [12_300_000, 0] fn bls12_381_g2_add(input: Ptr, dst: Mut) -> I32;
            /// BLS12-381 G2 multi-scalar multiplication (EIP-2537): 288 bytes a pair in, 256 out. Returns 1 or 0.
            [10_000_000, 2_260_000] fn bls12_381_g2_msm(input: Ptr, len: Len, dst: Mut) -> I32;
            /// BLS12-381 pairing check (EIP-2537) over `len` bytes, 384 a pair. Returns a `PairingStatus`.
            [680_000_000, 1_530_000] fn bls12_381_pairing(input: Ptr, len: Len) -> I32;
            /// BLS12-381 map from Fp to G1 (EIP-2537): 64 bytes in, 128 out. Returns 1 or 0.
            [87_000_000, 0] fn bls12_381_map_fp_to_g1(input: Ptr, dst: Mut) -> I32;
            /// BLS12-381 map from Fp2 to G2 (EIP-2537): 128 bytes in, 256 out. Returns 1 or 0.
            [287_000_000, 0] fn bls12_381_map_fp2_to_g2(input: Ptr, dst: Mut) -> I32;

            // ---- 256-bit arithmetic ------------------------------------------------------------
            // Operands are 32 bytes little-endian: four u64 limbs as they lie in wasm memory.
            /// a + b mod m, computed without overflow; zero when m is zero.
            [250_000, 0] fn u256_add_mod(a: Ptr, b: Ptr, m: Ptr, dst: Mut) -> ();
            /// a × b mod m, computed without overflow; zero when m is zero.
            [345_000, 0] fn u256_mul_mod(a: Ptr, b: Ptr, m: Ptr, dst: Mut) -> ();
            /// ⌊a / b⌋ to `quotient` and a mod b to `remainder`; both zero when b is zero.
            [160_000, 0] fn u256_div_rem(a: Ptr, b: Ptr, quotient: Mut, remainder: Mut) -> ();
            /// base ^ exponent mod 2^256. Charges 50 gas more per significant byte of the exponent (EIP-160).
            [100_000, 0] fn u256_exp(base: Ptr, exponent: Ptr, dst: Mut) -> ();
        }
    };
}

macro_rules! result_kind {
    (()) => {
        None
    };
    (!) => {
        None
    };
    ($kind:ident) => {
        Some(Param::$kind)
    };
}

macro_rules! diverges {
    (!) => {
        true
    };
    ($other:tt) => {
        false
    };
}

macro_rules! define_table {
    ($($(#[doc = $doc:literal])+ [$base:expr, $byte:expr] fn $name:ident($($param:ident: $kind:ident),*) -> $result:tt;)+) => {
        /// Names a host function; its number is its row in [`HOST_FUNCTIONS`].
        #[allow(non_camel_case_types, reason = "variants carry the imports' own names")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum HostFunctionId {
            $($(#[doc = $doc])+ $name,)+
        }

        /// Every host function of version 1, in the specification's order.
        pub const HOST_FUNCTIONS: &[HostFunction] = &[
            $(HostFunction {
                id: HostFunctionId::$name,
                name: stringify!($name),
                params: &[$((stringify!($param), Param::$kind)),*],
                result: result_kind!($result),
                diverges: diverges!($result),
                base_fuel: $base,
                byte_fuel: $byte,
                doc: concat!($($doc),+),
            },)+
        ];
    };
}

host_functions!(define_table);

impl HostFunctionId {
    /// This function's row in [`HOST_FUNCTIONS`].
    #[must_use]
    pub const fn row(self) -> &'static HostFunction {
        &HOST_FUNCTIONS[self as usize]
    }
}

/// Finds a host function by its exact import name. Names are never normalised.
#[must_use]
pub fn find(name: &str) -> Option<&'static HostFunction> {
    HOST_FUNCTIONS.iter().find(|function| function.name == name)
}
