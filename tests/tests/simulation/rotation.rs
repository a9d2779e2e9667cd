//! Chains with staking whose sets rotate: what a seed stands for, and the runs.

use std::collections::BTreeSet;
use std::time::Duration;

use esker::home::staking::StakingPlan;

use super::byzantine::Behaviour;
use super::dice::Dice;
use super::kills::{Kill, What, When};
use super::plan::{Fault, MS, Plan, SECOND, Weather};
use super::roster::Roster;
use super::scenarios::{found, holds, watch};
use super::seeds::{run_seed, sweep};

/// Seeds of the ordinary run.
const SEEDS: u64 = 24;

/// The parameters of a chain whose epochs have so many blocks.
fn staking(epoch_length: u32) -> StakingPlan {
    StakingPlan {
        epoch_length,
        unbonding_epochs: 31,
        evidence_epochs: 30,
        missed_slots_min: 1_000_000,
        ..StakingPlan::default()
    }
}

/// What `seed` stands for.
fn draw(seed: u64) -> (Plan, Roster) {
    let mut dice = Dice::new(seed, 4);
    let count = dice.between(3, 10) as usize;
    let mut plan = Plan::calm(seed, count);
    let mut nodes: Vec<usize> = (0..count).collect();
    dice.shuffle(&mut nodes);
    let members = dice.between(1, count as u64) as usize;
    // Byzantine ones and one that may be wiped are small; the others are so many coins that they may also move some.
    let liars = if members > 3 && dice.happens(600_000) { 1 + dice.index(members / 3) } else { 0 };
    let wiped = (members > 3 && dice.happens(200_000)).then(|| nodes[liars]);
    let fixed = &nodes[..liars + usize::from(wiped.is_some())];
    let coins =
        |dice: &mut Dice, node: usize| if fixed.contains(&node) { 1 + dice.below(3) } else { dice.between(15, 90) };
    let first: Vec<(usize, u64)> = nodes[..members].iter().map(|node| (*node, coins(&mut dice, *node))).collect();
    for liar in &nodes[..liars] {
        plan.behaviours.insert(
            *liar,
            Behaviour { hurries: false, false_sync: dice.happens(600_000), ..Behaviour::draw(&mut dice) },
        );
    }
    let mut staking = staking(dice.between(2, 7) as u32);
    if fixed.is_empty() {
        (staking.missed_slots_min, staking.jail_epochs) = (dice.pick(&[2, 5, 1_000_000]), 1);
        staking.max_validators = dice.pick(&[100, 100, 3, 1]);
    }
    let block_time = dice.pick(&[Duration::ZERO, Duration::ZERO, Duration::from_millis(200)]);
    let roster = Roster::staked(seed, count, &first, fixed, block_time, &staking);
    plan.fickle = dice.pick(&[300_000, 700_000, 1_000_000]);
    plan.pause_max = dice.pick(&[0, 50 * MS, 200 * MS]);
    plan.execution_max = dice.pick(&[2 * MS, 30 * MS, 150 * MS]);
    plan.weather = Weather {
        delay: (dice.between(1, 10) * MS, dice.between(10, 100) * MS),
        lost: dice.pick(&[0, 0, 10_000, 100_000]),
        twice: dice.pick(&[0, 20_000, 200_000]),
        late: dice.pick(&[0, 0, 10_000, 50_000]),
    };
    plan.heights_after = 2 * u64::from(staking.epoch_length) + dice.between(1, 3);
    plan.draw_machines(&mut dice);
    let until = dice.between(3, 9) * SECOND;
    plan.draw_faults(&roster, until, wiped, &mut dice);
    (plan, roster)
}

#[test]
fn every_rotating_seed_keeps_one_history_and_goes_on() {
    let Some(sum) = sweep(draw, SEEDS) else { return };
    if sum.seeds >= SEEDS {
        // Else the seeds would show nothing.
        let (seen, tally) = (sum.seen, sum.tally);
        let counts = [
            seen.changed,
            seen.newcomers,
            seen.replaced,
            seen.alone,
            seen.kept,
            seen.missed,
            seen.tombstoned,
            seen.against_former,
            tally.crashes,
            tally.synced,
            tally.refused,
            tally.replayed,
            sum.accused,
        ];
        assert!(counts.iter().all(|count| *count > 0), "some things never came: {counts:?}");
    }
}

#[test]
fn a_rotating_seed_gives_the_same_trace_twice() {
    for seed in [2, 5] {
        let (first, second) = (run_seed(draw, seed, false), run_seed(draw, seed, false));
        assert!(first.digest.1 > 100, "seed {seed}: {first:?}");
        assert_eq!((first.digest, first.events), (second.digest, second.events), "seed {seed}");
    }
}

#[test]
fn where_sets_rotate_nodes_that_forget_sign_twice_and_the_checker_sees_it() {
    found("double sign", 30, |seed| {
        let (mut plan, roster) = draw(seed);
        plan.guarded = false;
        plan.keeps_log = false;
        plan.deadly = 10_000;
        (plan, roster)
    });
}

/// Seven nodes, of which four decide at first; some of them go and others come, until none of the first is there.
fn changeover() -> (Plan, Roster) {
    let mut plan = Plan::calm(7, 7);
    plan.pause_max = 300 * MS;
    plan.fickle = 0;
    plan.script = [vec![0, 1, 2, 3], vec![2, 3, 4, 5], vec![2, 3, 4, 5], vec![4, 5, 6]]
        .into_iter()
        .zip(0..)
        .map(|(aim, epoch)| (epoch, aim.into_iter().collect()))
        .collect();
    plan.heights_after = 24;
    let first = [(0, 30), (1, 25), (2, 40), (3, 35)];
    let roster = Roster::staked(7, 7, &first, &[], Duration::ZERO, &staking(4));
    (plan, roster)
}

