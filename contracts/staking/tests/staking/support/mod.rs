//! A chain with the staking contract on it, and what its runtime would do.

pub mod messages;

use esker_sdk::{Address, U256, abi::keccak256};
use esker_sdk_test::{CHAIN_ID, Chain, Run, Sent, User};
use esker_staking::math::COIN;
use esker_staking::{GenesisValidator, NextValidator, Params, SYSTEM, Staking, StakingHandle};

use messages::{SignedFor, possession, public_key, sign};

/// The runtime, as a sender.
pub const RUNTIME: User = User { address: SYSTEM };

/// So many coins, in wei.
pub fn coins(number: u64) -> U256 {
    U256::from(number) * COIN
}

/// Demands rewards of `want` wei: rounding may have taken one at each of `times` payments, and never gives any.
#[track_caller]
pub fn assert_rewards(have: U256, want: U256, times: u64) {
    assert!(have <= want && want - have <= U256::from(times), "{have} wei of rewards where {want} were earned");
}

/// Parameters for tests: 3 epochs of evidence, 4 of unbonding, a slash of a tenth.
pub fn params() -> Params {
    Params {
        epoch_length: 50,
        unbonding_epochs: 4,
        evidence_epochs: 3,
        max_validators: 4,
        min_self_bond: coins(10),
        min_delegation: coins(1),
        slash_bps: 1_000,
        reporter_bps: 500,
        jail_epochs: 2,
        missed_slots_bps: 5_000,
        missed_slots_min: 3,
        max_commission_step_bps: 500,
        inflation_per_block: U256::from(7),
    }
}

/// A genesis validator whose key has this seed: 10 % commission.
pub fn genesis_validator(operator: impl Into<Address>, seed: u8, self_bond: U256) -> GenesisValidator {
    GenesisValidator { operator: operator.into(), public_key: public_key(seed), commission_bps: 1_000, self_bond }
}

/// The address of the contract that `deployer` creates in its transaction `nonce`, below 128.
fn created(deployer: Address, nonce: u8) -> Address {
    let rlp = [&[0xd6, 0x94], &deployer.0[..], &[if nonce == 0 { 0x80 } else { nonce }]].concat();
    let hash = keccak256(&rlp);
    Address(hash[12..].try_into().expect("20 bytes"))
}

/// The contract on a chain. Every transaction is a block.
pub struct World<'a> {
    pub chain: &'a mut Chain,
    pub staking: StakingHandle,
    pub params: Params,
    /// Coins that the contract had before it was deployed. Rewards are taken from them: the runtime credits them without a
    /// call, which a transaction cannot do.
    pub treasury: U256,
}

impl<'a> World<'a> {
    /// Deploys it with `params`; `deployer` pays the self-bonds.
    #[track_caller]
    pub fn with(chain: &'a mut Chain, deployer: User, params: Params, validators: &[GenesisValidator]) -> Self {
        let treasury = coins(100_000);
        let place = created(deployer.address, 1);
        chain.send_raw(deployer, place, treasury, &[]).succeeds();
        let value = validators.iter().map(|validator| validator.self_bond).sum();
        let deployment = StakingHandle::constructor(params.clone(), validators);
        let sent = chain.try_deploy_with::<Staking>(deployer, value, deployment).succeeds();
        if chain.run() == Run::Wasm && validators.len() > 50 {
            println!("deployed with {} validators: {} gas", validators.len(), sent.gas_used());
        }
        assert_eq!(sent.created(), Some(place));
        let mut world = Self { chain, staking: StakingHandle::at(place), params, treasury };
        // The first block ends: from now on it knows the chain.
        world.end_block(Address::ZERO, U256::ZERO, &[]);
        world
    }

    /// Three validators with 100, 60 and 40 coins, keys of seeds 1 to 3.
    #[track_caller]
    pub fn new(chain: &'a mut Chain, deployer: User, operators: [User; 3]) -> Self {
        let bonds = [100, 60, 40];
        let validators: Vec<_> =
            (0..3).map(|i| genesis_validator(operators[i], i as u8 + 1, coins(bonds[i]))).collect();
        Self::with(chain, deployer, params(), &validators)
    }

