//! Single faults, each put where it hurts; and networks that lack a safeguard, in which the checker must find what is wrong.

use super::byzantine::Behaviour;
use super::dice::Dice;
use super::plan::{Fault, MS, Plan, SECOND};
use super::roster::Roster;
use super::seeds::{folder, run_seed};
use super::world::{Outcome, run};

/// Runs it in a folder of its own.
pub fn watch(plan: &Plan, roster: &Roster) -> Outcome {
    let folder = folder();
    run(plan, roster, folder.path(), false)
}

/// Runs it; nothing may go wrong.
pub fn holds(plan: &Plan, roster: &Roster) -> Outcome {
    let outcome = watch(plan, roster);
    assert_eq!(outcome.violation, None, "seed {}", plan.seed);
    outcome
}

/// The first violation that begins so, among networks that `make` makes of seeds.
pub fn found(beginning: &str, seeds: u64, make: impl Fn(u64) -> (Plan, Roster)) -> String {
    let mut others = Vec::new();
    for seed in 0..seeds {
        let (plan, roster) = make(seed);
        match watch(&plan, &roster).violation {
            Some(violation) if violation.starts_with(beginning) => {
                println!("seed {seed}: {violation}");
                return violation;
            }
            other => others.extend(other),
        }
    }
    panic!("no violation begins with {beginning:?} in {seeds} seeds; others: {others:?}");
}

/// A node without which the others are more than two thirds, in every set.
fn minor(roster: &Roster) -> usize {
    let mut nodes = 0..roster.nodes.len();
    nodes.find(|node| roster.is_minority(&[*node])).expect("the seeds here give powers so that there is one")
}

#[test]
fn a_seed_gives_the_same_trace_twice() {
    for seed in [3, 11, 29] {
        let (first, second) = (run_seed(Plan::draw, seed, false), run_seed(Plan::draw, seed, false));
        assert!(first.digest.1 > 100, "seed {seed}: {first:?}");
        assert_eq!((first.digest, first.events), (second.digest, second.events), "seed {seed}");
    }
    assert_ne!(run_seed(Plan::draw, 3, false).digest, run_seed(Plan::draw, 4, false).digest);
}

#[test]
fn a_node_may_die_at_every_step() {
    for remembers in [true, false] {
        let mut step = 0;
        loop {
            let (mut plan, roster) = Plan::quiet(77, 4, true);
            plan.remembers = remembers;
            plan.heights_after = 4;
            plan.step = Some((minor(&roster), step));
            let outcome = watch(&plan, &roster);
            assert_eq!(outcome.violation, None, "step {step}");
            if !outcome.died {
                break;
            }
            step += 1;
        }
        println!("{step} steps, at each of which the node died once");
        assert!(step > 200, "only {step} steps");
    }
}

#[test]
fn every_honest_node_keeps_evidence_of_who_signs_twice() {
    let (mut plan, roster) = Plan::quiet(5, 6, false);
    let liar = minor(&roster);
    plan.behaviours.insert(liar, Behaviour { double_votes: true, double_proposals: true, ..Behaviour::default() });
    plan.heights_after = 40;
    let outcome = holds(&plan, &roster);
    for observer in (0..6).filter(|node| *node != liar) {
        let seen = outcome.evidence.get(&(observer, liar)).copied().unwrap_or_default();
        assert!(seen.0 > 0 && seen.1 > 0, "node {observer} keeps {seen:?} votes and proposals");
    }
}

#[test]
fn a_block_that_a_node_judged_wrongly_is_taken_when_it_comes_with_a_certificate() {
    for seed in 0..4 {
        let (mut plan, roster) = Plan::quiet(seed, 5, false);
        plan.misjudges.insert(minor(&roster), vec![2, 3, 5]);
        let outcome = holds(&plan, &roster);
        assert!(outcome.tally.synced >= 1, "{outcome:?}");
    }
}

/// Networks whose sets change every few heights, and whose nodes all die again and again.
fn restarts(seed: u64) -> (Plan, Roster) {
    let mut dice = Dice::new(seed, 9);
    let (mut plan, roster) = Plan::quiet(seed, 6, true);
    plan.faults = (0..6).map(|_| (dice.below(6 * SECOND), Fault::CrashAll(100 * MS))).collect();
    plan.faults.push((6 * SECOND, Fault::Calm));
    (plan, roster)
}

#[test]
fn a_network_goes_on_after_all_its_nodes_died_where_the_set_changes() {
    for seed in 0..20 {
        let (plan, roster) = restarts(seed);
        holds(&plan, &roster);
    }
}

