//! Every number that decides gas or validity: Ethereum's schedule, and our own prices for what Ethereum does not have.
//!
//! `docs/spec/gas.md` explains each; a test there compares the tables.

use esker_abi::FUEL_PER_GAS;

use crate::staking::StakingConfig;
use crate::upgrades::{Rules, UnknownRules, Upgrades};

/// What a chain's rules need to know about the chain. What bounds modules and frames is the machine's
/// ([`esker_vm::Machine::limits`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainConfig {
    /// The chain's id (EIP-155).
    pub chain_id: u64,
    /// When which protocol version begins.
    pub upgrades: Upgrades,
    /// Largest encoded transaction, in bytes.
    pub transaction_bytes_max: usize,
    /// Largest deploy payload (envelope and arguments), in bytes.
    pub payload_bytes_max: usize,
    /// Largest block: the encoded transactions together, in bytes.
    pub block_bytes_max: usize,
    /// Highest gas limit of a transaction: above it, fuel would not fit a signed 64-bit number.
    pub gas_limit_max: u64,
    /// How validators are chosen; `None` where the set of the genesis stays.
    pub staking: Option<StakingConfig>,
}

impl ChainConfig {
    /// The chain with that id, on which protocol version 1 holds for good.
    #[must_use]
    pub const fn new(chain_id: u64) -> Self {
        Self {
            chain_id,
            upgrades: Upgrades::none(),
            transaction_bytes_max: 128 * 1024,
            payload_bytes_max: 96 * 1024,
            block_bytes_max: 4 * 1024 * 1024,
            gas_limit_max: 1 << 48,
            staking: None,
        }
    }

    /// The rules that block `number` is executed by.
    ///
    /// # Errors
    /// [`UnknownRules`]: no block is proposed or accepted there, and a node stops before.
    pub fn rules_at(&self, number: u64) -> Result<Rules, UnknownRules> {
        self.upgrades.rules_at(number)
    }
}

/// Prices of what Ethereum does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// Gas for a frame: an instance and its first page. Paid by whoever calls, before the 63/64 rule.
    pub frame: u64,
    /// Gas that a contract lays down for each frame of code that it calls, and that comes back unless the frame halts: a
    /// trap takes some microseconds in the operating system.
    pub halt: u64,
    /// Gas for a contract's code at its first use in a transaction, besides its bytes.
    pub code_load: u64,
    /// Fuel per byte of a contract's raw module (or of its code, if that is longer), paid at its first use in a
    /// transaction.
    pub code_byte_fuel: u64,
    /// Gas per byte of the raw module, or of its stream if that is longer, paid on deploy before anything is inflated.
    pub deploy_byte: u64,
    /// Fuel per unit of the module's complexity, paid on deploy before anything is compiled.
    pub complexity_unit_fuel: u64,
}

impl Prices {
    /// The prices of protocol version 1.
    pub const V1: Self = Self {
        frame: 950,
        halt: 2_000,
        code_load: 0,
        code_byte_fuel: 500,
        deploy_byte: 20,
        complexity_unit_fuel: 100_000,
    };

    /// The prices of protocol version 2: loading code costs what it takes.
    pub const V2: Self = Self { code_load: 400, code_byte_fuel: 850, ..Self::V1 };

    /// Fuel for the first use of a code that is paid by that many bytes.
    #[must_use]
    pub const fn code_fuel(&self, bytes: u64) -> u64 {
        let load = self.code_load.saturating_mul(FUEL_PER_GAS);
        load.saturating_add(self.code_byte_fuel.saturating_mul(bytes))
    }
}

/// Ethereum's gas schedule, by the names of the EIPs.
pub mod gas {
    /// Every transaction (Yellow Paper, G_transaction).
    pub const TRANSACTION: u64 = 21_000;
    /// A transaction that creates, and CREATE and CREATE2 (G_create).
    pub const CREATE: u64 = 32_000;
    /// One zero byte of calldata.
    pub const CALLDATA_ZERO: u64 = 4;
    /// One other byte of calldata (EIP-2028).
    pub const CALLDATA_NONZERO: u64 = 16;
    /// Tokens of one nonzero byte of calldata (EIP-7623); a zero byte is one token.
    pub const CALLDATA_NONZERO_TOKENS: u64 = 4;
    /// Least that one token costs (EIP-7623).
    pub const CALLDATA_TOKEN_FLOOR: u64 = 10;
    /// One address of an access list (EIP-2930).
    pub const ACCESS_LIST_ADDRESS: u64 = 2_400;
    /// One storage key of an access list (EIP-2930).
    pub const ACCESS_LIST_KEY: u64 = 1_900;
    /// First access to an account in a transaction (EIP-2929).
    pub const COLD_ACCOUNT: u64 = 2_600;
    /// First access to a storage slot in a transaction (EIP-2929).
    pub const COLD_SLOT: u64 = 2_100;
    /// Every other access (EIP-2929).
    pub const WARM_ACCESS: u64 = 100;
    /// Storing something where nothing was (EIP-2200).
    pub const STORAGE_SET: u64 = 20_000;
    /// Changing what was stored (EIP-2929: 5,000 less the cold access).
    pub const STORAGE_RESET: u64 = 2_900;
    /// Refund for clearing a slot (EIP-3529).
    pub const STORAGE_CLEAR_REFUND: i64 = 4_800;
    /// A store needs more gas left than this (EIP-2200).
    pub const STORAGE_SENTRY: u64 = 2_300;
    /// A transient load or store (EIP-1153).
    pub const TRANSIENT: u64 = 100;
    /// A log (G_log).
    pub const LOG: u64 = 375;
    /// One topic of a log.
    pub const LOG_TOPIC: u64 = 375;
    /// One byte of a log's data.
    pub const LOG_BYTE: u64 = 8;
    /// A call that moves value (G_callvalue).
    pub const CALL_VALUE: u64 = 9_000;
    /// A call that brings an account into being (EIP-161).
    pub const NEW_ACCOUNT: u64 = 25_000;
    /// What the callee gets on top of its gas when value moves (G_callstipend).
    pub const CALL_STIPEND: u64 = 2_300;
    /// One word that CREATE2 hashes (EIP-1014).
    pub const KECCAK_WORD: u64 = 6;
    /// A transaction's refund is at most its gas used over this (EIP-3529).
    pub const REFUND_QUOTIENT: u64 = 5;
    /// The base fee moves by at most one part in this (EIP-1559).
    pub const BASE_FEE_CHANGE_DENOMINATOR: u64 = 8;
    /// The gas target is the limit over this (EIP-1559).
    pub const ELASTICITY: u64 = 2;
    /// Base fee where a genesis names none, in wei (EIP-1559).
    pub const INITIAL_BASE_FEE: u64 = 1_000_000_000;
}
