//! What a seed determines before anything runs: the network, the machines, who is Byzantine and how, and which faults come.

use std::collections::{BTreeMap, BTreeSet};

use super::byzantine::Behaviour;
use super::dice::Dice;
use super::engine::Clock;
use super::kills::Kill;
use super::roster::Roster;
use super::trace::Time;

/// One millisecond.
pub const MS: Time = 1_000;
/// One second.
pub const SECOND: Time = 1_000 * MS;

/// How frames fare.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Least and greatest time on the way.
    pub delay: (Time, Time),
    /// Lost, per million.
    pub lost: u64,
    /// Delivered twice, per million.
    pub twice: u64,
    /// Delivered much later, per million.
    pub late: u64,
}

/// How frames fare when nothing is wrong.
pub const CALM: Weather = Weather { delay: (2 * MS, 20 * MS), lost: 0, twice: 0, late: 0 };

/// Something that goes wrong at a time.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Only nodes of one group reach each other.
    Partition(Vec<u8>),
    /// All reach each other again.
    Join,
    /// A node dies; it starts again after so long.
    Crash(usize, Time),
    /// Every node dies at once.
    CrashAll(Time),
    /// A node loses its data folder, and if so said the guard's file too.
    Wipe(usize, bool, Time),
    /// Nothing more goes wrong from here on.
    Calm,
}

/// All that a seed determines.
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Whether applications propose again what they built before a crash.
    pub remembers: bool,
    /// Whether nodes have the engine's log.
    pub keeps_log: bool,
    /// Whether nodes have the double-sign guard.
    pub guarded: bool,
    /// Whether what leads to a signature is durable before it is given.
    pub syncs_first: bool,
    /// Whether nodes tell the guard of every block.
    pub notes_blocks: bool,
    /// Whether nodes look at the time also of blocks that are said to be proposed again.
    pub checks_time: bool,
    /// How long a height is to take.
    pub target: Option<Time>,
    /// Longest pause between two heights.
    pub pause_max: Time,
    /// Longest time that building or judging a block takes.
    pub execution_max: Time,
    /// Frames until calm.
    pub weather: Weather,
    /// Clocks.
    pub clocks: Vec<Clock>,
    /// How long each disk takes to sync.
    pub disks: Vec<(Time, Time)>,
    /// Who does not follow the rules.
    pub behaviours: BTreeMap<usize, Behaviour>,
    /// What goes wrong, and when.
    pub faults: Vec<(Time, Fault)>,
    /// How likely a node dies at each step, per million.
    pub deadly: u64,
    /// One node dies at one step: which, and at which.
    pub step: Option<(usize, u64)>,
    /// Nodes that die at a step with a name.
    pub kill: Option<Kill>,
    /// Nodes that are gone for ever once they have this block.
    pub gone: Option<(u64, BTreeSet<usize>)>,
    /// Sets that the accounts of a chain with staking aim at: from which epoch on.
    pub script: Vec<(u64, BTreeSet<usize>)>,
    /// Whether somebody tells the contract of evidence.
    pub reports: bool,
    /// How likely they aim at another set with each epoch, per million.
    pub fickle: u64,
    /// Heights at which nodes judge wrongly.
    pub misjudges: BTreeMap<usize, Vec<u64>>,
    /// How many heights are to follow after the calm.
    pub heights_after: u64,
}

impl Plan {
    /// A network in which nothing goes wrong, with its nodes.
    pub fn quiet(seed: u64, count: usize, rotates: bool) -> (Self, Roster) {
        let mut dice = Dice::new(seed, 1);
        let roster = Roster::draw(&mut dice, seed, count, rotates);
        (Self::calm(seed, count), roster)
    }

    /// `count` nodes, of which nothing goes wrong with any.
    pub fn calm(seed: u64, count: usize) -> Self {
        Self {
            seed,
            remembers: true,
            keeps_log: true,
            guarded: true,
            syncs_first: true,
            notes_blocks: true,
            checks_time: true,
            target: None,
            pause_max: 0,
            execution_max: 5 * MS,
            weather: CALM,
            clocks: vec![Clock { offset: 0, rate: 1000 }; count],
            disks: vec![(MS / 10, MS); count],
            behaviours: BTreeMap::new(),
            faults: vec![(0, Fault::Calm)],
            deadly: 0,
            step: None,
            kill: None,
            gone: None,
            script: Vec::new(),
            reports: true,
            fickle: 500_000,
            misjudges: BTreeMap::new(),
            heights_after: 5,
        }
    }

