//! Who the nodes are and who of them votes at which height: sets that are drawn beforehand and change every few heights, or
//! a genesis with the staking contract, after which the sets come out of the chain.

use std::collections::BTreeSet;
use std::time::Duration;

use alloy_primitives::{B256, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use esker::chain::genesis_hash;
use esker::consensus::context::{Height, ValidatorAddress, Voter, Voters};
use esker::consensus::domain::Domain;
use esker::home::staking::{FirstValidator, StakingPlan};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::validators::proposer;
use esker_runtime::{Genesis, Validator};
use malachite::app::types::PeerId;
use malachite::app::types::core::{Round, ValidatorSet as _};
use malachite_ed25519::{PrivateKey, PublicKey};

use super::dice::Dice;
use super::epochs::COIN;
use super::node_app::BEGINS;

/// The chain's id.
pub const CHAIN_ID: u64 = 31_337;
/// Accounts that run no validator: they delegate, and one reports.
pub const DELEGATORS: usize = 4;
/// Fewest validators of a set.
const MEMBERS_MIN: usize = 4;
/// How many sets follow each other before the first one comes again.
const SETS: usize = 24;

/// One node's identities.
pub struct Identity {
    /// Signs votes.
    pub key: PrivateKey,
    /// Verifies them.
    pub public_key: PublicKey,
    /// Signs the operator's transactions.
    pub wallet: PrivateKeySigner,
    /// The validator's name, which is its operator's account.
    pub address: ValidatorAddress,
    /// The node's name on the network.
    pub peer: PeerId,
}

/// All nodes, and the set of every height.
pub struct Roster {
    /// The chain.
    pub domain: Domain,
    /// The nodes.
    pub nodes: Vec<Identity>,
    /// Heights that one set holds for.
    span: u64,
    sets: Vec<Voters>,
    /// A chain whose sets follow the stake.
    pub stake: Option<Stake>,
}

/// A chain with staking.
pub struct Stake {
    /// What it begins with.
    pub genesis: Genesis,
    /// Blocks of an epoch.
    pub epoch_length: u64,
    /// Most validators of a set.
    pub validators_max: usize,
    /// Its pace.
    pub block_time: Duration,
    /// Accounts without a validator.
    pub delegators: Vec<PrivateKeySigner>,
    /// Nodes that do not follow the rules or lose their record: their stake stays what genesis gave them, in coins, and the
    /// others always have more than twice as much.
    pub fixed: BTreeSet<usize>,
    /// What they have together, in coins.
    pub fixed_coins: u64,
}

/// Whose keys these are follows from the seed and the name.
fn wallet(seed: u64, name: &str) -> PrivateKeySigner {
    let key = keccak256(format!("esker simulation {seed} account {name}"));
    PrivateKeySigner::from_bytes(&key).expect("a hash is a key but with probability 2^-128")
}

fn identity(seed: u64, index: usize) -> Identity {
    let bytes = keccak256(format!("esker simulation {seed} node {index}"));
    let key = PrivateKey::from(bytes.0);
    let public_key = key.public_key();
    let wallet = wallet(seed, &format!("operator {index}"));
    let address = ValidatorAddress(wallet.address());
    // A multihash of the kind "identity": code 0, length, the bytes.
    let mut multihash = vec![0, 8];
    multihash.extend_from_slice(&(index as u64).to_be_bytes());
    let peer = PeerId::from_bytes(&multihash).expect("short identity hashes are peer ids");
    Identity { key, public_key, wallet, address, peer }
}

impl Roster {
    /// Draws `count` nodes and who votes when. With `rotates`, members and powers change every few heights.
    pub fn draw(dice: &mut Dice, seed: u64, count: usize, rotates: bool) -> Self {
        let nodes: Vec<Identity> = (0..count).map(|index| identity(seed, index)).collect();
        let alike = dice.happens(250_000);
        let power = |dice: &mut Dice| if alike { 10 } else { dice.between(1, 100) };
        let mut members: Vec<(usize, u64)> = (0..count).map(|index| (index, power(dice))).collect();
        let mut sets = Vec::new();
        let mut span = u64::MAX;
        if rotates {
            span = dice.between(1, 6);
            while members.len() > MEMBERS_MIN && dice.happens(500_000) {
                members.remove(dice.index(members.len()));
            }
        }
        for _ in 0..if rotates { SETS } else { 1 } {
            let validators: Vec<Validator> = members
                .iter()
                .map(|(index, power)| Validator {
                    address: nodes[*index].address.0,
                    public_key: B256::from_slice(nodes[*index].public_key.as_bytes()),
                    power: *power,
                })
                .collect();
            sets.push(Voters::new(&validators).expect("the set that was drawn is one"));
            for _ in 0..dice.between(1, 2) {
                let absent: Vec<usize> =
                    (0..count).filter(|index| members.iter().all(|member| member.0 != *index)).collect();
                match dice.below(4) {
                    0 if !absent.is_empty() => {
                        let place = dice.index(members.len());
                        members[place] = (dice.pick(&absent), power(dice));
                    }
                    1 if !absent.is_empty() => members.push((dice.pick(&absent), power(dice))),
                    2 if members.len() > MEMBERS_MIN => {
                        members.remove(dice.index(members.len()));
                    }
                    _ => {
                        let place = dice.index(members.len());
                        members[place].1 = power(dice);
                    }
                }
            }
            dice.shuffle(&mut members);
        }
        let domain = Domain { chain_id: CHAIN_ID, genesis: keccak256(seed.to_be_bytes()) };
        Self { domain, nodes, span, sets, stake: None }
    }

    /// `count` nodes of a chain with staking, whose first validators are these nodes with so many coins each.
    pub fn staked(
        seed: u64,
        count: usize,
        first: &[(usize, u64)],
        fixed: &[usize],
        block_time: Duration,
        plan: &StakingPlan,
    ) -> Self {
        let nodes: Vec<Identity> = (0..count).map(|index| identity(seed, index)).collect();
        let delegators: Vec<_> = (0..DELEGATORS).map(|index| wallet(seed, &format!("delegator {index}"))).collect();
        let mut genesis = Genesis::new(CHAIN_ID, 60_000_000, BEGINS);
        let balance = U256::from(10).pow(U256::from(25));
        for owner in nodes.iter().map(|node| &node.wallet).chain(&delegators) {
            genesis.alloc.insert(owner.address(), GenesisAccount { balance, ..GenesisAccount::default() });
        }
        let entry = |(node, self_bond): &(usize, u64)| FirstValidator {
            operator: nodes[*node].address.0,
            public_key: B256::from_slice(nodes[*node].public_key.as_bytes()),
            reporter: None,
            commission_bps: 0,
            self_bond: U256::from(*self_bond) * U256::from(COIN),
        };
        let entries: Vec<_> = first.iter().map(entry).collect();
        plan.put_into(&mut genesis, &entries).expect("the plan is sound");
        let domain = Domain { chain_id: CHAIN_ID, genesis: genesis_hash(&genesis).expect("the genesis is good") };
        let stake = Stake {
            genesis,
            epoch_length: plan.epoch_length.into(),
            validators_max: plan.max_validators.into(),
            block_time,
            delegators,
            fixed: fixed.iter().copied().collect(),
            fixed_coins: first.iter().filter(|(node, _)| fixed.contains(node)).map(|(_, coins)| coins).sum(),
        };
        Self { domain, nodes, span: u64::MAX, sets: Vec::new(), stake: Some(stake) }
    }

    /// The set that decides about `height`.
    pub fn voters(&self, height: u64) -> &Voters {
        &self.sets[((height / self.span) as usize) % self.sets.len()]
    }

    /// Who proposes.
    pub fn proposer(&self, height: Height, round: Round) -> &Voter {
        let voters = self.voters(height.0).as_slice();
        &voters[proposer::index(voters.iter().map(Voter::power), height.0, round.as_u32().unwrap_or(0))]
    }

    /// The node with this address.
    pub fn index_of(&self, address: ValidatorAddress) -> Option<usize> {
        self.nodes.iter().position(|node| node.address == address)
    }

    /// The node that the network knows by this name.
    pub fn peer(&self, peer: &PeerId) -> Option<usize> {
        self.nodes.iter().position(|node| node.peer == *peer)
    }

    /// Whether `nodes` hold less than a third of the power in every set.
    pub fn is_minority(&self, nodes: &[usize]) -> bool {
        self.sets.iter().all(|set| {
            let power: u64 = nodes
                .iter()
                .filter_map(|index| set.get_by_address(&self.nodes[*index].address))
                .map(Voter::power)
                .sum();
            power * 3 < set.total_voting_power()
        })
    }
}
