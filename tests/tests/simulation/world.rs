//! The simulated world: a clock, a queue of events, a network between nodes. One thread, one seed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use alloy_primitives::B256;
use bytes::Bytes;
use esker::consensus::context::ValidatorAddress;
use esker_runtime::Validator;
use malachite::app::consensus::{Input, LivenessMsg};
use malachite::app::metrics::Metrics;
use malachite::app::streaming::StreamContent;
use malachite::app::types::SignedConsensusMsg;

use super::byzantine::Scheme;
use super::checker::{Checker, Tally};
use super::dice::Dice;
use super::disk::Disk;
use super::engine::{Host, Node};
use super::env::{Env, Local, Message, Out, Request, Stop};
use super::epochs::Seen;
use super::kills::Doom;
use super::load::Load;
use super::node_app::{BEGINS, NodeApp, NodeDisk};
use super::plan::{CALM, Fault, MS, Plan, SECOND, Weather};
use super::roster::Roster;
use super::signer::{OnceVerifier, SimSigner};
use super::sync::Sync;
use super::trace::{Time, Trace};
use super::wire::Wire;

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

    fn leave(&mut self, index: usize, life: u64, at: Time, out: Out) {
        let byzantine = !self.checker.is_honest(index);
        match out {
            Out::Alternative(height, round, block) => self.scheme.has_alternative(height, round, block),
            Out::Later(what) => self.push(at, Event::Local { node: index, life, what }),
            Out::Broadcast(wire) if byzantine => {
                for (to, bytes) in self.scheme.broadcasts(index, wire, self.plan, self.roster, &mut self.dice) {
                    self.send(at, index, to, bytes);
                }
            }
            Out::Send(to, wire) if byzantine => {
                let (to, bytes) = self.scheme.answers((index, to), wire, self.plan, self.roster, &mut self.dice);
                self.send(at, index, to, bytes);
            }
            Out::Broadcast(wire) => {
                let bytes = wire.encode();
                for to in (0..self.slots.len()).filter(|to| *to != index) {
                    self.send(at, index, to, bytes.clone());
                }
            }
            Out::Send(to, wire) => self.send(at, index, to, wire.encode()),
        }
    }

    pub(super) fn send(&mut self, at: Time, from: usize, to: usize, bytes: Bytes) {
        let Weather { delay, lost, twice, late } = self.weather;
        if self.groups[from] != self.groups[to] && !self.dice.happens(50_000) || self.dice.happens(lost) {
            return;
        }
        let copies = 1 + u64::from(self.dice.happens(twice));
        for _ in 0..copies {
            let mut takes = self.dice.between(delay.0.min(delay.1), delay.1);
            if self.dice.happens(late) {
                takes += self.dice.below(5 * SECOND);
            }
            self.push(at + takes, Event::Frame { from, to, bytes: bytes.clone() });
        }
    }

    fn deliver(&mut self, from: usize, to: usize, bytes: &Bytes) {
        if self.groups[from] != self.groups[to] {
            return;
        }
        if !self.checker.is_honest(to) {
            self.scheme.sees(bytes, &mut self.dice);
        }
        let Ok(wire) = Wire::decode(bytes) else {
            self.checker.tally.undecodable += 1;
            return;
        };
        let input = |input| Some(Message::Input(Box::new(input)));
        let message = match wire {
            Wire::Consensus(SignedConsensusMsg::Vote(vote)) | Wire::Liveness(LivenessMsg::Vote(vote)) => {
                input(Input::Vote(vote))
            }
            Wire::Consensus(SignedConsensusMsg::Proposal(proposal)) => input(Input::Proposal(proposal)),
            Wire::Liveness(LivenessMsg::PolkaCertificate(polka)) => input(Input::PolkaCertificate(polka)),
            Wire::Liveness(LivenessMsg::SkipRoundCertificate(round)) => input(Input::RoundCertificate(round)),
            Wire::Part(message) => match message.content {
                StreamContent::Data(part) => Some(Message::Part(part)),
                StreamContent::Fin => None,
            },
            Wire::Status(status) => {
                return self.act(to, |node, env| {
                    node.host.sync.heard(from, status.tip_height.0);
                    ask_peers(node, env);
                    Ok(())
                });
            }
            Wire::Request(request) => {
                return self.act(to, |node, env| {
                    let answer = node.host.serve(&request)?;
                    env.emit(Out::Send(from, answer));
                    Ok(())
                });
            }
            Wire::Response(response) => {
                return self.act(to, |node, env| {
                    node.host.sync.answered(from, response, node.position().0);
                    node.feed_synced(env)
                });
            }
            Wire::Transaction(raw) => {
                return self.act(to, |node, _| {
                    if let Some(node) = &node.host.node {
                        node.submit(&raw);
                    }
                    Ok(())
                });
            }
        };
        if let Some(message) = message {
            self.act(to, |node, env| node.handle(message, env));
        }
    }

    fn start(&mut self, index: usize) {
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

    fn crash(&mut self, index: usize, away: Time) {
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

    fn fault(&mut self, fault: Fault) {
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

fn ask_peers(node: &mut Node, env: &mut Env<'_>) {
    let height = node.position().0;
    // A height that is decided here needs nobody's help.
    if height > node.host.head()
        && let Some((peer, request)) = node.host.sync.next_request(env.now, height, env.dice)
    {
        env.emit(Out::Send(peer, request));
    }
}

fn tick(node: &mut Node, env: &mut Env<'_>) {
    let peer = env.roster.nodes[node.host.index].peer;
    env.emit(Out::Broadcast(Sync::status(peer, node.host.head())));
    ask_peers(node, env);
    let next = env.now + node.host.clock.takes(400 * MS);
    env.later(next, Local::Tick);
}
