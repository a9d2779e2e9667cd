//! Random sequences of actions after each of which something must hold, and the smallest sequence after which it does not.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::chain::Chain;
use crate::control::Snapshot;
use crate::draw::{Draw, Random};

type Action<'a> = Box<dyn Fn(&mut Chain, &mut Draw) + 'a>;
type Check<'a> = Box<dyn Fn(&mut Chain) + 'a>;

/// The environment variable that says which sequence to run, and no other: the seed of one that failed.
const SEED: &str = "ESKER_INVARIANT_SEED";
/// The environment variable that says how many sequences every test tries, whatever it says itself: for long runs by hand.
const SEQUENCES: &str = "ESKER_INVARIANT_SEQUENCES";
/// Seed of the first sequence, unless a test says otherwise.
const FIRST_SEED: u64 = 0x0e5c_e12b_a5e5_eed5;
/// Most sequences that shrinking tries.
const ATTEMPTS: u32 = 2_000;

/// A property of a chain that random sequences of actions must not break.
///
/// ```ignore
/// Invariant::new()
///     .action("transfer", |chain, draw| {
///         let (from, to) = (draw.pick(&users), draw.pick(&users));
///         let _ = chain.send(from, token.transfer(to, draw.number(0..=200)));
///     })
///     .check("nothing is minted", |chain| assert_eq!(chain.read(token.total_supply()), 100))
///     .run(chain);
/// ```
///
/// Inside `#[esker_sdk::test]` both runs make the same sequences. An action, like a check, fails by panicking.
#[must_use = "nothing is tried before `.run(chain)`"]
pub struct Invariant<'a> {
    before: Option<Check<'a>>,
    actions: Vec<(String, Action<'a>)>,
    checks: Vec<(String, Check<'a>)>,
    sequences: u32,
    calls: usize,
    seed: u64,
}

impl Default for Invariant<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// One action of a sequence: which, and the numbers that its values come from.
#[derive(Clone, Debug)]
struct Move {
    action: usize,
    choices: Vec<u64>,
}

/// A sequence that broke something.
struct Broken {
    moves: Vec<Move>,
    why: String,
    /// Each move's transactions and calls, in words.
    told: Vec<String>,
}

impl<'a> Invariant<'a> {
    /// No actions and nothing to hold: 32 sequences of up to 24 actions.
    pub const fn new() -> Self {
        Self { before: None, actions: Vec::new(), checks: Vec::new(), sequences: 32, calls: 24, seed: FIRST_SEED }
    }

    /// What each sequence begins with, also when it is repeated to shrink it: for what a test keeps beside the chain, which is
    /// as it was by then. That is best kept in a `RefCell`: the first action or check that panics poisons a `Mutex`, and what is
    /// reported then is the lock, not what broke.
    pub fn before(mut self, before: impl Fn(&mut Chain) + 'a) -> Self {
        self.before = Some(Box::new(before));
        self
    }

    /// Something that may be done at any time. What it draws is drawn again when a sequence is repeated.
    pub fn action(mut self, name: &str, action: impl Fn(&mut Chain, &mut Draw) + 'a) -> Self {
        self.actions.push((name.to_owned(), Box::new(action)));
        self
    }

    /// Something that must hold at the beginning and after each action: it panics if it does not.
    pub fn check(mut self, name: &str, check: impl Fn(&mut Chain) + 'a) -> Self {
        self.checks.push((name.to_owned(), Box::new(check)));
        self
    }

    /// How many sequences to try, unless `ESKER_INVARIANT_SEQUENCES` says it for all tests.
    pub const fn sequences(mut self, sequences: u32) -> Self {
        self.sequences = sequences;
        self
    }

    /// The most actions of a sequence.
    pub const fn calls(mut self, calls: usize) -> Self {
        self.calls = calls;
        self
    }

    /// The seed of the first sequence, for others than every test tries.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Tries the sequences, each from the chain as it is now; afterwards the chain is as it was.
    ///
    /// # Panics
    /// With the smallest sequence found that breaks something, and its seed; if there are no actions; if
    /// `ESKER_INVARIANT_SEED` or `ESKER_INVARIANT_SEQUENCES` is set to what is none.
    #[track_caller]
    pub fn run(self, chain: &mut Chain) {
        assert!(!self.actions.is_empty(), "an invariant needs an action: `.action(name, …)`");
        let start = chain.snapshot();
        let only = set(SEED, "a seed as a failed test prints it, such as 0x7", seed_of);
        let wanted = set(SEQUENCES, "how many sequences to try, 1 at least, in decimal", sequences_of);
        let sequences = if only.is_some() { 1 } else { wanted.unwrap_or(self.sequences) };
        println!(
            "{sequences} sequences of up to {} actions, the first with seed {:#x}",
            self.calls,
            only.unwrap_or(self.seed)
        );
        for index in 0..sequences {
            let seed = only.unwrap_or_else(|| self.seed.wrapping_add(u64::from(index)));
            let mut random = Random::new(seed);
            let length = 1 + random.next() as usize % self.calls.max(1);
            let drawn: Vec<Move> = (0..length)
                .map(|_| Move { action: random.next() as usize % self.actions.len(), choices: Vec::new() })
                .collect();
            if let Err(broken) = self.attempt(chain, &start, &drawn, &random) {
                let first = broken.moves.len();
                let smallest = self.shrink(chain, &start, broken);
                panic!("{}", self.report(&smallest, first, seed));
            }
        }
        chain.restore(&start);
    }

    /// Makes the moves from the start; the first that breaks something ends it.
    fn attempt(&self, chain: &mut Chain, start: &Snapshot, moves: &[Move], random: &Random) -> Result<(), Broken> {
        chain.restore(start);
        if let Some(before) = &self.before {
            before(chain);
        }
        let mut random = random.clone();
        let (mut made, mut told) = (Vec::new(), Vec::new());
        self.hold(chain).map_err(|why| Broken { moves: Vec::new(), why, told: Vec::new() })?;
        for Move { action, choices } in moves {
            let steps = chain.record.len();
            let mut draw = Draw::new(choices.clone(), Random::new(random.next()));
            let (_, act) = &self.actions[*action];
            let done = quietly(|| act(chain, &mut draw));
            made.push(Move { action: *action, choices: draw.into_choices() });
            told.push(chain.told_since(steps));
            done.and_then(|()| self.hold(chain)).map_err(|why| Broken {
                moves: made.clone(),
                why,
                told: told.clone(),
            })?;
        }
        Ok(())
    }

    /// Checks that everything holds.
    fn hold(&self, chain: &mut Chain) -> Result<(), String> {
        self.checks.iter().try_for_each(|(name, check)| {
            quietly(|| check(chain)).map_err(|why| format!("\"{name}\" does not hold: {why}"))
        })
    }

    /// The smallest sequence found that breaks something: without the moves that are not needed, and with smaller numbers.
    fn shrink(&self, chain: &mut Chain, start: &Snapshot, mut broken: Broken) -> Broken {
        let mut left = ATTEMPTS;
        loop {
            let smaller = candidates(&broken.moves).find_map(|moves| {
                left = left.checked_sub(1)?;
                // Moves that draw more than before draw the same each time.
                self.attempt(chain, start, &moves, &Random::new(0)).err().filter(|found| is_smaller(found, &broken))
            });
            match smaller {
                Some(smaller) if left > 0 => broken = smaller,
                _ => return broken,
            }
        }
    }

    fn report(&self, broken: &Broken, first: usize, seed: u64) -> String {
        let count = broken.moves.len();
        let mut report = format!("it breaks after {count} actions (shrunk from {first}; seed {seed:#x}):");
        for (index, (Move { action, .. }, told)) in broken.moves.iter().zip(&broken.told).enumerate() {
            let (name, _) = &self.actions[*action];
            write!(report, "\n  {}. {name}{told}", index + 1).expect("writing to a string does not fail");
        }
        write!(report, "\n{}\nrun this sequence alone with {SEED}={seed:#x}", broken.why)
            .expect("writing to a string does not fail");
        report
    }
}

/// Ways to make a sequence smaller, the boldest first: without a run of moves, then with a smaller number.
fn candidates(moves: &[Move]) -> impl Iterator<Item = Vec<Move>> + '_ {
    let lengths =
        std::iter::successors(Some(moves.len() / 2), |length| Some(length / 2)).take_while(|length| *length > 0);
    let without = lengths.flat_map(move |length| {
        (0..=moves.len() - length).rev().map(move |at| [&moves[..at], &moves[at + length..]].concat())
    });
    let smaller = moves.iter().enumerate().flat_map(move |(at, one)| {
        one.choices.iter().enumerate().flat_map(move |(which, choice)| {
            smaller_numbers(*choice).map(move |number| {
                let mut moves = moves.to_vec();
                moves[at].choices[which] = number;
                moves
            })
        })
    });
    without.chain(smaller)
}

