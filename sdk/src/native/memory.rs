//! A host in memory, for unit tests.

use std::collections::BTreeMap;

use primitive_types::{H160, H256, U256};

use super::{
    BlockContext, CallKind, CallRequest, CallResult, CreateRequest, CreateResult, CryptoRequest, Declared, Frame,
    Heard, Host, Interrupted, NativeContract, Outcome, TransactionContext, run_entry,
};
use crate::{
    Address, Contract, Deployment, MethodCall,
    abi::{ErrorSet, EventItem, Output, keccak256},
};

/// A log that a contract emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// Who emitted it.
    pub address: Address,
    /// Its topics.
    pub topics: Vec<H256>,
    /// Its data.
    pub data: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Code {
    call: fn() -> Vec<u8>,
    declared: Declared,
}

type Slots = BTreeMap<(H160, H256), H256>;

/// State that a reverted frame undoes.
#[derive(Clone, Default)]
struct State {
    storage: Slots,
    transient: Slots,
    balances: BTreeMap<H160, U256>,
    codes: BTreeMap<H160, Code>,
    /// How many contracts an account has created.
    created: BTreeMap<H160, u64>,
    logs: Vec<Emitted>,
}

#[derive(Clone, Default)]
struct Active {
    frame: Frame,
    is_static: bool,
    is_delegate: bool,
    /// Whose code runs.
    declared: Option<Declared>,
    heard: Heard,
}

/// A chain in memory whose contracts all run natively: for unit tests of contracts and of the SDK itself.
///
/// It knows storage, transient storage, balances, logs, calls, static and delegate calls, and reentrancy. It has no gas,
/// no code hashes, no cryptographic host functions beyond keccak256, and creates contracts from embedded code only
/// ([`crate::include_contract`]): where a contract asks for something else, the frame halts. The test kit (`esker-sdk-test`) runs on the real runtime instead.
#[derive(Default)]
pub struct MemoryHost {
    /// What embedded code stands for.
    embedded: BTreeMap<Vec<u8>, NativeContract>,
    state: State,
    frames: Vec<Active>,
    /// What contracts emitted and reverted with that their ABI does not hold.
    undeclared: Vec<String>,
    /// The transaction's sender is set by each call.
    transaction: TransactionContext,
    /// The block that contracts see.
    pub block: BlockContext,
}

impl MemoryHost {
    /// An empty chain.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a contract at an address without running its constructor.
    pub fn install<C: Contract>(&mut self, address: Address) -> C::Handle {
        let code = Code { call: C::call, declared: Declared::of::<C>() };
        self.state.codes.insert(address.into(), code);
        C::Handle::from(address)
    }

    /// Runs a contract's constructor at an address.
    ///
    /// # Errors
    /// The outcome, if it is not a return; nothing is installed then.
    ///
    /// # Panics
    /// As [`MemoryHost::send_raw`].
    pub fn deploy<C: Contract>(
        &mut self,
        from: Address,
        address: Address,
        deployment: &Deployment<C>,
    ) -> Result<C::Handle, Outcome> {
        self.transaction.origin = from.into();
        let frame = Frame {
            address: address.into(),
            caller: from.into(),
            input: deployment.arguments().to_vec(),
            ..Frame::default()
        };
        let active = Active { frame, declared: Some(Declared::of::<C>()), ..Active::default() };
        let outcome = self.enter(C::deploy, active);
        self.refuse_undeclared();
        match outcome {
            Outcome::Return(_) => Ok(self.install::<C>(address)),
            other => Err(other),
        }
    }

    /// Sends a typed call as a transaction.
    ///
    /// # Panics
    /// As [`MemoryHost::send_raw`].
    pub fn send<M, O: Output>(&mut self, from: Address, call: &MethodCall<M, O>) -> Outcome {
        self.send_raw(from, call.target(), call.sent_value().into(), call.input())
    }

    /// Sends any bytes as a transaction.
    ///
    /// # Panics
    /// If a contract emits an event, or reverts with an error that it did not get from a callee, which its ABI does not
    /// hold.
    pub fn send_raw(&mut self, from: Address, to: Address, value: U256, input: &[u8]) -> Outcome {
        self.transaction.origin = from.into();
        self.state.transient.clear();
        let request = CallRequest { kind: CallKind::Call, gas: u64::MAX, target: to.into(), value, input };
        let outcome = self.message(from.into(), request, false);
        self.refuse_undeclared();
        outcome
    }

    /// Sends a typed call and decodes what it returns.
    ///
    /// # Panics
    /// If the call does not return, or returns something else.
    pub fn query<M, O: Output>(&mut self, from: Address, call: &MethodCall<M, O>) -> O::Value {
        match self.send(from, call) {
            Outcome::Return(output) => {
                MethodCall::<M, O>::decode(&output).expect("a contract encodes what it declares")
            }
            other => panic!("the call did not return: {other:?}"),
        }
    }

    /// A storage slot.
    #[must_use]
    pub fn storage(&self, address: Address, slot: H256) -> H256 {
        self.state.storage.get(&(address.into(), slot)).copied().unwrap_or_default()
    }

