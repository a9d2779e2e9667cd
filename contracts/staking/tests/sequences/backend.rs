//! Where sequences run: on the fast host, or on a chain with the runtime's executor.

use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use esker_sdk::abi::{Output, keccak256};
use esker_sdk::{Address, B256, Entry, FixedBytes, MethodCall, U256};
use esker_sdk_test::{CHAIN_ID, Chain, End, User};
use esker_staking::{GenesisValidator, Params, STAKING, SYSTEM, Staking, StakingHandle};

use crate::host::{self, FastHost, fake_signature};

/// A chain with the contract on it.
pub trait Backend {
    fn staking(&self) -> StakingHandle;
    /// A transaction: what it returned or reverted with.
    fn transact(&mut self, from: Address, value: u128, input: &[u8]) -> Result<Vec<u8>, Vec<u8>>;
    /// What a view returns.
    fn view(&mut self, input: &[u8]) -> Vec<u8>;
    /// The number of the block of the next transaction.
    fn height(&self) -> u64;
    /// Goes to the first block of the next epoch.
    fn next_epoch(&mut self, length: u64);
    /// Gives the contract a block's rewards, as the runtime does.
    fn credit(&mut self, rewards: u128);
    /// Coins of the contract.
    fn holdings(&self) -> U256;
    fn balance(&self, of: Address) -> U256;
    /// Whether an account refuses to be paid from now on, where that can be had.
    fn refuse(&mut self, who: Option<Address>);
    fn public_key(&self, seed: u8) -> B256;
    fn sign(&self, seed: u8, message: &[u8]) -> Vec<u8>;
    /// Chain id and hash of block 0.
    fn domain(&self) -> (u64, B256);

    fn send<M, O: Output>(&mut self, from: Address, call: &MethodCall<M, O>) -> Result<O::Value, Vec<u8>> {
        let value = call.sent_value().to_u128().expect("the tests' amounts are small");
        let output = self.transact(from, value, call.input())?;
        Ok(MethodCall::<M, O>::decode(&output).expect("a method returns what it says"))
    }

    fn read<M, O: Output>(&mut self, call: &MethodCall<M, O>) -> O::Value {
        let output = self.view(call.input());
        MethodCall::<M, O>::decode(&output).expect("a method returns what it says")
    }
}

/// The contract alone, with everything around it made up.
pub struct Fast {
    pub host: FastHost,
}

impl Fast {
    pub fn new(rich: &[Address], params: &Params, validators: &[GenesisValidator], bonds: u128) -> Self {
        let mut host = FastHost::default();
        for account in rich {
            host.balances.insert((*account).into(), (10u128.pow(26)).into());
        }
        let input = StakingHandle::constructor(params.clone(), validators).arguments().to_vec();
        host.enter(Entry::Deploy, rich[0], bonds, input).expect("the genesis is sound");
        host.height = 1;
        Self { host }
    }

    /// The fast host's key of a seed.
    pub fn key(seed: u8) -> B256 {
        FixedBytes(keccak256(&[seed]))
    }
}

impl Backend for Fast {
    fn staking(&self) -> StakingHandle {
        StakingHandle::at(STAKING)
    }
    fn transact(&mut self, from: Address, value: u128, input: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        self.host.enter(Entry::Call, from, value, input.to_vec())
    }
    fn view(&mut self, input: &[u8]) -> Vec<u8> {
        self.host.enter(Entry::Call, SYSTEM, 0, input.to_vec()).expect("a view answers")
    }
    fn height(&self) -> u64 {
        self.host.height
    }
    fn next_epoch(&mut self, length: u64) {
        self.host.height = (self.host.height - 1) / length * length + length + 1;
    }
    fn credit(&mut self, rewards: u128) {
        *self.host.balances.entry(STAKING.into()).or_default() += rewards.into();
    }
    fn holdings(&self) -> U256 {
        self.host.balance_of(STAKING.into()).into()
    }
    fn balance(&self, of: Address) -> U256 {
        self.host.balance_of(of.into()).into()
    }
    fn refuse(&mut self, who: Option<Address>) {
        self.host.refusing = who.into_iter().collect();
    }
    fn public_key(&self, seed: u8) -> B256 {
        Self::key(seed)
    }
    fn sign(&self, seed: u8, message: &[u8]) -> Vec<u8> {
        fake_signature(&Self::key(seed).0, message).to_vec()
    }
    fn domain(&self) -> (u64, B256) {
        (host::CHAIN_ID, FixedBytes(host::GENESIS))
    }
}

/// The real executor; one transaction a block.
pub struct OnChain<'a> {
    chain: &'a mut Chain,
    staking: StakingHandle,
    /// What the contract had before it was deployed and was not credited yet.
    treasury: U256,
}

impl<'a> OnChain<'a> {
    pub fn new(
        chain: &'a mut Chain,
        deployer: User,
        params: &Params,
        validators: &[GenesisValidator],
        bonds: u128,
    ) -> Self {
        let treasury = U256::from(10u128.pow(23));
        let rlp = [&[0xd6, 0x94], &deployer.address.0[..], &[1]].concat();
        let place = Address(keccak256(&rlp)[12..].try_into().expect("20 bytes"));
        chain.send_raw(deployer, place, treasury, &[]).succeeds();
        let deployment = StakingHandle::constructor(params.clone(), validators);
        chain.try_deploy_with::<Staking>(deployer, bonds.into(), deployment).succeeds();
        let staking = StakingHandle::at(place);
        // As in block 1: the contract learns which chain it is on.
        chain.send(User { address: SYSTEM }, staking.end_block(Address::ZERO, 0, 0, &[])).succeeds();
        Self { chain, staking, treasury }
    }

    /// A real key's public half.
    pub fn key(seed: u8) -> B256 {
        FixedBytes(VerificationKeyBytes::from(&SigningKey::from([seed; 32])).into())
    }
}

impl Backend for OnChain<'_> {
    fn staking(&self) -> StakingHandle {
        self.staking
    }
    fn transact(&mut self, from: Address, value: u128, input: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let sent = self.chain.send_raw(User { address: from }, self.staking.address(), value.into(), input);
        match sent.end() {
            End::Success => Ok(sent.output().to_vec()),
            End::Revert => Err(sent.output().to_vec()),
            End::Halt => panic!("a call halted"),
        }
    }
    fn view(&mut self, input: &[u8]) -> Vec<u8> {
        let call = MethodCall::<esker_sdk::View, ()>::new(self.staking.address(), input.to_vec());
        self.chain.try_read(call).succeeds().output().to_vec()
    }
    fn height(&self) -> u64 {
        self.chain.height() + 1
    }
    fn next_epoch(&mut self, length: u64) {
        let last = (self.chain.height() - 1) / length * length + length;
        self.chain.pass_blocks(last - self.chain.height());
    }
    fn credit(&mut self, rewards: u128) {
        self.treasury -= rewards;
    }
    fn holdings(&self) -> U256 {
        self.chain.balance(self.staking.address()) - self.treasury
    }
    fn balance(&self, of: Address) -> U256 {
        self.chain.balance(of)
    }
    fn refuse(&mut self, _who: Option<Address>) {}
    fn public_key(&self, seed: u8) -> B256 {
        Self::key(seed)
    }
    fn sign(&self, seed: u8, message: &[u8]) -> Vec<u8> {
        SigningKey::from([seed; 32]).sign(message).to_bytes().to_vec()
    }
    fn domain(&self) -> (u64, B256) {
        (CHAIN_ID, self.chain.genesis_hash())
    }
}