/// Numbers below `number`: 0, then ever closer to it.
fn smaller_numbers(number: u64) -> impl Iterator<Item = u64> {
    let gaps = std::iter::successors(Some(number), |gap| Some(gap / 2)).take_while(|gap| *gap > 0);
    gaps.map(move |gap| number - gap)
}

/// Fewer moves, or as many with smaller numbers: so shrinking comes to an end.
fn is_smaller(found: &Broken, than: &Broken) -> bool {
    let size = |broken: &Broken| {
        let choices: Vec<u64> = broken.moves.iter().flat_map(|one| one.choices.iter().copied()).collect();
        (broken.moves.len(), choices.len(), choices)
    };
    size(found) < size(than)
}

/// What an environment variable says, if it is set; `wanted` is what it should say, in words.
#[track_caller]
fn set<T>(variable: &str, wanted: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
    let text = std::env::var_os(variable)?;
    let value = text.to_str().and_then(parse);
    Some(value.unwrap_or_else(|| panic!("{variable} is {text:?}: give it {wanted}")))
}

/// A seed as it is printed, or in decimal.
fn seed_of(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A number of sequences: none at all would be a test that cannot fail.
fn sequences_of(text: &str) -> Option<u32> {
    text.parse().ok().filter(|sequences| *sequences > 0)
}

thread_local! {
    /// Whether panics of this thread are caught and told later.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// Where the last one was.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `body`; what it panicked with, and where, if it did. Nothing is printed: shrinking panics a hundred times.
fn quietly(body: impl FnOnce()) -> Result<(), String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if QUIET.get() {
                let place = info.location().map(ToString::to_string).unwrap_or_default();
                PLACE.with_borrow_mut(|last| *last = place);
            } else {
                before(info);
            }
        }));
    });
    let outside = QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(body));
    QUIET.set(outside);
    result.map_err(|panic| {
        let words = crate::machine::words_of(panic.as_ref()).to_owned();
        PLACE.with_borrow(|place| format!("{words} (at {place})"))
    })
}

/// Tests a property of single draws: `cases` times (`ESKER_INVARIANT_SEQUENCES` overrides it), each from the chain as it is now.
/// The property fails by panicking.
///
/// # Panics
/// With the smallest draw found for which it fails, and its seed.
#[track_caller]
pub fn property(chain: &mut Chain, cases: u32, property: impl Fn(&mut Chain, &mut Draw)) {
    Invariant::new().action("a case", property).sequences(cases).calls(1).run(chain);
}
