//! A contract that places its storage in every way that there is: its tests compare the slots with Solidity's, and native
//! runs with the real VM.
#![no_std]
#![allow(missing_docs, reason = "only this crate's tests call these methods")]
use esker_sdk::prelude::*;
use esker_sdk::storage::Value;

/// `contract Owned { address owner; uint64 transient entered; }`, and a proxy's admin.
#[storage]
pub struct Owned {
    pub owner: Cell<Address>,
    #[at("eip1967:admin")]
    pub admin: Cell<Address>,
    pub entered: TransientCell<u64>,
}

/// `contract Stoppable is Owned { bool stopped; }`
#[storage]
pub struct Stoppable {
    #[flatten]
    pub owned: Owned,
    pub stopped: Cell<bool>,
}

/// `contract Roles { address[N] guardians; L level; bool transient busy; }`
#[storage]
pub struct Roles<L: Value, const N: usize = 3> {
    pub guardians: Array<Address, N>,
    pub level: Cell<L>,
    pub busy: TransientCell<bool>,
}

/// A namespace as ERC-7201 has them: `struct MainStorage { uint256 x; uint256 y; }`
#[storage]
pub struct MainStorage {
    pub x: Cell<U256>,
    pub y: Cell<U256>,
}

#[derive(Abi, Stored, Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: u64,
    pub to: u64,
}

/// `struct Proposal { address proposer; uint64 id; uint256 votes; string title; Window window; uint16[] choices; uint64[5] marks; }`
#[derive(Abi, Stored, Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub proposer: Address,
    pub id: u64,
    pub votes: U256,
    pub title: String,
    pub window: Window,
    pub choices: Vec<u16>,
    pub marks: [u64; 5],
}

/// The contract.
#[contract]
pub mod places {
    use super::*;

    /// Its storage.
    #[storage]
    pub struct Places {
        first: Cell<u8>,
        #[flatten]
        stoppable: Stoppable,
        count: Cell<u64>,
        #[flatten]
        roles: Roles<u16, 2>,
        last: Cell<u16>,
        #[at("erc7201:example.main")]
        main: MainStorage,
        #[at("0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
        end: Cell<u32>,
        others: Roles<u8>,
        turn: TransientCell<u128>,
        proposals: Map<u64, Proposal>,
        queue: List<Proposal>,
        current: ProposalStorage,
        texts: Map<u8, String>,
    }

    impl Places {
        pub fn fill(&mut self, cx: &Context) -> U256 {
            self.first.set(1);
            self.stoppable.owned.owner.set(cx.sender());
            self.stoppable.owned.admin.set(cx.address());
            self.stoppable.owned.entered.set(2);
            self.stoppable.stopped.set(true);
            self.count.set(3);
            self.roles.guardians.set(0, cx.sender());
            self.roles.guardians.set(1, cx.address());
            self.roles.level.set(4);
            self.roles.busy.set(true);
            self.last.set(5);
            self.main.x.set(6);
            self.main.y.set(7);
            self.end.set(8);
            self.others.level.set(9);
            self.others.busy.set(true);
            self.turn.set(10);
            U256::from(self.turn.get()) + U256::from(self.stoppable.owned.entered.get())
        }

        pub fn propose(&mut self, proposal: Proposal) {
            self.current.store(&proposal);
            self.queue.push(proposal.clone());
            self.proposals.set(proposal.id, proposal);
        }

        pub fn vote(&mut self, id: u64, votes: U256) -> U256 {
            self.current.votes.add(votes);
            self.proposals.at_mut(id).votes.add(votes)
        }

        pub fn proposal(&self, id: u64) -> Proposal {
            self.proposals.at(id).load()
        }

        pub fn current(&self) -> Proposal {
            self.current.load()
        }

        pub fn window(&self, id: u64) -> Window {
            self.proposals.at(id).window.load()
        }

        pub fn titles(&self) -> Vec<String> {
            self.queue.iter().rev().map(|proposal| proposal.title).collect()
        }

        pub fn marked(&self, id: u64) -> u64 {
            let mut sum = 0;
            for mark in &self.proposals.at(id).marks {
                sum += mark;
            }
            sum
        }

        pub fn dequeue(&mut self, index: u64) -> Proposal {
            self.queue.swap_remove(index)
        }

        pub fn forget(&mut self, id: u64) {
            self.proposals.at_mut(id).clear();
        }

        pub fn name(&mut self, key: u8, text: String) -> String {
            self.texts.set(key, text);
            self.texts.get(key)
        }
    }
}
