//! The simulated world: a clock, a queue of events, a network between nodes. One thread, one seed.

mod lives;
mod network;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use alloy_primitives::B256;
use bytes::Bytes;
use esker::consensus::context::ValidatorAddress;
use esker_runtime::Validator;
use malachite::app::metrics::Metrics;

use self::network::ask_peers;
use crate::byzantine::Scheme;
use crate::checker::{Checker, Tally};
use crate::dice::Dice;
use crate::disk::Disk;
use crate::engine::Node;
use crate::env::{Env, Local, Out, Stop};
use crate::epochs::Seen;
use crate::kills::Doom;
use crate::load::Load;
use crate::node_app::NodeDisk;
use crate::plan::{Fault, MS, Plan, SECOND, Weather};
use crate::roster::Roster;
use crate::signer::OnceVerifier;
use crate::sync::Sync;
use crate::trace::{Time, Trace};

/// How long after the calm every honest node must have gone on.
const LIVE_WITHIN: Time = 120 * SECOND;
/// More events than any run has.
const EVENTS_MAX: u64 = 20_000_000;

/// What happens.
pub enum Event {
    Frame { from: usize, to: usize, bytes: Bytes },
    Local { node: usize, life: u64, what: Local },
    Fault(Fault),
    Start(usize),
    Stir(usize),
    Load,
}

/// A node, up or down.
pub struct Slot {
    /// It runs.
    pub node: Option<Node>,
    /// Its disk, while it is down.
    pub disk: Option<Disk>,
    life: u64,
    busy_until: Time,
    head_seen: u64,
    starts_at: Time,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What must not happen and did.
    pub violation: Option<String>,
    /// What was seen.
    pub tally: Tally,
    /// Who was found to have signed two things, by whom: votes, proposals.
    pub evidence: BTreeMap<(usize, usize), (usize, usize)>,
    /// Hash and length of the trace.
    pub digest: (B256, u64),
    /// The last height.
    pub height: u64,
    /// How long after the calm every honest node had gone on.
    pub recovery: Option<Time>,
    /// Events.
    pub events: u64,
    /// Whether the step came at which a node was to die.
    pub died: bool,
    /// Who died at the step with a name.
    pub struck: BTreeSet<usize>,
    /// What was seen of epochs.
    pub seen: Seen,
    /// Who decided at each height, on a chain with staking.
    pub sets: Vec<BTreeSet<usize>>,
}

/// The world.
pub struct World<'a> {
    pub(super) plan: &'a Plan,
    pub(super) roster: &'a Roster,
    pub(super) now: Time,
    queue: BTreeMap<(Time, u64), Event>,
    order: u64,
    pub(super) slots: Vec<Slot>,
    groups: Vec<u8>,
    weather: Weather,
    deadly: u64,
    step: Option<u64>,
    doom: Doom,
    pub(super) load: Option<Load>,
    goal: Option<(u64, Time)>,
    recovery: Option<Time>,
    scheme: Scheme,
    pub(super) dice: Dice,
    pub(super) checker: Checker,
    trace: Trace,
    verifier: OnceVerifier,
    metrics: Metrics,
}