    /// Every slot of an account that is not zero.
    #[must_use]
    pub fn storage_of(&self, address: Address) -> BTreeMap<H256, H256> {
        let ours = self.state.storage.iter().filter(|((account, _), _)| *account == H160::from(address));
        ours.map(|((_, slot), value)| (*slot, *value)).collect()
    }

    /// Sets a storage slot.
    pub fn set_storage(&mut self, address: Address, slot: H256, value: H256) {
        set(&mut self.state.storage, (address.into(), slot), value);
    }

    /// An account's balance, in wei.
    #[must_use]
    pub fn balance_of(&self, address: Address) -> U256 {
        self.state.balances.get(&address.into()).copied().unwrap_or_default()
    }

    /// Sets an account's balance, in wei.
    pub fn set_balance(&mut self, address: Address, balance: U256) {
        self.state.balances.insert(address.into(), balance);
    }

    /// Every log so far; the list is empty afterwards.
    pub fn take_logs(&mut self) -> Vec<Emitted> {
        std::mem::take(&mut self.state.logs)
    }

    fn top(&self) -> Result<&Active, Interrupted> {
        self.frames.last().ok_or(Interrupted)
    }

    fn writable(&self) -> Result<H160, Interrupted> {
        let top = self.top()?;
        if top.is_static { Err(Interrupted) } else { Ok(top.frame.address) }
    }

    /// Ends the test if a contract emitted or reverted with what its ABI does not hold.
    fn refuse_undeclared(&mut self) {
        let undeclared = std::mem::take(&mut self.undeclared);
        assert!(undeclared.is_empty(), "{}", undeclared.join("\n"));
    }

    /// Runs a frame; its effects are undone unless it returns.
    fn enter(&mut self, code: fn() -> Vec<u8>, active: Active) -> Outcome {
        let before = self.state.clone();
        self.frames.push(active);
        let outcome = run_entry(code, self);
        self.frames.pop();
        if !matches!(outcome, Outcome::Return(_)) {
            self.state = before;
        }
        outcome
    }

    /// Moves coins, if there are so many.
    fn pay(&mut self, from: H160, to: H160, value: U256) -> bool {
        if value.is_zero() {
            return true;
        }
        let Some(left) = self.balance_of(from.into()).checked_sub(value) else { return false };
        self.set_balance(from.into(), left);
        let received = self.balance_of(to.into()).saturating_add(value);
        self.set_balance(to.into(), received);
        true
    }

    fn message(&mut self, caller: H160, request: CallRequest<'_>, is_static: bool) -> Outcome {
        let before = self.state.clone();
        let above = self.frames.last().cloned().unwrap_or_default();
        let frame = match request.kind {
            CallKind::Delegate => Frame { input: request.input.to_vec(), ..above.frame },
            CallKind::Call | CallKind::Static => Frame {
                address: request.target,
                caller,
                value: request.value,
                input: request.input.to_vec(),
                is_reentrant: self
                    .frames
                    .iter()
                    .any(|below| below.frame.address == request.target && !below.is_delegate),
            },
        };
        if !self.pay(caller, request.target, request.value) {
            return Outcome::Interrupted;
        }
        let Some(code) = self.state.codes.get(&request.target).copied() else {
            return Outcome::Return(Vec::new());
        };
        let is_delegate = request.kind == CallKind::Delegate;
        let is_static = is_static || above.is_static || request.kind == CallKind::Static;
        let outcome = self.enter(
            code.call,
            Active { frame, is_static, is_delegate, declared: Some(code.declared), heard: Heard::default() },
        );
        if !matches!(outcome, Outcome::Return(_)) {
            self.state = before;
        }
        outcome
    }
}

/// The address that CREATE gives: the hash of creator and nonce as an RLP list.
fn created_by(creator: H160, nonce: u64) -> H160 {
    let digits: Vec<u8> = nonce.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    let mut list = vec![0x94];
    list.extend_from_slice(&creator.0);
    // A byte below 128 stands for itself; the nonce of a contract is never 0.
    if digits.len() > 1 || digits.first().is_some_and(|&byte| byte >= 0x80) {
        list.push(0x80 + digits.len() as u8);
    }
    list.extend_from_slice(&digits);
    hashed(&[&[0xc0 + list.len() as u8], &list])
}

/// The address that CREATE2 gives (EIP-1014).
fn created_with(creator: H160, salt: H256, payload: &[u8]) -> H160 {
    hashed(&[&[0xff], &creator.0, &salt.0, &keccak256(payload)])
}

fn hashed(parts: &[&[u8]]) -> H160 {
    let hash = keccak256(&parts.concat());
    H160::from_slice(hash.get(12..).unwrap_or_default())
}

fn set(slots: &mut Slots, key: (H160, H256), value: H256) {
    if value.is_zero() {
        slots.remove(&key);
    } else {
        slots.insert(key, value);
    }
}

impl Host for MemoryHost {
    fn frame(&mut self) -> Frame {
        self.frames.last().map(|active| active.frame.clone()).unwrap_or_default()
    }

    fn transaction(&mut self) -> TransactionContext {
        self.transaction.clone()
    }

