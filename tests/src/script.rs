//! A fixed sequence of signed transactions that reaches every corner of execution, and what a machine makes of it.

use std::path::Path;
use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEnvelope, TxLegacy, TypedTransaction};
use alloy_dyn_abi::{DynSolValue, JsonAbiExt};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use esker_runtime::block::InOrder;
use esker_runtime::db::{Batch, MemoryStore};
use esker_runtime::exec::{ExecutionStatus, TransactionResult};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::state::StateDb;
use esker_runtime::{
    CommittedBlock, ExecutedBlock, Genesis, PreparedBlock, Proposal, Transaction, Upgrades, propose_block,
};
use esker_vm::Machine;
use serde_json::{Value, json};

use crate::workspace_root;

/// Chain id of the script.
pub const CHAIN_ID: u64 = 31_337;
/// Accounts that take part.
const ACCOUNTS: usize = 6;

/// A contract whose bytes are part of the repository, so that what follows from them does not depend on a compiler.
pub struct CommittedArtifact {
    /// The ABI.
    pub abi: JsonAbi,
    /// The envelope.
    pub bytecode: Bytes,
}

impl CommittedArtifact {
    /// Reads `tests/vectors/artifacts/NAME.json`.
    ///
    /// # Panics
    /// If the file is missing or is no artifact.
    #[must_use]
    pub fn read(name: &str) -> Self {
        Self::read_file(&workspace_root().join("tests/vectors/artifacts").join(format!("{name}.json")))
    }

    /// Reads an artifact from its file.
    ///
    /// # Panics
    /// If the file is missing or is no artifact.
    #[must_use]
    pub fn read_file(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let artifact: Value = serde_json::from_str(&text).expect("a committed artifact is JSON");
        Self {
            abi: serde_json::from_value(artifact["abi"].clone()).expect("a committed artifact has an ABI"),
            bytecode: serde_json::from_value(artifact["bytecode"].clone()).expect("a committed artifact has bytecode"),
        }
    }

    /// Input of a call.
    ///
    /// # Panics
    /// If there is no such method.
    #[must_use]
    pub fn call(&self, method: &str, arguments: &[DynSolValue]) -> Bytes {
        let function = &self.abi.function(method).expect("the script names methods of the artifact")[0];
        function.abi_encode_input(arguments).expect("the script's arguments fit").into()
    }

    /// Deploy payload.
    ///
    /// # Panics
    /// If the arguments do not fit the constructor.
    #[must_use]
    pub fn deploy(&self, arguments: &[DynSolValue]) -> Bytes {
        let constructor = self.abi.constructor.as_ref().expect("the script deploys contracts with constructors");
        let arguments = constructor.abi_encode_input(arguments).expect("the script's arguments fit");
        [self.bytecode.as_ref(), &arguments].concat().into()
    }
}

/// Signs the script's transactions.
pub struct Wallets {
    signers: Vec<PrivateKeySigner>,
    nonces: Vec<u64>,
}

impl Default for Wallets {
    fn default() -> Self {
        let signer = |index: usize| {
            let key = keccak256(format!("esker script account {index}"));
            PrivateKeySigner::from_bytes(&key).expect("a hash is a valid key but with probability 2^-128")
        };
        Self { signers: (0..ACCOUNTS).map(signer).collect(), nonces: vec![0; ACCOUNTS] }
    }
}

impl Wallets {
    /// Address of an account.
    #[must_use]
    pub fn address(&self, index: usize) -> Address {
        self.signers[index].address()
    }

    fn sign(&mut self, from: usize, build: impl FnOnce(u64) -> TypedTransaction) -> Bytes {
        let transaction = build(self.nonces[from]);
        self.nonces[from] += 1;
        let signature = self.signers[from].sign_hash_sync(&transaction.signature_hash()).expect("a local key signs");
        TxEnvelope::from(transaction.into_signed(signature)).encoded_2718().into()
    }

    /// An EIP-1559 transaction.
    pub fn send(&mut self, from: usize, to: TxKind, value: u64, input: Bytes, gas_limit: u64) -> Bytes {
        self.sign(from, |nonce| {
            TxEip1559 {
                chain_id: CHAIN_ID,
                nonce,
                gas_limit,
                max_fee_per_gas: 10_000_000_000,
                max_priority_fee_per_gas: 1_000_000_000,
                to,
                value: U256::from(value),
                access_list: AccessList::default(),
                input,
            }
            .into()
        })
    }

