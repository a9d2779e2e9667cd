//! Chains with staking whose sets rotate: what a seed stands for, and the runs.

use std::collections::BTreeSet;
use std::time::Duration;

use esker::home::staking::StakingPlan;

use super::byzantine::Behaviour;
use super::dice::Dice;
use super::plan::{MS, Plan, SECOND, Weather};
use super::roster::Roster;
use super::seeds::folder;
use super::world::{Outcome, run};

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
        plan.behaviours.insert(*liar, Behaviour { hurries: false, ..Behaviour::draw(&mut dice) });
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

fn watch(plan: &Plan, roster: &Roster, prints: bool) -> Outcome {
    let folder = folder();
    run(plan, roster, folder.path(), prints)
}

#[test]
fn first_look() {
    let from: u64 = std::env::var("FROM").map_or(0, |text| text.parse().expect("a number"));
    let count: u64 = std::env::var("COUNT").map_or(10, |text| text.parse().expect("a number"));
    for seed in from..from + count {
        let began = std::time::Instant::now();
        let (plan, roster) = draw(seed);
        let drawn = began.elapsed();
        let outcome = watch(&plan, &roster, count == 1);
        println!(
            "seed {seed}: {:?} {:?} nodes {} height {} events {} {:?} {:?} {:?} recovery {:?}",
            drawn,
            began.elapsed(),
            roster.nodes.len(),
            outcome.height,
            outcome.events,
            outcome.seen,
            outcome.tally,
            outcome.violation,
            outcome.recovery
        );
        let _: BTreeSet<usize> = outcome.struck;
    }
}
