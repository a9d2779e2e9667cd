//! What is in the world beside the nodes where the set follows the stake: accounts that move it, and who watches it.

use esker::consensus::context::ValidatorAddress;
use esker::consensus::evidence::{Evidence, EvidenceStore};

use super::epochs::Epochs;
use super::load::{Load, next_look};
use super::node_app::NodeApp;
use super::wire::Wire;
use super::world::{Event, World};

impl World<'_> {
    /// Where the set follows the stake, somebody must move it and somebody must watch it.
    pub fn begin_staking(&mut self) {
        let Some(stake) = &self.roster.stake else { return };
        let disk = self.slots[0].disk.as_ref().and_then(|disk| disk.node.as_ref());
        let head = disk.expect("nobody runs yet").chain(stake).head();
        let epochs = Epochs::new(stake, head);
        let first = epochs.set(1).unwrap_or_default();
        let first: Vec<usize> =
            first.iter().filter_map(|validator| self.roster.index_of(ValidatorAddress(validator.address))).collect();
        let mut load = Load::new(self.roster, stake, first.into_iter());
        (load.script, load.fickle) = (self.plan.script.clone(), self.plan.fickle);
        self.load = Some(load);
        self.checker.epochs = Some(epochs);
        self.push(0, Event::Load);
    }

    /// The evidence that nodes said they keep must be there at the end.
    pub fn judge_evidence(&mut self) {
        let Some(mut epochs) = self.checker.epochs.take() else { return };
        for (index, slot) in self.slots.iter().enumerate() {
            if !self.checker.is_honest(index) {
                continue;
            }
            let Some(node) = slot.node.as_ref().and_then(|node| node.host.node.as_ref()) else { continue };
            if let Err(what) = epochs.check_evidence(index, &node.evidence_folder()) {
                self.checker.violated(what);
            }
        }
        epochs.count_tombstoned(self.roster);
        self.checker.epochs = Some(epochs);
    }

    /// Accounts look at the chain and send what they want; every node hears of it, unless the network loses it.
    pub fn load(&mut self) {
        let evidence = if self.plan.reports { self.some_evidence() } else { Vec::new() };
        if let (Some(load), Some(epochs)) = (&mut self.load, &self.checker.epochs) {
            for raw in load.acts(self.now, epochs, self.roster, &evidence, &mut self.dice) {
                let bytes = Wire::Transaction(raw).encode();
                for to in 0..self.slots.len() {
                    self.send(self.now, to, to, bytes.clone());
                }
            }
            let next = next_look(self.now, &mut self.dice);
            self.push(next, Event::Load);
        }
    }

    /// What one node that runs has kept.
    fn some_evidence(&mut self) -> Vec<Evidence> {
        let node = self.slots[self.dice.index(self.slots.len())].node.as_ref();
        let folder = node.and_then(|node| node.host.node.as_ref()).map(NodeApp::evidence_folder);
        folder.map_or_else(Vec::new, |folder| {
            let store = EvidenceStore::open(&folder).expect("the folder is this test's own");
            store.all().expect("the folder is this test's own")
        })
    }
}