    /// An EIP-155 transaction.
    pub fn send_legacy(&mut self, from: usize, to: Address, value: u64) -> Bytes {
        let to = TxKind::Call(to);
        let (chain_id, gas_price, input) = (Some(CHAIN_ID), 10_000_000_000, Bytes::new());
        self.sign(from, |nonce| {
            TxLegacy { chain_id, nonce, gas_price, gas_limit: 21_000, to, value: U256::from(value), input }.into()
        })
    }

    /// An EIP-2930 transaction that warms one slot of `to`.
    pub fn send_with_access_list(&mut self, from: usize, to: Address, slot: B256, input: Bytes) -> Bytes {
        let access_list = AccessList(vec![AccessListItem { address: to, storage_keys: vec![slot] }]);
        self.sign(from, |nonce| {
            TxEip2930 {
                chain_id: CHAIN_ID,
                nonce,
                gas_price: 10_000_000_000,
                gas_limit: 500_000,
                to: TxKind::Call(to),
                value: U256::ZERO,
                access_list,
                input,
            }
            .into()
        })
    }
}

fn uint(number: u64) -> DynSolValue {
    DynSolValue::Uint(U256::from(number), 256)
}

fn text(text: &str) -> DynSolValue {
    DynSolValue::String(text.to_owned())
}

/// The script: raw transactions, block by block.
#[must_use]
pub fn blocks() -> Vec<Vec<Bytes>> {
    let mut wallets = Wallets::default();
    let (erc20, erc721) = (CommittedArtifact::read("Erc20"), CommittedArtifact::read("Erc721"));
    let token = wallets.address(0).create(0);
    let gallery = wallets.address(0).create(1);
    let address = |wallets: &Wallets, index: usize| DynSolValue::Address(wallets.address(index));
    let mut blocks = vec![vec![
        wallets.send(0, TxKind::Create, 0, erc20.deploy(&[text("Gold"), text("GLD"), uint(1_000_000)]), 20_000_000),
        wallets.send(0, TxKind::Create, 0, erc721.deploy(&[text("Gallery"), text("ART")]), 20_000_000),
        wallets.send_legacy(1, Address::repeat_byte(0xaa), 12_345),
    ]];
    let transfer = |to: DynSolValue, value: u64| erc20.call("transfer", &[to, uint(value)]);
    let call = TxKind::Call(token);
    for round in 0..4_usize {
        let mut block = Vec::new();
        for from in 0..ACCOUNTS {
            let to = address(&wallets, (from + round + 1) % ACCOUNTS);
            // Only account 0 owns tokens at first: the early transfers of the others revert, and stay in their blocks.
            block.push(wallets.send(from, call, 0, transfer(to, 1_000 * (round as u64 + 1)), 300_000));
        }
        blocks.push(block);
    }
    let art = TxKind::Call(gallery);
    let mut block = Vec::new();
    for id in 0..4 {
        let mint = erc721.call("mint", &[address(&wallets, 1), uint(id)]);
        block.push(wallets.send(0, art, 0, mint.clone(), 400_000));
        block.push(wallets.send(2, art, 0, mint, 400_000));
    }
    block.push(wallets.send(1, art, 0, erc721.call("approve", &[address(&wallets, 3), uint(2)]), 400_000));
    let (one, four) = (address(&wallets, 1), address(&wallets, 4));
    block.push(wallets.send(3, art, 0, erc721.call("transferFrom", &[one, four, uint(2)]), 400_000));
    blocks.push(block);
    let warm = transfer(address(&wallets, 5), 7);
    blocks.push(vec![
        // Out of gas in the middle, value to a method that takes none, no such method, empty input.
        wallets.send(0, call, 0, transfer(address(&wallets, 1), 1), 30_000),
        wallets.send(0, call, 1, transfer(address(&wallets, 1), 1), 300_000),
        wallets.send(0, call, 0, Bytes::from_static(&[0xde, 0xad, 0xbe, 0xef]), 300_000),
        wallets.send(0, call, 0, Bytes::new(), 300_000),
        // A payload that is no envelope, and one whose deflate stream is damaged.
        wallets.send(4, TxKind::Create, 0, Bytes::from_static(&[0x60, 0x80, 0x60, 0x40]), 200_000),
        wallets.send(4, TxKind::Create, 0, damaged(&erc20.bytecode), 20_000_000),
        wallets.send_with_access_list(0, token, B256::ZERO, warm),
        // The identity precompile, and a plain transfer to a fresh account.
        wallets.send(5, TxKind::Call(Address::with_last_byte(4)), 0, Bytes::from_static(b"same again"), 50_000),
        wallets.send(5, TxKind::Call(Address::repeat_byte(0xbb)), 77, Bytes::new(), 21_000),
    ]);
    blocks.push(Vec::new());
    blocks
}

