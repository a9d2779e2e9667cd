//! One node: the consensus core and around it what the engine's actor does for it, message by message.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use esker::consensus::context::{EskerContext, Height, ValidatorAddress};
use malachite::app::consensus::{Input, Params, Resume, State, ValuePayload, handle};
use malachite::app::types::core::{LinearTimeouts, Timeout, TimeoutKind, ValidatorSet as _, VoteExtensionPolicy};
use malachite_consensus::r#gen::{CoResult, Gen};

use super::block::hash;
use super::disk::{Disk, Wal};
use super::env::{Env, Local, Message, Request, Stop};
use super::kills::{What, When};
use super::node_app::NodeApp;
use super::signer::SimSigner;
use super::small::Small;
use super::sync::Sync;
use super::trace::Time;

/// As in the engine's default configuration.
const QUEUE_HEIGHTS: usize = 10;
/// As in the engine's default configuration.
const QUEUE_PER_HEIGHT: usize = 500;
/// Messages that wait until the engine runs.
const BUFFER: usize = 1024;
/// So far away that the core never sees the end of it: the simulated clock decides when a height's time is over.
const NEVER: Duration = Duration::from_secs(1 << 20);

/// Where the engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Started, without a height.
    Ready,
    /// Replays the log.
    Recovering,
    /// At work.
    Running,
}

/// A node's clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// How far it is ahead.
    pub offset: Time,
    /// How many of a timer's milliseconds pass in a second.
    pub rate: u64,
}

impl Clock {
    /// What it shows.
    pub fn shows(&self, now: Time) -> Time {
        now + self.offset
    }

    /// How long it really takes until it has run for `duration`.
    pub fn takes(&self, duration: Time) -> Time {
        duration * 1000 / self.rate
    }
}

/// Everything of a node but the core.
pub struct Host {
    /// Which one.
    pub index: usize,
    /// Its clock.
    pub clock: Clock,
    /// How long its disk takes to sync, at least and at most.
    pub disk_takes: (Time, Time),
    /// What survives.
    pub disk: Disk,
    /// What signs.
    pub signer: SimSigner,
    /// The engine's log.
    pub wal: Wal,
    /// Where the engine is.
    pub phase: Phase,
    /// Whether it votes at this height.
    pub is_validator: bool,
    /// Timers that run, with their numbers.
    pub timers: BTreeMap<(u8, i64), u64>,
    next_timer: u64,
    /// When the height began.
    pub height_began: Time,
    /// How long the height is to take.
    pub target: Option<Time>,
    /// The height it works on.
    pub height: u64,
    timeouts: LinearTimeouts,
    /// The small application,
    pub small: Small,
    /// unless it is the node's own.
    pub node: Option<NodeApp>,
    /// Value sync.
    pub sync: Sync,
    /// When the application is done with what it has.
    pub host_free_at: Time,
    buffer: Vec<Message>,
}

/// The small application's.
pub fn timeouts() -> LinearTimeouts {
    LinearTimeouts {
        propose: Duration::from_millis(400),
        propose_delta: Duration::from_millis(100),
        prevote: Duration::from_millis(150),
        prevote_delta: Duration::from_millis(50),
        precommit: Duration::from_millis(150),
        precommit_delta: Duration::from_millis(50),
        rebroadcast: Duration::from_millis(700),
        max_timeout: Duration::from_secs(5),
    }
}

fn timer_key(timeout: &Timeout) -> (u8, i64) {
    let kind = match timeout.kind {
        TimeoutKind::Propose => 0,
        TimeoutKind::Prevote => 1,
        TimeoutKind::Precommit => 2,
        TimeoutKind::Rebroadcast => 3,
        TimeoutKind::FinalizeHeight(_) => 4,
    };
    (kind, timeout.round.as_i64())
}

