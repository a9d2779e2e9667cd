//! Nodes begin, end and begin again, and the faults that see to it.

use super::{Event, World};
use crate::disk::Disk;
use crate::engine::{Host, Node};
use crate::env::{Local, Request};
use crate::node_app::{BEGINS, NodeApp, NodeDisk};
use crate::plan::{CALM, Fault, MS, SECOND};
use crate::signer::SimSigner;
use crate::trace::Time;

impl World<'_> {
    pub(super) fn start(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        if self.now < slot.starts_at {
            return;
        }
        let Some(disk) = slot.disk.take() else { return };
        let chain = disk.node.as_ref().zip(self.roster.stake.as_ref()).map(|(disk, stake)| disk.chain(stake));
        let head = chain.as_ref().map_or_else(|| disk.head(), |chain| chain.head().block.header.number);
        if head < slot.head_seen {
            self.checker.violated(format!("durability: node {index} starts below height {}", slot.head_seen));
        }
        if let Some(chain) = chain.as_ref().filter(|_| head > slot.head_seen) {
            // The power went when the block was durable and nobody knew.
            self.checker.commits_node(index, head, -1, chain, self.roster, &self.verifier);
            slot.head_seen = head;
        }
        slot.life += 1;
        let identity = &self.roster.nodes[index];
        let clock = self.plan.clocks[index];
        let now = clock.shows(self.now);
        let started = if chain.is_some() { BEGINS } else { 0 } + now / SECOND;
        let guarded = SimSigner::guarded(self.roster, identity, &disk.sign_state, head, started);
        let signer = if self.plan.guarded && self.checker.is_honest(index) {
            SimSigner::Guarded(guarded.clone())
        } else {
            SimSigner::bare(self.roster, identity)
        };
        self.trace.add(self.now, index, format_args!("starts on height {head}"));
        let node = disk.node.clone().zip(chain);
        let node = node.map(|(disk, chain)| NodeApp::open(self.roster, disk, chain, guarded, now));
        let mut host = Host::new(index, clock, self.plan.disks[index], disk, signer);
        host.node = node;
        host.small.misjudges = self.plan.misjudges.get(&index).cloned().unwrap_or_default();
        slot.node = Some(Node::new(host));
        slot.busy_until = self.now;
        let life = slot.life;
        let ready = self.now + self.dice.between(MS, 200 * MS);
        self.push(ready, Event::Local { node: index, life, what: Local::Host(Request::Ready) });
        self.push(ready, Event::Local { node: index, life, what: Local::Tick });
    }

    pub(super) fn crash(&mut self, index: usize, away: Time) {
        let slot = &mut self.slots[index];
        let Some(node) = slot.node.take() else { return };
        node.host.disk.wal.cut_power(&mut self.dice);
        slot.disk = Some(node.host.disk);
        slot.life += 1;
        slot.starts_at = self.now + away;
        let at = slot.starts_at;
        self.checker.tally.crashes += 1;
        self.trace.add(self.now, index, format_args!("crashes"));
        self.push(at, Event::Start(index));
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        match fault {
            Fault::Partition(groups) => {
                self.trace.add(self.now, 0, format_args!("the network falls apart: {groups:?}"));
                self.groups = groups;
            }
            Fault::Join => self.groups.fill(0),
            Fault::Crash(index, away) => self.crash(index, away),
            Fault::CrashAll(away) => (0..self.slots.len()).for_each(|index| self.crash(index, away)),
            Fault::Wipe(index, guard_too, away) => {
                self.crash(index, away);
                let slot = &mut self.slots[index];
                if let Some(disk) = &mut slot.disk {
                    let path = disk.sign_state.clone();
                    if guard_too {
                        // It may be gone already.
                        let _ = std::fs::remove_file(&path);
                    }
                    let node = disk.node.take().map(|node| NodeDisk::new(&node.folder));
                    *disk = Disk::new(path);
                    disk.node = node;
                    if let Some(epochs) = &mut self.checker.epochs {
                        epochs.is_wiped(index);
                    }
                    slot.head_seen = 0;
                    self.trace.add(self.now, index, format_args!("is wiped"));
                }
            }
            Fault::Calm => {
                self.groups.fill(0);
                self.weather = CALM;
                self.deadly = 0;
                let goal = self.checker.height() + self.plan.heights_after;
                self.goal = Some((goal, self.now));
                self.trace.add(self.now, 0, format_args!("calm; everybody is to reach height {goal}"));
                for index in 0..self.slots.len() {
                    if self.slots[index].node.is_none() {
                        self.slots[index].starts_at = self.now;
                        self.start(index);
                    }
                }
            }
        }
    }
}
