//! What is printed: tables in markdown, or everything in JSON.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::lane::Figures;
use crate::targets;
use crate::work::Work;

/// The figures of one piece of work, in the order of the machines.
pub struct Row {
    /// What was done.
    pub work: Work,
    /// None for a machine that cannot do it.
    pub figures: Vec<Option<Figures>>,
}

/// Three tables: times, times against Esker's, and what they must be.
pub fn markdown(machines: &[&str], rows: &[Row], rounds: usize) -> String {
    let mut text = format!("µs a call, best (median) of {rounds} interleaved samples:\n\n");
    head(&mut text, machines);
    for Row { work, figures } in rows {
        let cell = |figures: &Option<Figures>| {
            figures.map_or_else(String::new, |it| format!("{} ({})", digits(it.best), digits(it.median)))
        };
        line(&mut text, work.name(), figures.iter().map(cell));
    }
    let [esker, peers @ ..] = machines else { return text };
    let _ = write!(text, "\nTime of a call / {esker}'s, of the best samples (of the medians):\n\n");
    head(&mut text, peers);
    for Row { work, figures } in rows {
        let [Some(esker), peers @ ..] = figures.as_slice() else { continue };
        let cell = |figures: &Option<Figures>| {
            let ratio =
                |it: Figures| format!("{} ({})", digits(it.best / esker.best), digits(it.median / esker.median));
            figures.map_or_else(String::new, ratio)
        };
        line(&mut text, work.name(), peers.iter().map(cell));
    }
    text.push_str("\n| what | must be | is | |\n|---|---|---|---|\n");
    for verdict in targets::verdicts(machines, rows) {
        let met = if verdict.met { "met" } else { "**missed**" };
        let _ = writeln!(text, "| {} | {} | {} | {met} |", verdict.what, verdict.must_be, digits(verdict.is));
    }
    text
}

fn head(text: &mut String, machines: &[&str]) {
    line(text, "work", machines.iter().map(|name| (*name).to_owned()));
    let _ = writeln!(text, "|---|{}", "---|".repeat(machines.len()));
}

fn line(text: &mut String, first: &str, cells: impl Iterator<Item = String>) {
    let _ = write!(text, "| {first} |");
    for cell in cells {
        let _ = write!(text, " {cell} |");
    }
    text.push('\n');
}

/// The same with what each call was charged: `{"rounds", "work": {id: {machine: {best_us, median_us, gas}}}, "targets"}`.
pub fn json(machines: &[&str], rows: &[Row], rounds: usize) -> Value {
    let mut works = Map::new();
    for Row { work, figures } in rows {
        let figures = machines.iter().zip(figures).filter_map(|(name, figures)| {
            let Figures { best, median, gas } = (*figures)?;
            Some(((*name).to_owned(), json!({ "best_us": best, "median_us": median, "gas": gas })))
        });
        works.insert(work.id().to_owned(), Value::Object(figures.collect()));
    }
    let verdicts: Vec<Value> = targets::verdicts(machines, rows)
        .into_iter()
        .map(|it| json!({ "what": it.what, "must_be": it.must_be, "is": it.is, "met": it.met }))
        .collect();
    json!({ "rounds": rounds, "work": works, "targets": verdicts })
}

/// Three significant digits.
fn digits(number: f64) -> String {
    match number {
        n if n >= 100.0 => format!("{n:.0}"),
        n if n >= 10.0 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}