#[test]
fn without_a_note_of_every_block_in_the_guard_such_a_network_stands_still() {
    found("liveness", 40, |seed| {
        let (mut plan, roster) = restarts(seed);
        plan.notes_blocks = false;
        (plan, roster)
    });
}

#[test]
fn a_node_that_lost_its_disk_signs_nothing_twice() {
    for seed in 0..12 {
        let mut dice = Dice::new(seed, 9);
        let (mut plan, roster) = Plan::quiet(seed, 8, seed % 2 == 0);
        let node = minor(&roster);
        plan.faults = vec![
            (dice.between(1, 4) * SECOND, Fault::Wipe(node, true, dice.between(1, 900) * MS)),
            (dice.between(5, 20) * SECOND, Fault::Wipe(node, seed % 3 > 0, dice.between(1, 900) * MS)),
            (21 * SECOND, Fault::Calm),
        ];
        let outcome = holds(&plan, &roster);
        assert!(outcome.tally.synced > 5 && outcome.tally.withheld > 0, "{outcome:?}");
    }
}

/// Networks of few nodes whose power goes at any step.
fn power_cuts(seed: u64) -> (Plan, Roster) {
    let (mut plan, roster) = Plan::quiet(seed, 4, false);
    plan.deadly = 20_000;
    plan.faults = vec![(5 * SECOND, Fault::Calm)];
    (plan, roster)
}

#[test]
fn a_network_goes_on_after_its_power_was_cut_at_any_step() {
    for seed in 0..60 {
        let (plan, roster) = power_cuts(seed);
        holds(&plan, &roster);
    }
}

#[test]
fn if_signatures_were_recorded_before_their_reasons_such_a_network_could_stand_still() {
    found("liveness", 60, |seed| {
        let (mut plan, roster) = power_cuts(seed);
        plan.syncs_first = false;
        (plan, roster)
    });
}

#[test]
fn if_proposers_built_anew_after_a_crash_such_a_network_could_stand_still() {
    // The guard refuses the second proposal, and the core, which has proposed, waits for nothing any more in that round.
    found("liveness", 120, |seed| {
        let (mut plan, roster) = power_cuts(seed);
        plan.remembers = false;
        (plan, roster)
    });
}

fn hurried(seed: u64) -> (Plan, Roster) {
    let (mut plan, roster) = Plan::quiet(seed, 5, false);
    plan.behaviours.insert(minor(&roster), Behaviour { hurries: true, ..Behaviour::default() });
    plan.heights_after = 30;
    (plan, roster)
}

#[test]
fn a_proposer_cannot_hurry_the_chain_into_the_future() {
    for seed in 0..4 {
        let (plan, roster) = hurried(seed);
        holds(&plan, &roster);
    }
}

#[test]
fn if_a_proposer_were_believed_that_its_block_was_accepted_before_it_could_stop_the_chain() {
    found("liveness", 4, |seed| {
        let (mut plan, roster) = hurried(seed);
        plan.checks_time = false;
        (plan, roster)
    });
}

#[test]
fn nodes_that_forget_sign_twice_and_the_checker_sees_it() {
    found("double sign", 30, |seed| {
        let (mut plan, roster) = Plan::draw(seed);
        plan.guarded = false;
        plan.keeps_log = false;
        plan.deadly = 3_000;
        (plan, roster)
    });
}

#[test]
fn the_log_alone_does_not_keep_a_node_that_loses_it_from_signing_twice() {
    found("double sign", 60, |seed| {
        let (mut plan, roster) = Plan::draw(seed);
        plan.guarded = false;
        (plan, roster)
    });
}

#[test]
fn a_third_of_the_power_can_break_agreement_and_the_checker_sees_it() {
    found("agreement", 40, |seed| {
        let (mut plan, roster) = Plan::quiet(seed, 7, false);
        let mut liars = Vec::new();
        while roster.is_minority(&liars) {
            liars.push(liars.len());
        }
        for liar in liars {
            plan.behaviours.insert(liar, Behaviour { two_faced: true, ..Behaviour::default() });
        }
        plan.heights_after = 60;
        (plan, roster)
    });
}

#[test]
fn a_node_may_die_again_while_it_derives_its_votes_anew() {
    for seed in 0..60 {
        let (mut plan, roster) = Plan::quiet(seed, 4, false);
        // Votes that are first derived in a restart are not logged, and later ones rest on them.
        plan.deadly = 60_000;
        plan.faults = vec![(4 * SECOND, Fault::Calm)];
        holds(&plan, &roster);
    }
}
