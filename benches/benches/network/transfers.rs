//! The transactions, the same ones for every network: a token deployed and handed out, then transfers between random pairs.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use esker_benches::SplitMix;
use esker_runtime::Genesis;

pub const CHAIN_ID: u64 = 31_337;
/// Tokens of each holder: more than it can give away.
const SHARE: u64 = 1_000_000_000;
/// A gas price that blocks do not reach while they are fuller than they aim to be, in wei.
const MAX_FEE: u128 = 10_000_000_000_000;
const GAS_DEPLOY: u64 = 3_000_000;
const GAS_HAND_OUT: u64 = 120_000;
const GAS_TRANSFER: u64 = 60_000;

/// A transaction, ready to be sent.
pub struct Signed {
    /// Its request, an element of a JSON-RPC batch.
    pub request: String,
    pub hash: B256,
}

/// Everything that is sent.
pub struct Workload {
    deployer: PrivateKeySigner,
    holders: Vec<PrivateKeySigner>,
    /// The deployment, then a transfer to each holder; all of one sender, in order.
    pub set_up: Vec<Signed>,
    /// Transfers by lane, in order: all of a sender are in one lane.
    pub lanes: Vec<Vec<Signed>>,
}

fn word(number: u64) -> [u8; 32] {
    U256::from(number).to_be_bytes()
}

/// `abi.encode(string, string, uint256)` of ("Gold", "GLD", supply).
fn constructor_arguments(supply: u64) -> Vec<u8> {
    let text = |text: &str| {
        let mut padded = [0; 32];
        padded[..text.len()].copy_from_slice(text.as_bytes());
        padded
    };
    [word(0x60), word(0xa0), word(supply), word(4), text("Gold"), word(3), text("GLD")].concat()
}

fn transfer_input(to: Address, amount: u64) -> Bytes {
    [&hex!("a9059cbb")[..], &to.into_word().0, &word(amount)].concat().into()
}

fn signer(name: &str) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(name)).expect("a hash is a valid key")
}

fn sign(signer: &PrivateKeySigner, nonce: u64, to: TxKind, input: Bytes, gas_limit: u64) -> Signed {
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit,
        max_fee_per_gas: MAX_FEE,
        max_priority_fee_per_gas: 1,
        to,
        value: U256::ZERO,
        access_list: alloy_eips::eip2930::AccessList::default(),
        input,
    };
    let signature = signer.sign_hash_sync(&transaction.signature_hash()).expect("a local key signs");
    let envelope = TxEnvelope::from(transaction.into_signed(signature));
    let request = format!(
        r#"{{"jsonrpc":"2.0","id":{nonce},"method":"eth_sendRawTransaction","params":["{}"]}}"#,
        hex::encode_prefixed(envelope.encoded_2718())
    );
    Signed { request, hash: *envelope.tx_hash() }
}

impl Workload {
    /// Signs everything, on all cores.
    pub fn new(envelope: &Bytes, holders: usize, transfers: usize, lanes: usize) -> Self {
        let deployer = signer("deployer");
        let holders: Vec<PrivateKeySigner> = (0..holders).map(|index| signer(&format!("holder {index}"))).collect();
        let addresses: Vec<Address> = holders.iter().map(PrivateKeySigner::address).collect();
        let token = deployer.address().create(0);
        let payload = [envelope.as_ref(), &constructor_arguments(SHARE * holders.len() as u64)].concat();
        let mut set_up = vec![sign(&deployer, 0, TxKind::Create, payload.into(), GAS_DEPLOY)];
        for (nonce, address) in (1..).zip(&addresses) {
            set_up.push(sign(&deployer, nonce, TxKind::Call(token), transfer_input(*address, SHARE), GAS_HAND_OUT));
        }

        let (mut random, mut nonces) = (SplitMix(1), vec![0; holders.len()]);
        let mut planned: Vec<Vec<(usize, u64, Address)>> = vec![Vec::new(); lanes];
        for _ in 0..transfers {
            let from = random.below(holders.len());
            let to = (from + 1 + random.below(holders.len() - 1)) % holders.len();
            planned[from % lanes].push((from, nonces[from], addresses[to]));
            nonces[from] += 1;
        }
        let sign_one = |&(from, nonce, to): &(usize, u64, Address)| {
            sign(&holders[from], nonce, TxKind::Call(token), transfer_input(to, 1), GAS_TRANSFER)
        };
        let lanes = std::thread::scope(|scope| {
            let threads: Vec<_> = planned
                .iter()
                .map(|planned| scope.spawn(|| planned.iter().map(sign_one).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("signing does not panic")).collect()
        });
        Self { deployer, holders, set_up, lanes }
    }

    /// Gives everybody who sends something coins.
    pub fn fund(&self, genesis: &mut Genesis) {
        for one in self.holders.iter().chain([&self.deployer]) {
            esker::home::network::fund(genesis, one.address(), 1_000_000);
        }
    }
}
