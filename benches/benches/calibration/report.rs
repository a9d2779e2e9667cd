//! The table.

use crate::engines::Tier;

/// A price, a gas, over which a row is marked, in medians.
const TOO_MUCH: f64 = 3.0;

/// What was measured of one case.
pub struct Row {
    pub class: String,
    pub case: String,
    pub fuel: f64,
    pub nanoseconds: Vec<(Tier, f64)>,
}

impl Row {
    fn gas(&self) -> f64 {
        self.fuel / esker_vm::abi::FUEL_PER_GAS as f64
    }

    fn nanoseconds(&self, tier: Tier) -> Option<f64> {
        self.nanoseconds.iter().find(|(other, _)| *other == tier).map(|(_, nanoseconds)| *nanoseconds)
    }

    /// Nanoseconds a gas.
    pub fn rate(&self, tier: Tier) -> Option<f64> {
        Some(self.nanoseconds(tier)? / self.gas())
    }

    /// On the slower of the native tiers.
    fn slower(&self) -> Option<f64> {
        [Tier::Baseline, Tier::Optimised].into_iter().filter_map(|tier| self.rate(tier)).reduce(f64::max)
    }

    pub fn brief(&self) -> String {
        let rates: Vec<String> = self
            .nanoseconds
            .iter()
            .map(|(tier, _)| format!("{} {:.2}", tier.name(), self.rate(*tier).unwrap_or(f64::NAN)))
            .collect();
        format!("{} {}: {:.0} fuel, ns a gas: {}", self.class, self.case, self.fuel, rates.join(", "))
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn number(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

/// The processor's name, cores and caches, as far as the system tells.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let field = |name: &str| {
        let line = cpu.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or("unknown", |(_, value)| value.trim()).to_owned()
    };
    let caches: Vec<String> = (0..4)
        .map(|index| format!("/sys/devices/system/cpu/cpu0/cache/index{index}"))
        .map(|folder| {
            format!(
                "L{} {} {}",
                read(&format!("{folder}/level")).trim(),
                read(&format!("{folder}/type")).trim(),
                read(&format!("{folder}/size")).trim()
            )
        })
        .collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg");
    format!(
        "{} (model {}), {cores} cores, {}; load {}",
        field("model name"),
        field("model\t"),
        caches.join(", "),
        load.split(' ').next().unwrap_or_default()
    )
}

pub fn json(rows: &[Row]) -> String {
    let rows: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            let times: serde_json::Map<String, serde_json::Value> = row
                .nanoseconds
                .iter()
                .map(|(tier, nanoseconds)| (tier.name().to_owned(), (*nanoseconds).into()))
                .collect();
            serde_json::json!({ "class": row.class, "case": row.case, "fuel": row.fuel, "nanoseconds": times })
        })
        .collect();
    serde_json::json!({ "machine": machine(), "rows": rows }).to_string()
}

/// The table in Markdown, then the verdict.
pub fn markdown(rows: &[Row]) -> String {
    let middle = median(rows.iter().filter_map(Row::slower).collect());
    let mut text = format!("{}\n\n", machine());
    text += "| class | case | fuel | ns, baseline | ns, optimised | ns a gas, baseline | ns a gas, optimised | ns a gas, pulley | of the median |\n";
    text += "|---|---|---|---|---|---|---|---|---|\n";
    for row in rows {
        let ratio = row.slower().map(|slower| slower / middle);
        let mark = if ratio.is_some_and(|ratio| ratio > TOO_MUCH) { "**" } else { "" };
        text += &format!(
            "| {} | {} | {:.0} | {} | {} | {} | {} | {} | {mark}{}{mark} |\n",
            row.class,
            row.case,
            row.fuel,
            number(row.nanoseconds(Tier::Baseline)),
            number(row.nanoseconds(Tier::Optimised)),
            number(row.rate(Tier::Baseline)),
            number(row.rate(Tier::Optimised)),
            number(row.rate(Tier::Pulley)),
            number(ratio),
        );
    }
    text += "\n";
    for tier in Tier::ALL {
        let mut rates: Vec<(f64, &Row)> = rows.iter().filter_map(|row| Some((row.rate(tier)?, row))).collect();
        rates.sort_by(|a, b| b.0.total_cmp(&a.0));
        if let Some((worst, row)) = rates.first() {
            let middle = median(rates.iter().map(|(rate, _)| *rate).collect());
            text += &format!(
                "{}: median {middle:.2} ns a gas, worst {worst:.1} ({} {}), {:.1} medians\n",
                tier.name(),
                row.class,
                row.case,
                worst / middle
            );
        }
    }
    let over = rows.iter().filter(|row| row.slower().is_some_and(|slower| slower > TOO_MUCH * middle)).count();
    text += &format!(
        "\nOn the slower native tier: median {middle:.2} ns a gas; {over} of {} rows over {TOO_MUCH} medians\n",
        rows.len()
    );
    text
}