impl Host {
    /// A node that starts on what `disk` holds.
    pub fn new(index: usize, clock: Clock, disk_takes: (Time, Time), disk: Disk, signer: SimSigner) -> Self {
        Self {
            index,
            clock,
            disk_takes,
            wal: Wal::open(&disk.wal),
            disk,
            signer,
            phase: Phase::Ready,
            is_validator: false,
            timers: BTreeMap::new(),
            next_timer: 0,
            height_began: 0,
            target: None,
            height: 0,
            timeouts: timeouts(),
            small: Small::default(),
            node: None,
            sync: Sync::default(),
            host_free_at: 0,
            buffer: Vec::new(),
        }
    }

    /// Makes the log durable, which takes time.
    pub fn flush(&mut self, env: &mut Env<'_>) {
        if self.phase != Phase::Recovering && self.is_validator && self.wal.flush() {
            env.spent += env.dice.between(self.disk_takes.0, self.disk_takes.1);
        }
    }

    /// Starts a timer, or starts it anew.
    pub fn start_timer(&mut self, timeout: Timeout, env: &mut Env<'_>) {
        let lasts = match timeout.kind {
            TimeoutKind::FinalizeHeight(_) => {
                (self.height_began + self.target.unwrap_or_default()).saturating_sub(env.at())
            }
            _ => self.clock.takes(self.timeouts.duration_for(timeout).as_micros() as Time),
        };
        self.next_timer += 1;
        self.timers.insert(timer_key(&timeout), self.next_timer);
        let message = Message::Timer(timeout, self.next_timer);
        env.later(env.at() + lasts, Local::Engine(message));
    }

    /// Stops a timer.
    pub fn stop_timer(&mut self, timeout: &Timeout) {
        self.timers.remove(&timer_key(timeout));
    }

    /// Gives the application something to do after what it has to do already; it takes it so long.
    pub fn ask(&mut self, request: Request, takes: Time, env: &mut Env<'_>) {
        self.host_free_at = self.host_free_at.max(env.at()) + takes;
        env.later(self.host_free_at, Local::Host(request));
    }
}

/// A node.
pub struct Node {
    /// The core, once a height was started.
    core: Option<State<EskerContext>>,
    /// The rest.
    pub host: Host,
}

impl Node {
    /// A node that starts.
    pub fn new(host: Host) -> Self {
        Self { core: None, host }
    }

    /// Height and round it works on.
    pub fn position(&self) -> (u64, i64) {
        self.core.as_ref().map_or((0, -1), |core| (core.height().0, core.round().as_i64()))
    }

    /// Handles one message of the engine's inbox.
    pub fn handle(&mut self, message: Message, env: &mut Env<'_>) -> Result<(), Stop> {
        if self.host.phase != Phase::Running && !matches!(message, Message::StartHeight(_)) {
            if self.host.buffer.len() < BUFFER {
                self.host.buffer.push(message);
            }
            return Ok(());
        }
        match message {
            Message::StartHeight(height) => self.start_height(height, env),
            Message::Input(input) => self.process(*input, env),
            Message::Propose(value) => self.process(Input::Propose(value), env),
            Message::Proposed(value, origin) => self.process(Input::ProposedValue(value, origin), env),
            Message::Part(part) => {
                // What is not for now, or known, is not executed.
                let is_new = part.height.0 == self.host.head() + 1
                    && !self.host.disk.undecided.contains_key(&(part.height.0, hash(&part.block).0));
                let takes = if is_new { env.plan.execution(env.dice) } else { 0 };
                self.host.ask(Request::Part(part), takes, env);
                Ok(())
            }
            Message::Timer(timeout, number) => {
                if self.host.timers.get(&timer_key(&timeout)) != Some(&number) {
                    return Ok(());
                }
                self.host.stop_timer(&timeout);
                self.process(Input::TimeoutElapsed(timeout), env)
            }
        }
    }

