//! One of our chains and an EVM, side by side: everything is done on both, and must come out the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, Bytes, TxKind, U256};
use esker_sdk::abi::Output;
use esker_sdk::{Contract, Deployment};
use esker_sdk_test::{Answer, Call, Chain, End, Run, Sent, User};

use super::{Evm, Models, Ran};

/// Gas of a method on both machines, of calls that succeeded on both.
#[derive(Clone, Copy, Debug, Default)]
struct Gas {
    calls: u64,
    esker: u64,
    evm: u64,
}

/// A pair of chains. Contracts have the same addresses on both, because both make them from the deployer and its nonce.
///
/// It may be used from the closures of an [`Invariant`](esker_sdk_test::Invariant), which share it.
pub struct Pair {
    models: &'static Models,
    has_own_words: bool,
    evm: Mutex<Evm>,
    gas: Mutex<BTreeMap<String, Gas>>,
}

fn address(of: esker_sdk::Address) -> Address {
    Address::from(of.0)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A check that fails panics while it holds the lock; the sequence begins again with a new EVM.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pair {
    /// Nothing on either.
    #[must_use]
    pub fn new(models: &'static Models) -> Self {
        Self { models, has_own_words: false, evm: Mutex::new(Evm::new()), gas: Mutex::default() }
    }

    /// For a model that says in other words why it reverts, or halts: only that both fail is compared.
    #[must_use]
    pub fn with_words_of_their_own(self) -> Self {
        Self { has_own_words: true, ..self }
    }

    /// Begins again with an empty EVM, beside a chain that is about to begin again: gives these users what they have there.
    pub fn begin(&self, chain: &Chain, users: &[User]) {
        let mut evm = Evm::new();
        for user in users {
            let balance = chain.balance(*user);
            evm.deal(address(user.address), U256::from_be_bytes(balance.to_be_bytes()));
        }
        *locked(&self.evm) = evm;
    }

    /// Deploys a contract and its model.
    ///
    /// # Panics
    /// If either fails, they come to stand at different addresses, or log different events.
    pub fn deploy<C: Contract>(
        &self,
        chain: &mut Chain,
        by: User,
        model: &str,
        deployment: Deployment<C>,
    ) -> C::Handle {
        let arguments = deployment.payload(&[]);
        let sent = chain.try_deploy(by, deployment).succeeds();
        let handle_at = sent.created().expect("a deploy that succeeded");
        let mut evm = locked(&self.evm);
        evm.at(chain.height(), chain.timestamp());
        let code = [&self.models.creation(model)[..], &arguments].concat();
        let (ran, created) = evm.send(address(by.address), TxKind::Create, U256::ZERO, code.into());
        let Ran::Returned(_, logs) = ran else { panic!("{model}: its constructor fails") };
        assert_eq!(created, Some(address(handle_at)), "{model}");
        assert_eq!(sent.logs(), logs, "{model}: left Esker's events, right Solidity's");
        C::Handle::from(handle_at)
    }

    /// Makes an account one that answers every call with this address, on both.
    pub fn answers(&self, chain: &mut Chain, account: esker_sdk::Address, answer: esker_sdk::Address) {
        chain.mock(account, move |_| Answer::value(&answer));
        locked(&self.evm).answers(address(account), chain.nonce(account), address(answer).into_word());
    }

    fn compare<O>(&self, method: &str, ours: &Sent<O>, theirs: Ran) {
        let ours = ran(ours);
        let both_fail = !matches!(ours, Ran::Returned(..)) && !matches!(theirs, Ran::Returned(..));
        if !(self.has_own_words && both_fail) {
            assert_eq!(ours, theirs, "{method}: left Esker's, right Solidity's");
        }
    }

    /// Sends a transaction to both, which must do the same: return or revert with the same bytes, and log the same. Ours is
    /// given back.
    ///
    /// # Panics
    /// If they differ.
    pub fn send<O: Output>(&self, chain: &mut Chain, by: User, method: &str, call: impl Into<Call<O>>) -> Sent<O> {
        let call = call.into();
        let (to, wei, input) = (address(call.target()), call.value(), Bytes::copy_from_slice(call.input()));
        let wei = U256::from_be_bytes(wei.to_be_bytes());
        let ours = chain.send(by, call);
        let mut evm = locked(&self.evm);
        evm.at(chain.height(), chain.timestamp());
        let (theirs, _) = evm.send(address(by.address), TxKind::Call(to), wei, input);
        self.compare(method, &ours, theirs);
        for account in [address(by.address), to] {
            let here = chain.balance(esker_sdk::Address(account.0.0)).to_be_bytes();
            assert_eq!(U256::from_be_bytes(here), evm.balance(account), "{method}: the balance of {account} in wei");
        }
        if chain.run() == Run::Wasm && ours.end() == End::Success {
            let mut gas = locked(&self.gas);
            let gas = gas.entry(method.to_owned()).or_default();
            (gas.calls, gas.esker, gas.evm) = (gas.calls + 1, gas.esker + ours.gas_used(), gas.evm + evm.gas_used());
        }
        ours
    }

    /// Calls both without a trace, in the block that would come next; they must return or revert with the same bytes.
    ///
    /// # Panics
    /// If they differ.
    pub fn read<O: Output>(&self, chain: &mut Chain, by: User, method: &str, call: impl Into<Call<O>>) {
        let call = call.into();
        let (to, input) = (address(call.target()), Bytes::copy_from_slice(call.input()));
        let ours = chain.call(by, call);
        let mut evm = locked(&self.evm);
        let (number, timestamp) = next_block(chain);
        evm.at(number, timestamp);
        let theirs = evm.call(address(by.address), to, input);
        self.compare(method, &ours, theirs);
    }

    /// Prints the mean gas of each method on both, as rows of a table; nothing after a native run.
    pub fn print_gas(&self, contract: &str) {
        for (method, Gas { calls, esker, evm }) in locked(&self.gas).iter() {
            let (esker, evm) = (esker / calls, evm / calls);
            let permille = esker * 1_000 / evm;
            let ratio = format!("{}.{:03}", permille / 1_000, permille % 1_000);
            crate::say(&format!("{contract} | {method} | {calls} | {esker} | {evm} | {ratio}"));
        }
    }
}

/// Number and timestamp of the block that would come next: that in which calls without a trace are made.
fn next_block(chain: &mut Chain) -> (u64, u64) {
    let now = chain.snapshot();
    chain.pass_blocks(1);
    let next = (chain.height(), chain.timestamp());
    chain.restore(&now);
    next
}

/// Ours in the EVM's words.
fn ran<O>(sent: &Sent<O>) -> Ran {
    let output = Bytes::copy_from_slice(sent.output());
    match sent.end() {
        End::Success => Ran::Returned(output, sent.logs().to_vec()),
        End::Revert => Ran::Reverted(output),
        End::Halt => Ran::Halted,
    }
}