    fn block(&mut self) -> BlockContext {
        self.block.clone()
    }

    fn gas_left(&mut self) -> u64 {
        u64::MAX
    }

    fn block_hash(&mut self, _number: u64) -> Result<H256, Interrupted> {
        Ok(H256::zero())
    }

    fn storage_load(&mut self, key: H256) -> Result<H256, Interrupted> {
        let address = self.top()?.frame.address;
        Ok(self.storage(address.into(), key))
    }

    fn storage_store(&mut self, key: H256, value: H256) -> Result<(), Interrupted> {
        let address = self.writable()?;
        set(&mut self.state.storage, (address, key), value);
        Ok(())
    }

    fn transient_load(&mut self, key: H256) -> Result<H256, Interrupted> {
        let address = self.top()?.frame.address;
        Ok(self.state.transient.get(&(address, key)).copied().unwrap_or_default())
    }

    fn transient_store(&mut self, key: H256, value: H256) -> Result<(), Interrupted> {
        let address = self.writable()?;
        set(&mut self.state.transient, (address, key), value);
        Ok(())
    }

    fn balance(&mut self, account: H160) -> Result<U256, Interrupted> {
        Ok(self.balance_of(account.into()))
    }

    fn code_hash(&mut self, _account: H160) -> Result<H256, Interrupted> {
        Err(Interrupted)
    }

    fn code_size(&mut self, account: H160) -> Result<u32, Interrupted> {
        // A contract in the middle of its constructor has no code yet, and none of ours has a real size.
        Ok(u32::from(self.state.codes.contains_key(&account)))
    }

    fn log(&mut self, topics: &[H256], data: &[u8]) -> Result<(), Interrupted> {
        let address = self.writable()?.into();
        self.state.logs.push(Emitted { address, topics: topics.to_vec(), data: data.to_vec() });
        Ok(())
    }

    fn call(&mut self, request: CallRequest<'_>) -> Result<CallResult, Interrupted> {
        let top = self.top()?;
        if top.is_static && !request.value.is_zero() {
            return Err(Interrupted);
        }
        let (caller, is_static) = (top.frame.address, top.is_static);
        Ok(match self.message(caller, request, is_static) {
            Outcome::Return(output) => CallResult::Success(output),
            Outcome::Revert(output) => {
                if let Some(top) = self.frames.last_mut() {
                    top.heard.hear(&output);
                }
                CallResult::Revert(output)
            }
            Outcome::Interrupted => CallResult::Halt,
        })
    }

    fn emits(&mut self, event: &'static EventItem) {
        let declared = self.frames.last().and_then(|top| top.declared);
        self.undeclared.extend(declared.and_then(|declared| declared.lacks_event(event)));
    }

    fn raises(&mut self, errors: &'static ErrorSet, data: &[u8]) {
        let lacking = self.frames.last().and_then(|top| top.declared?.lacks_error(errors, data, &top.heard));
        self.undeclared.extend(lacking);
    }

    fn code_of(&mut self, contract: &NativeContract) -> Option<Vec<u8>> {
        let code = format!("natively {}::{};", contract.library, contract.declared.name).into_bytes();
        self.embedded.insert(code.clone(), *contract);
        Some(code)
    }

    fn create(&mut self, request: CreateRequest<'_>) -> Result<CreateResult, Interrupted> {
        let creator = self.writable()?;
        let found = self.embedded.iter().find(|(code, _)| request.payload.starts_with(code));
        let Some((code, contract)) = found.map(|(code, contract)| (code.len(), *contract)) else {
            return Err(Interrupted);
        };
        let before = self.state.clone();
        let nonce = self.state.created.entry(creator).or_insert(0);
        *nonce += 1;
        let address = match request.salt {
            Some(salt) => created_with(creator, salt, request.payload),
            None => created_by(creator, *nonce),
        };
        if self.state.codes.contains_key(&address) || !self.pay(creator, address, request.value) {
            return Ok(CreateResult::Halt);
        }
        let frame = Frame {
            address,
            caller: creator,
            value: request.value,
            input: request.payload.get(code..).unwrap_or_default().to_vec(),
            is_reentrant: false,
        };
        let declared = contract.declared;
        let outcome = self.enter(contract.deploy, Active { frame, declared: Some(declared), ..Active::default() });
        if !matches!(outcome, Outcome::Return(_)) {
            // The creator's nonce stays.
            let created = std::mem::take(&mut self.state.created);
            self.state = State { created, ..before };
        }
        Ok(match outcome {
            Outcome::Return(_) => {
                self.state.codes.insert(address, Code { call: contract.call, declared });
                CreateResult::Success(address)
            }
            Outcome::Revert(output) => {
                if let Some(top) = self.frames.last_mut() {
                    top.heard.hear(&output);
                }
                CreateResult::Revert(output)
            }
            Outcome::Interrupted => CreateResult::Halt,
        })
    }

    fn crypto(&mut self, _request: CryptoRequest<'_>) -> Result<Option<Vec<u8>>, Interrupted> {
        Err(Interrupted)
    }
}
