//! Who the nodes are and who of them votes at which height: sets that change every few heights, as under proof of stake.

use alloy_primitives::{Address, B256, keccak256};
use esker::consensus::context::{Height, ValidatorAddress, Voter, Voters};
use esker::consensus::domain::Domain;
use esker_runtime::Validator;
use esker_runtime::validators::proposer;
use malachite::app::types::PeerId;
use malachite::app::types::core::{Round, ValidatorSet as _};
use malachite_ed25519::{PrivateKey, PublicKey};

use super::dice::Dice;

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
    /// The validator's name.
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
}

fn identity(seed: u64, index: usize) -> Identity {
    let bytes = keccak256(format!("esker simulation {seed} node {index}"));
    let key = PrivateKey::from(bytes.0);
    let public_key = key.public_key();
    let address = ValidatorAddress(Address::from_slice(&keccak256(public_key.as_bytes())[12..]));
    // A multihash of the kind "identity": code 0, length, the bytes.
    let mut multihash = vec![0, 8];
    multihash.extend_from_slice(&(index as u64).to_be_bytes());
    let peer = PeerId::from_bytes(&multihash).expect("short identity hashes are peer ids");
    Identity { key, public_key, address, peer }
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
        let domain = Domain { chain_id: 31_337, genesis: keccak256(seed.to_be_bytes()) };
        Self { domain, nodes, span, sets }
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