    /// What the runtime does after a block.
    #[track_caller]
    pub fn end_block(&mut self, proposer: impl Into<Address>, rewards: U256, missed: &[Address]) {
        self.treasury -= rewards;
        let call = self.staking.end_block(proposer.into(), rewards, 0, missed);
        self.chain.send(RUNTIME, call).succeeds().emits_nothing();
        self.check();
    }

    /// What the runtime does after an epoch's last block. The next transaction is in the next epoch.
    #[track_caller]
    pub fn end_epoch(&mut self) -> Vec<NextValidator> {
        let sent = self.chain.send(RUNTIME, self.staking.end_epoch()).succeeds().emits_nothing();
        // The block of the call belongs to the epoch that it ends.
        let length = u64::from(self.params.epoch_length);
        let last = (self.chain.height() - 1) / length * length + length;
        self.chain.pass_blocks(last - self.chain.height());
        self.check();
        sent.returned()
    }

    /// The same, several times.
    #[track_caller]
    pub fn end_epochs(&mut self, count: u32) {
        for _ in 0..count {
            self.end_epoch();
        }
    }

    /// The chain that messages are signed for.
    pub fn signed_for(&self) -> SignedFor {
        SignedFor { chain_id: CHAIN_ID, genesis: self.chain.genesis_hash() }
    }

    /// A good proof of possession.
    pub fn proof(&self, operator: User, seed: u8) -> Vec<u8> {
        sign(seed, &possession(CHAIN_ID, self.staking.address(), operator.address, public_key(seed)))
    }

    /// Somebody becomes a validator with the key of this seed.
    pub fn create(&mut self, operator: User, seed: u8, stake: U256) -> Sent<()> {
        let proof = self.proof(operator, seed);
        let call = self.staking.create_validator(public_key(seed), &proof, 1_000, "new").value(stake);
        self.chain.send(operator, call)
    }

    /// Somebody delegates.
    pub fn delegate(&mut self, delegator: User, validator: User, amount: U256) -> Sent<()> {
        let call = self.staking.delegate(validator.address).value(amount);
        self.chain.send(delegator, call)
    }

    /// Two prevotes by the validator's key at a height: messages and signatures.
    pub fn double_vote(&self, validator: User, seed: u8, height: u64) -> [Vec<u8>; 4] {
        let on = self.signed_for();
        let first = on.vote(0, height, 0, Some([1; 32]), validator.address);
        let second = on.vote(0, height, 0, None, validator.address);
        let signatures = [sign(seed, &first), sign(seed, &second)];
        let [first_signature, second_signature] = signatures;
        [first, first_signature, second, second_signature]
    }

    /// Somebody submits evidence.
    pub fn submit(
        &mut self,
        reporter: User,
        [first, first_signature, second, second_signature]: &[Vec<u8>; 4],
    ) -> Sent<()> {
        let call = self.staking.submit_evidence(first, first_signature, second, second_signature, Address::ZERO);
        self.chain.send(reporter, call)
    }

    /// A validator's two votes in the first block of an epoch are submitted.
    pub fn punish(&mut self, reporter: User, validator: User, seed: u8, epoch: u64) -> Sent<()> {
        let height = epoch * u64::from(self.params.epoch_length) + 1;
        let evidence = self.double_vote(validator, seed, height);
        self.submit(reporter, &evidence)
    }

    /// What somebody's stake in a validator is worth.
    pub fn stake(&mut self, delegator: User, validator: User) -> U256 {
        self.chain.read(self.staking.delegation(delegator.address, validator.address)).stake
    }

    /// All parts of the contract's coins are its balance, to the wei.
    #[track_caller]
    pub fn check(&mut self) {
        let totals = self.chain.read(self.staking.totals());
        let parts = [
            totals.bonded,
            totals.unbonding,
            totals.rewards,
            totals.commissions,
            totals.unallocated,
            totals.burned,
            totals.reports,
        ];
        let sum: U256 = parts.into_iter().sum();
        let balance = self.chain.balance(self.staking.address());
        assert_eq!(sum + self.treasury, balance, "{totals:?}");
    }
}