/// Runs what a seed stands for; the guards' files lie in `folder`.
pub fn run(plan: &Plan, roster: &Roster, folder: &Path, prints: bool) -> Outcome {
    World::new(plan, roster, folder, prints).run()
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan, roster: &'a Roster, folder: &Path, prints: bool) -> Self {
        let count = roster.nodes.len();
        let slot = |index: usize| {
            let path = folder.join(format!("sign-state-{index}.json"));
            std::fs::write(&path, esker::consensus::sign_state::fresh()).expect("the folder is empty");
            let mut disk = Disk::new(path);
            disk.node = roster.stake.as_ref().map(|_| NodeDisk::new(&folder.join(format!("node-{index}"))));
            let disk = Some(disk);
            Slot { node: None, disk, life: 0, busy_until: 0, head_seen: 0, starts_at: 0 }
        };
        let byzantine: BTreeSet<usize> = plan.behaviours.keys().copied().collect();
        let mut world = Self {
            plan,
            roster,
            now: 0,
            queue: BTreeMap::new(),
            order: 0,
            slots: (0..count).map(slot).collect(),
            groups: vec![0; count],
            weather: plan.weather,
            deadly: plan.deadly,
            step: plan.step.map(|(_, step)| step),
            doom: Doom::new(plan.kill.clone()),
            load: None,
            goal: None,
            recovery: None,
            scheme: Scheme::default(),
            dice: Dice::new(plan.seed, 3),
            checker: Checker::new(roster.domain.genesis, byzantine),
            trace: Trace::new(prints),
            verifier: OnceVerifier::new(roster.domain),
            metrics: Metrics::new(),
        };
        world.begin_staking();
        for index in 0..count {
            let at = world.dice.below(300 * MS);
            world.push(at, Event::Start(index));
        }
        for (at, fault) in &plan.faults {
            world.push(*at, Event::Fault(fault.clone()));
        }
        for node in plan.behaviours.keys() {
            world.push(SECOND, Event::Stir(*node));
        }
        world
    }

    pub(super) fn push(&mut self, at: Time, event: Event) {
        self.order += 1;
        self.queue.insert((at.max(self.now), self.order), event);
    }

    fn run(mut self) -> Outcome {
        let mut events = 0;
        while self.checker.violation.is_none() && self.recovery.is_none() {
            let Some(((at, _), event)) = self.queue.pop_first() else {
                self.checker.violated("liveness: nothing is left to happen".to_owned());
                break;
            };
            self.now = at;
            events += 1;
            self.handle(event);
            self.judge_progress(events);
        }
        self.judge_evidence();
        Outcome {
            violation: self.checker.violation.take(),
            tally: self.checker.tally,
            height: self.checker.height(),
            digest: self.trace.digest(),
            evidence: self.checker.evidence,
            recovery: self.recovery,
            events,
            died: self.plan.step.is_some() && self.step.is_none(),
            struck: self.doom.struck,
            seen: self.checker.epochs.map(|epochs| epochs.seen).unwrap_or_default(),
            sets: self.scheme.sets,
        }
    }

    fn judge_progress(&mut self, events: u64) {
        let Some((goal, since)) = self.goal else { return };
        let behind: Vec<(usize, u64)> = self
            .slots
            .iter()
            .enumerate()
            .filter(|(index, slot)| {
                let is_gone = self.plan.is_gone(*index, slot.head_seen);
                self.checker.is_honest(*index) && !is_gone && slot.head_seen < goal
            })
            .map(|(index, slot)| (index, slot.head_seen))
            .collect();
        if behind.is_empty() {
            self.recovery = Some(self.now - since);
        } else if self.now > since + LIVE_WITHIN || events > EVENTS_MAX {
            let where_at: Vec<_> =
                self.slots.iter().map(|slot| slot.node.as_ref().map(|node| node.position())).collect();
            self.checker.violated(format!(
                "liveness: {} s after the calm these are not at height {goal}: {behind:?}; at work on {where_at:?}",
                (self.now - since) / SECOND
            ));
        }
    }

    fn handle(&mut self, event: Event) {
        let node = match &event {
            Event::Frame { to, .. } => Some(*to),
            Event::Local { node, life, .. } if *life == self.slots[*node].life => Some(*node),
            Event::Local { .. } => return,
            _ => None,
        };
        if let Some(node) = node {
            let busy = self.slots[node].busy_until;
            if busy > self.now {
                return self.push(busy, event);
            }
        }
        match event {
            Event::Frame { from, to, bytes } => self.deliver(from, to, &bytes),
            Event::Local { node, what, .. } => self.act(node, |node, env| match what {
                Local::Engine(message) => node.handle(message, env),
                Local::Host(request) => node.host.answer(request, env),
                Local::Tick => {
                    tick(node, env);
                    Ok(())
                }
            }),
            Event::Fault(fault) => self.fault(fault),
            Event::Start(index) => self.start(index),
            Event::Stir(index) => self.stir(index),
            Event::Load => self.load(),
        }
    }

    /// Lets a node do something, and sends on what leaves it.
    fn act(&mut self, index: usize, what: impl FnOnce(&mut Node, &mut Env<'_>) -> Result<(), Stop>) {
        let Some(mut node) = self.slots[index].node.take() else { return };
        let mut nothing = None;
        let watched = self.plan.step.is_some_and(|(node, _)| node == index);
        let mut env = Env {
            now: self.now,
            spent: 0,
            roster: self.roster,
            plan: self.plan,
            verifier: &self.verifier,
            metrics: &self.metrics,
            dice: &mut self.dice,
            checker: &mut self.checker,
            trace: &mut self.trace,
            out: Vec::new(),
            deadly: self.deadly,
            step: if watched { &mut self.step } else { &mut nothing },
            node: index,
            doom: &mut self.doom,
        };
        let struck = env.doom.struck.len();
        let result = what(&mut node, &mut env);
        let (mut out, spent) = (env.out, env.spent);
        let all_die = self.doom.is_general() && self.doom.struck.len() > struck;
        let slot = &mut self.slots[index];
        slot.busy_until = self.now + spent;
        let head = node.host.head();
        if head < slot.head_seen {
            self.checker.violated(format!("durability: node {index} fell from height {} to {head}", slot.head_seen));
        }
        slot.head_seen = slot.head_seen.max(head);
        slot.node = Some(node);
        match result {
            Ok(()) if self.plan.is_gone(index, head) => self.crash(index, Time::MAX / 2),
            Ok(()) => {}
            Err(Stop::Crash) => {
                // What was handed to the network last may not have left.
                out.truncate(self.dice.index(out.len() + 1));
                let away = self.dice.pick(&[5 * MS, 100 * MS, SECOND]);
                self.crash(index, away);
                if all_die {
                    (0..self.slots.len()).for_each(|index| self.crash(index, away));
                }
            }
            Err(Stop::Broken(why)) => {
                if self.checker.is_honest(index) {
                    self.checker.violated(format!("node {index} gives up: {why}"));
                }
                self.crash(index, SECOND);
            }
        }
        let life = self.slots[index].life;
        for (at, out) in out {
            self.leave(index, life, at, out);
        }
        if let Some(epochs) = &self.checker.epochs {
            while let Some(set) = epochs.set(self.scheme.sets.len() as u64 + 1) {
                let node = |validator: &Validator| self.roster.index_of(ValidatorAddress(validator.address));
                self.scheme.sets.push(set.iter().filter_map(node).collect());
            }
        }
    }

    fn stir(&mut self, index: usize) {
        if let Some(node) = &self.slots[index].node {
            let position = node.position();
            for (to, bytes) in self.scheme.stirs(index, position, self.plan, self.roster, &mut self.dice) {
                self.send(self.now, index, to, bytes);
            }
        }
        let next = self.now + self.dice.between(50 * MS, 400 * MS);
        self.push(next, Event::Stir(index));
    }
}

fn tick(node: &mut Node, env: &mut Env<'_>) {
    let peer = env.roster.nodes[node.host.index].peer;
    env.emit(Out::Broadcast(Sync::status(peer, node.host.head())));
    ask_peers(node, env);
    let next = env.now + node.host.clock.takes(400 * MS);
    env.later(next, Local::Tick);
}