    fn start_height(&mut self, height: u64, env: &mut Env<'_>) -> Result<(), Stop> {
        let index = self.host.index;
        let address: ValidatorAddress = env.roster.nodes[index].address;
        if env.dies_at(What::Height, When::Before, height) {
            return Err(Stop::Crash);
        }
        let params = self.host.next(height, env);
        let voters = params.validator_set;
        self.host.height = height;
        self.host.timeouts = params.timeouts;
        self.host.is_validator = voters.get_by_address(&address).is_some();
        self.core.get_or_insert_with(|| {
            let params = Params {
                address,
                threshold_params: Default::default(),
                value_payload: ValuePayload::ProposalAndParts,
                enabled: true,
            };
            State::new(EskerContext, Height(height), voters.clone(), params, QUEUE_HEIGHTS, QUEUE_PER_HEIGHT)
        });
        let entries = if self.host.is_validator && env.plan.keeps_log {
            self.host.wal.fetch(height)
        } else {
            self.host.wal.reset(height);
            Vec::new()
        };
        self.host.height_began = env.at();
        self.host.target = params.target_time.map(|target| target.as_micros() as Time);
        env.trace.add(env.at(), index, format_args!("starts height {height}, {} entries logged", entries.len()));
        let target = self.host.target.map(|_| NEVER);
        self.process(Input::StartHeight(Height(height), voters, false, target, VoteExtensionPolicy::Disabled), env)?;
        if !entries.is_empty() {
            self.replay(entries, env)?;
        }
        self.host.phase = Phase::Running;
        if env.dies_at(What::Height, When::After, height) {
            return Err(Stop::Crash);
        }
        self.feed_synced(env)?;
        for message in std::mem::take(&mut self.host.buffer) {
            self.handle(message, env)?;
        }
        Ok(())
    }

    fn replay(&mut self, entries: Vec<std::io::Result<Input<EskerContext>>>, env: &mut Env<'_>) -> Result<(), Stop> {
        self.host.phase = Phase::Recovering;
        env.checker.tally.replayed += entries.len() as u64;
        let Some(core) = &mut self.core else { return Ok(()) };
        core.index_wal_entries(entries.iter().flatten());
        for entry in entries {
            let entry = entry.map_err(|error| Stop::Broken(format!("the log is damaged: {error}")))?;
            self.process(entry, env)?;
        }
        if let Some(core) = &mut self.core {
            core.reset_entries_index();
        }
        Ok(())
    }

    /// Gives the engine the block that sync has for its height, if it has one.
    pub fn feed_synced(&mut self, env: &mut Env<'_>) -> Result<(), Stop> {
        let Some(core) = &self.core else { return Ok(()) };
        if self.host.phase != Phase::Running || self.host.head() >= core.height().0 {
            return Ok(());
        }
        match self.host.sync.take(core.height().0, env.roster) {
            Some(response) => self.process(Input::SyncValueResponse(response), env),
            None => Ok(()),
        }
    }

    /// Runs the core on one input, answering each of its effects. Between any two of them the node may die.
    fn process(&mut self, input: Input<EskerContext>, env: &mut Env<'_>) -> Result<(), Stop> {
        let Self { core, host } = self;
        let Some(core) = core else { return Ok(()) };
        if let (Some(target), Some(_)) = (host.target, core.target_time) {
            // The core reads the machine's clock to see how much of the height's time is left. Told that the height
            // begins in the far future, it takes the time that is left on the simulated clock.
            core.target_time = Some(Duration::from_micros((host.height_began + target).saturating_sub(env.at())));
            core.height_start_time = Instant::now().checked_add(NEVER);
        }
        let mut coroutine = Gen::new(|co| handle(co, core, env_metrics(env), input));
        let mut result = coroutine.resume_with(Resume::Start);
        loop {
            match result {
                CoResult::<EskerContext>::Complete(done) => {
                    return done.map_err(|error| Stop::Broken(format!("the core fails: {error}")));
                }
                CoResult::<EskerContext>::Yielded(effect) => {
                    let (what, height) = (What::follows(&effect), host.height);
                    if env.dies_at(what, When::Before, height) {
                        return Err(Stop::Crash);
                    }
                    let resume = host.effect(effect, env)?;
                    if env.dies_at(what, When::After, height) {
                        return Err(Stop::Crash);
                    }
                    result = coroutine.resume_with(resume);
                }
            }
        }
    }
}

fn env_metrics<'a>(env: &Env<'a>) -> &'a malachite::app::metrics::Metrics {
    env.metrics
}