    /// What `seed` stands for.
    pub fn draw(seed: u64) -> (Self, Roster) {
        let mut dice = Dice::new(seed, 2);
        let count = match dice.below(100) {
            0..60 => dice.between(4, 7),
            60..94 => dice.between(8, 13),
            _ => dice.between(14, 31),
        } as usize;
        let rotates = dice.happens(600_000);
        let (mut plan, roster) = Self::quiet(seed, count, rotates);
        let until = dice.between(5, 25) * SECOND;
        plan.target = dice.happens(400_000).then(|| dice.between(100, 800) * MS);
        plan.pause_max = dice.pick(&[0, 50 * MS, 400 * MS]);
        plan.execution_max = dice.pick(&[2 * MS, 30 * MS, 300 * MS]);
        plan.weather = Weather {
            delay: (dice.between(1, 10) * MS, dice.between(10, 150) * MS),
            lost: dice.pick(&[0, 0, 10_000, 100_000, 250_000]),
            twice: dice.pick(&[0, 20_000, 200_000]),
            late: dice.pick(&[0, 0, 10_000, 50_000]),
        };
        plan.heights_after = dice.between(3, 8);
        plan.draw_machines(&mut dice);
        let wiped = plan.draw_byzantine(&roster, &mut dice);
        plan.draw_faults(&roster, until, wiped, &mut dice);
        (plan, roster)
    }

    pub fn draw_machines(&mut self, dice: &mut Dice) {
        for clock in &mut self.clocks {
            if dice.happens(300_000) {
                *clock = Clock { offset: dice.below(6 * SECOND), rate: dice.between(750, 1300) };
            }
        }
        for disk in &mut self.disks {
            if dice.happens(150_000) {
                *disk = (5 * MS, dice.between(20, 200) * MS);
            }
        }
    }

    /// Says which node may be wiped without a third of the power being away.
    fn draw_byzantine(&mut self, roster: &Roster, dice: &mut Dice) -> Option<usize> {
        let mut order: Vec<usize> = (0..roster.nodes.len()).collect();
        dice.shuffle(&mut order);
        let wanted = if dice.happens(600_000) { 1 + dice.index(roster.nodes.len() / 3) } else { 0 };
        let mut chosen = Vec::new();
        for node in order {
            chosen.push(node);
            if chosen.len() > wanted + 1 || !roster.is_minority(&chosen) {
                chosen.pop();
            }
        }
        let wiped = if chosen.len() > wanted { chosen.pop() } else { None };
        for node in chosen {
            self.behaviours.insert(node, Behaviour::draw(dice));
        }
        wiped
    }

    pub fn draw_faults(&mut self, roster: &Roster, until: Time, wiped: Option<usize>, dice: &mut Dice) {
        let count = roster.nodes.len();
        self.faults.clear();
        if dice.happens(500_000) {
            for _ in 0..dice.between(1, 4) {
                let at = dice.below(until);
                let groups = match dice.below(3) {
                    0 => (0..count).map(|node| (node % 2) as u8).collect(),
                    1 => {
                        let alone = dice.index(count);
                        (0..count).map(|node| u8::from(node == alone)).collect()
                    }
                    _ => (0..count).map(|_| dice.below(3) as u8).collect(),
                };
                self.faults.push((at, Fault::Partition(groups)));
                self.faults.push((at + dice.below(4 * SECOND), Fault::Join));
            }
        }
        let away = |dice: &mut Dice| dice.pick(&[10 * MS, 200 * MS, SECOND, 4 * SECOND]);
        if dice.happens(700_000) {
            for _ in 0..dice.between(1, 2 * count as u64) {
                self.faults.push((dice.below(until), Fault::Crash(dice.index(count), away(dice))));
            }
        }
        if dice.happens(250_000) {
            for _ in 0..dice.between(1, 3) {
                self.faults.push((dice.below(until), Fault::CrashAll(away(dice))));
            }
        }
        if let Some(wiped) = wiped.filter(|_| dice.happens(500_000)) {
            self.faults.push((dice.below(until), Fault::Wipe(wiped, dice.happens(700_000), away(dice))));
        }
        self.deadly = dice.pick(&[0, 0, 100, 500, 3_000]);
        self.faults.retain(|(at, _)| *at < until);
        self.faults.push((until, Fault::Calm));
    }

    /// Whether this node, whose last block is `head`, is gone for ever.
    pub fn is_gone(&self, node: usize, head: u64) -> bool {
        self.gone.as_ref().is_some_and(|(height, nodes)| head >= *height && nodes.contains(&node))
    }

    /// How this node breaks the rules.
    pub fn behaviour(&self, node: usize) -> Option<&Behaviour> {
        self.behaviours.get(&node)
    }

    /// How long building or judging a block takes.
    pub fn execution(&self, dice: &mut Dice) -> Time {
        dice.between(MS / 2, self.execution_max)
    }

    /// How long the application waits before the next height.
    pub fn pause(&self, dice: &mut Dice) -> Time {
        dice.between(0, self.pause_max)
    }
}
