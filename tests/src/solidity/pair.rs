//! One of our chains and an EVM, side by side: everything is done on both, and must come out the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256};
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

/// Whether a failure of ours, on the left, has the reason of Solidity's.
type Alike = fn(&Ran, &Ran) -> bool;

/// A pair of chains. Contracts have the same addresses on both, because both make them from the deployer and its nonce; what
/// contracts make from code may stand elsewhere (see [`Self::with_made`]).
///
/// It may be used from the closures of an [`Invariant`](esker_sdk_test::Invariant), which share it.
pub struct Pair {
    models: &'static Models,
    alike: Alike,
    made: Option<B256>,
    /// Contracts that stand at different addresses: ours, and Solidity's.
    elsewhere: Mutex<Vec<(Address, Address)>>,
    evm: Mutex<Evm>,
    /// Transactions, and calls without a trace, that were made on both.
    made_on_both: Mutex<(u64, u64)>,
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
        let evm = Mutex::new(Evm::new());
        let (elsewhere, made_on_both, gas) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { models, alike: Ran::eq, made: None, elsewhere, evm, made_on_both, gas }
    }

    /// For a model that says in other words why it reverts, or halts: only that both fail is compared.
    #[must_use]
    pub fn with_words_of_their_own(self) -> Self {
        self.with_reasons(|_, _| true)
    }

    /// For a model that says in other words why it reverts, or halts: whether the reason of ours, on the left, is that of
    /// Solidity's, on the right.
    #[must_use]
    pub fn with_reasons(self, alike: Alike) -> Self {
        Self { alike, ..self }
    }

    /// For contracts that make others whose addresses depend on their code: the event with this topic names a new one in the
    /// first word of its data. From then on its two addresses are taken for one.
    #[must_use]
    pub fn with_made(self, topic: B256) -> Self {
        Self { made: Some(topic), ..self }
    }

    /// Begins again with an empty EVM, beside a chain that is about to begin again: gives these users what they have there.
    pub fn begin(&self, chain: &Chain, users: &[User]) {
        let mut evm = Evm::new();
        for user in users {
            let balance = chain.balance(*user);
            evm.deal(address(user.address), U256::from_be_bytes(balance.to_be_bytes()));
        }
        *locked(&self.evm) = evm;
        locked(&self.elsewhere).clear();
    }

    /// Where Solidity's contract stands, when ours stands here.
    #[must_use]
    pub fn theirs(&self, ours: esker_sdk::Address) -> esker_sdk::Address {
        esker_sdk::Address(self.there(address(ours)).0.0)
    }

    fn there(&self, ours: Address) -> Address {
        locked(&self.elsewhere).iter().find(|(here, _)| *here == ours).map_or(ours, |(_, there)| *there)
    }

    fn here(&self, theirs: Address) -> Address {
        locked(&self.elsewhere).iter().find(|(_, there)| *there == theirs).map_or(theirs, |(here, _)| *here)
    }

    /// Solidity's outcome with the addresses of ours, after noting which contracts both have just made.
    fn at_home(&self, ours: &Ran, theirs: Ran) -> Ran {
        if let (Some(topic), Ran::Returned(_, here), Ran::Returned(_, there)) = (self.made, ours, &theirs) {
            let made = |logs: &[Log]| -> Vec<Address> {
                let named = logs.iter().filter(|log| log.topics().first() == Some(&topic));
                named.map(|log| Address::from_word(B256::from_slice(&log.data.data[..32]))).collect()
            };
            locked(&self.elsewhere).extend(made(here).into_iter().zip(made(there)));
        }
        let here = |word: Address| self.here(word);
        match theirs {
            Ran::Returned(output, logs) => {
                let logs = logs.into_iter().map(|log| {
                    let topics = log.topics().iter().map(|topic| B256::from_slice(&words(&topic[..], 0, here)));
                    let (topics, data) = (topics.collect(), words(&log.data.data, 0, here));
                    Log::new_unchecked(self.here(log.address), topics, data)
                });
                Ran::Returned(words(&output, 0, here), logs.collect())
            }
            Ran::Reverted(output) => Ran::Reverted(words(&output, 4, here)),
            Ran::Halted => Ran::Halted,
        }
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
        let theirs = self.at_home(&ours, theirs);
        if matches!(ours, Ran::Returned(..)) || matches!(theirs, Ran::Returned(..)) {
            assert_eq!(ours, theirs, "{method}: left Esker's, right Solidity's");
        } else {
            let is_alike = (self.alike)(&ours, &theirs);
            assert!(is_alike, "{method}: Esker's fails with {ours:?}, Solidity's with {theirs:?}");
        }
    }

    /// Sends a transaction to both, which must do the same: return or revert with the same bytes, and log the same. Ours is
    /// given back.
    ///
    /// # Panics
    /// If they differ.
    pub fn send<O: Output>(&self, chain: &mut Chain, by: User, method: &str, call: impl Into<Call<O>>) -> Sent<O> {
        let call = call.into();
        let input = call.input().to_vec();
        self.send_each(chain, by, method, call, &input)
    }

    /// The same, when they differ in their input, as signatures do: this is Solidity's.
    ///
    /// # Panics
    /// If they differ in what they do.
    pub fn send_each<O: Output>(
        &self,
        chain: &mut Chain,
        by: User,
        method: &str,
        call: impl Into<Call<O>>,
        theirs: &[u8],
    ) -> Sent<O> {
        let call = call.into();
        let input = words(theirs, 4, |ours| self.there(ours));
        let (to, wei) = (address(call.target()), U256::from_be_bytes(call.value().to_be_bytes()));
        let ours = chain.send(by, call);
        let mut evm = locked(&self.evm);
        evm.at(chain.height(), chain.timestamp());
        let (theirs, _) = evm.send(address(by.address), TxKind::Call(self.there(to)), wei, input);
        self.compare(method, &ours, theirs);
        locked(&self.made_on_both).0 += 1;
        for account in [address(by.address), to] {
            self.compare_coins(chain, &mut evm, method, account);
        }
        if chain.run() == Run::Wasm && ours.end() == End::Success {
            let mut gas = locked(&self.gas);
            let gas = gas.entry(method.to_owned()).or_default();
            (gas.calls, gas.esker, gas.evm) = (gas.calls + 1, gas.esker + ours.gas_used(), gas.evm + evm.gas_used());
        }
        ours
    }

    /// Demands that an account has as many coins on both.
    ///
    /// # Panics
    /// If it has not.
    pub fn has_the_same_coins(&self, chain: &Chain, account: esker_sdk::Address) {
        self.compare_coins(chain, &mut locked(&self.evm), "after a call", address(account));
    }

    fn compare_coins(&self, chain: &Chain, evm: &mut Evm, method: &str, account: Address) {
        let here = chain.balance(esker_sdk::Address(account.0.0)).to_be_bytes();
        let there = evm.balance(self.there(account));
        assert_eq!(U256::from_be_bytes(here), there, "{method}: the balance of {account} in wei");
    }

    /// Calls both without a trace, in the block that would come next; they must return or revert with the same bytes.
    ///
    /// # Panics
    /// If they differ.
    pub fn read<O: Output>(&self, chain: &mut Chain, by: User, method: &str, call: impl Into<Call<O>>) {
        let call = call.into();
        let to = self.there(address(call.target()));
        let input = words(call.input(), 4, |ours| self.there(ours));
        let ours = chain.call(by, call);
        let mut evm = locked(&self.evm);
        let (number, timestamp) = next_block(chain);
        evm.at(number, timestamp);
        let theirs = evm.call(address(by.address), to, input);
        self.compare(method, &ours, theirs);
        locked(&self.made_on_both).1 += 1;
    }

    /// Prints how much was compared, and the mean gas of each method on both, as rows of a table; no rows after a native run.
    pub fn print_gas(&self, contract: &str) {
        let (sent, read) = *locked(&self.made_on_both);
        crate::say(&format!("{contract}: {sent} transactions and {read} calls without a trace were compared"));
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

/// Data whose words from here on have their addresses exchanged.
fn words(data: &[u8], from: usize, exchange: impl Fn(Address) -> Address) -> Bytes {
    let mut data = data.to_vec();
    for word in data.get_mut(from..).unwrap_or_default().chunks_exact_mut(32) {
        if word[..12] == [0; 12] {
            let exchanged = exchange(Address::from_slice(&word[12..]));
            word[12..].copy_from_slice(&exchanged[..]);
        }
    }
    data.into()
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