/// The changeover, in which the fourth node is small and stays.
fn changeover_with_a_liar() -> (Plan, Roster) {
    let (mut plan, _) = changeover();
    for (_, aim) in &mut plan.script {
        aim.insert(3);
    }
    let first = [(0, 30), (1, 25), (2, 40), (3, 2)];
    (plan, Roster::staked(7, 7, &first, &[3], Duration::ZERO, &staking(4)))
}

/// The last block of an epoch after which some go, some stay and some come; and who they are.
struct Turn {
    height: u64,
    leaving: BTreeSet<usize>,
    staying: BTreeSet<usize>,
    coming: BTreeSet<usize>,
}

/// The first such turn of the changeover, as long as nobody dies.
fn turn() -> Turn {
    let (plan, roster) = changeover();
    let outcome = holds(&plan, &roster);
    let pairs = outcome.sets.iter().zip(outcome.sets.iter().skip(1)).zip(1..);
    let mut turns = pairs.map(|((old, new), height)| Turn {
        height,
        leaving: old.difference(new).copied().collect(),
        staying: old.intersection(new).copied().collect(),
        coming: new.difference(old).copied().collect(),
    });
    let has_all = |turn: &Turn| [&turn.leaving, &turn.staying, &turn.coming].iter().all(|class| !class.is_empty());
    turns.find(has_all).expect("the script moves the set")
}

#[test]
fn a_set_goes_on_without_those_who_left_it() {
    let turn = turn();
    let (mut plan, roster) = changeover();
    plan.gone = Some((turn.height, turn.leaving));
    let outcome = holds(&plan, &roster);
    let last = outcome.sets.last().cloned().unwrap_or_default();
    assert_eq!(last, BTreeSet::from([4, 5, 6]), "nobody of the first set is left");
    assert!(outcome.seen.newcomers > 0 && outcome.seen.changed > 1, "{outcome:?}");
}

#[test]
fn who_was_in_another_set_can_make_nobody_believe_a_block() {
    let mut refused = 0;
    for seed in 0..4 {
        let (mut plan, roster) = changeover_with_a_liar();
        plan.seed = seed;
        plan.behaviours.insert(3, Behaviour { false_sync: true, ..Behaviour::default() });
        // Those who come are away again and again, and ask anybody for what they missed.
        plan.faults = (1..8).map(|second| (second * SECOND, Fault::Crash(5 + second as usize % 2, SECOND))).collect();
        plan.faults.push((9 * SECOND, Fault::Calm));
        let outcome = holds(&plan, &roster);
        assert!(outcome.tally.synced > 0, "{outcome:?}");
        refused += outcome.tally.refused;
    }
    assert!(refused > 0, "nobody was told lies");
}

#[test]
fn evidence_is_kept_when_the_offender_has_left() {
    let (mut plan, roster) = changeover();
    // It signs two things at every height, and nobody tells the contract.
    plan.behaviours.insert(1, Behaviour { double_votes: true, double_proposals: true, ..Behaviour::default() });
    plan.reports = false;
    plan.faults = vec![(8 * SECOND, Fault::CrashAll(SECOND)), (10 * SECOND, Fault::Calm)];
    let outcome = holds(&plan, &roster);
    assert!(outcome.sets.last().is_some_and(|set| !set.contains(&1)), "{:?}", outcome.sets);
    assert_eq!(outcome.seen.tombstoned, 0);
    let observers = outcome.evidence.keys().filter(|(_, offender)| *offender == 1).count();
    assert!(observers >= 3 && outcome.seen.against_former >= 3, "{outcome:?}");
}

#[test]
fn a_network_goes_on_whoever_dies_at_whichever_step_of_an_epochs_end() {
    let turn = turn();
    let all = || turn.leaving.iter().chain(&turn.staying).chain(&turn.coming).copied().collect::<BTreeSet<_>>();
    let classes = [
        ("those who leave", turn.leaving.clone(), false),
        ("those who stay", turn.staying.clone(), false),
        ("those who come", turn.coming.clone(), false),
        ("everybody who gets there", all(), false),
        ("everybody at once", all(), true),
    ];
    let everything = std::env::var_os("ESKER_SIM_MATRIX").is_some();
    let (mut runs, mut struck, mut cells, mut number) = (0, 0, BTreeSet::new(), 0);
    for height in [turn.height, turn.height + 1] {
        for what in What::ALL {
            for when in [When::Before, When::After] {
                number += 1;
                for (index, (name, nodes, together)) in classes.iter().enumerate() {
                    if !everything && index != 4 && index != number % 4 {
                        continue;
                    }
                    let (mut plan, roster) = changeover();
                    plan.heights_after = turn.height + 6;
                    plan.kill = Some(Kill { what, when, height, nodes: nodes.clone(), together: *together });
                    let outcome = watch(&plan, &roster);
                    let place = format!("{name} die {when:?} {what:?} of height {height}");
                    assert_eq!(outcome.violation, None, "{place}");
                    runs += 1;
                    struck += outcome.struck.len();
                    if !outcome.struck.is_empty() {
                        cells.insert((height, what, when));
                    }
                }
            }
        }
    }
    println!("{runs} runs, in which {struck} nodes died at {} of {number} steps", cells.len());
    assert!(cells.len() > 50, "{} steps came: {cells:?}", cells.len());
}