fn damaged(envelope: &[u8]) -> Bytes {
    let mut bytes = envelope.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    bytes.into()
}

/// The script's genesis: accounts with coins.
#[must_use]
pub fn genesis() -> Genesis {
    let wallets = Wallets::default();
    let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, 1_700_000_000);
    let balance = U256::from(10).pow(U256::from(21));
    for index in 0..ACCOUNTS {
        genesis.alloc.insert(wallets.address(index), GenesisAccount { balance, ..GenesisAccount::default() });
    }
    genesis
}

/// The first block of protocol version 2 in [`genesis_of_upgrade`]: the contracts are deployed and called before, and called
/// on.
pub const UPGRADE_HEIGHT: u64 = 4;

/// The same for a chain whose gas schedule changes on the way.
///
/// # Panics
/// Never: version 2 is known.
#[must_use]
pub fn genesis_of_upgrade() -> Genesis {
    let mut genesis = genesis();
    genesis.config.upgrades = Upgrades::none().with(2, Some(UPGRADE_HEIGHT)).expect("one upgrade");
    genesis
}

/// Executes the script on `machine`, from `genesis`, with the state in memory.
///
/// # Panics
/// If a transaction is refused or the node fails: the script holds valid transactions only.
#[must_use]
pub fn execute(machine: &dyn Machine, genesis: &Genesis) -> Vec<ExecutedBlock> {
    let config = genesis.chain_config();
    let db = StateDb::open(Arc::new(MemoryStore::new())).expect("an empty store opens");
    let built = genesis.build().expect("the script's genesis is valid");
    let first = PreparedBlock::genesis(&db, built).expect("memory does not fail");
    let CommittedBlock { block, as_parent: mut parent, .. } =
        first.commit(&db, Batch::new()).expect("memory does not fail");
    let mut executed = vec![block];
    for (index, raw) in blocks().into_iter().enumerate() {
        let timestamp = 1_700_000_000 + 2 * (index as u64 + 1);
        let proposal = Proposal { timestamp, beneficiary: Address::repeat_byte(0xcb), round: 0 };
        let decode = |raw| Transaction::decode(raw, &config).expect("the script's transactions are valid");
        let mut source = InOrder::new(raw.iter().map(|raw| decode(raw)).collect());
        let proposed = esker_vm::execution(machine, |session| {
            propose_block(session, &config, &parent, proposal, &mut source, &mut || true)
        })
        .expect("the node does not fail");
        let included = proposed.block.block().transactions.len();
        assert_eq!(included, raw.len(), "the script's transactions fit their blocks: {:?}", proposed.refused);
        let committed = proposed.block.commit(&db, Batch::new()).expect("memory does not fail");
        parent = committed.as_parent;
        executed.push(committed.block);
    }
    executed
}

/// What must be the same on every node, in the shape of the vectors of `tests/vectors/transactions`.
///
/// # Panics
/// Never: everything in it can be written as JSON.
#[must_use]
pub fn summary(genesis: &Genesis, blocks: &[ExecutedBlock]) -> Value {
    let result = |result: &TransactionResult| {
        let status = match result.status {
            ExecutionStatus::Success => "success",
            ExecutionStatus::Revert => "revert",
            ExecutionStatus::Halt(_) => "halt",
        };
        json!({
            "status": status,
            "gasUsed": result.gas_used,
            "output": result.output,
            "created": result.created,
            "logs": result.logs,
        })
    };
    let block = |block: &ExecutedBlock| {
        json!({
            "transactions": block.transactions.iter().map(|sent| Bytes::from(sent.encoded())).collect::<Vec<_>>(),
            "header": block.header,
            "hash": block.hash,
            "results": block.results.iter().map(result).collect::<Vec<_>>(),
        })
    };
    let (first, rest) = blocks.split_first().expect("a chain has a first block");
    json!({
        "about": "Two token contracts made from Rust: deployments, transfers, failures of every kind.",
        "genesis": genesis,
        "genesisHeader": first.header,
        "blocks": rest.iter().map(block).collect::<Vec<_>>(),
    })
}
