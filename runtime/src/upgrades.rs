//! Protocol versions: which rules hold at which height, and what each version decides.

use std::collections::BTreeMap;
use std::fmt;

use esker_abi::MeterVersion;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::{Serialize, Serializer};

use crate::params::Prices;

/// Most upgrades that a table has: every block looks through it.
pub const UPGRADES_MAX: usize = 256;

/// What every chain begins with, unless its table says otherwise for block 0.
const FIRST: u32 = 1;

/// The rules of a protocol version: everything that differs between versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The version, which headers name in their `extraData`.
    pub version: u32,
    /// Our own prices.
    pub prices: Prices,
    /// What instructions cost.
    pub meter: MeterVersion,
}

impl Rules {
    /// Protocol version 1.
    pub const V1: Self = Self { version: 1, prices: Prices::V1, meter: MeterVersion::V1 };
    /// Protocol version 2.
    pub const V2: Self = Self { version: 2, prices: Prices::V2, meter: MeterVersion::V2 };
    /// The newest that this program knows.
    pub const LATEST: Self = Self::V2;

    /// The rules of that version; `None` if this program does not know it.
    #[must_use]
    pub const fn of(version: u32) -> Option<Self> {
        match version {
            1 => Some(Self::V1),
            2 => Some(Self::V2),
            _ => None,
        }
    }
}

/// A version that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The protocol version.
    pub version: u32,
    /// The first block under its rules.
    pub height: u64,
}

/// A chain's activation table: protocol versions after the first, each with the height of its first block. Versions and
/// heights both grow; a version may be left out, since each says all of its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upgrades(BTreeMap<u32, u64>);

/// Why a table cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpgradesError {
    /// More entries than anybody needs.
    #[error("a chain has at most {UPGRADES_MAX} upgrades")]
    TooMany,
    /// A version that is no upgrade.
    #[error("a chain begins with version 1, so upgrades are to version 2 and later, not {0}")]
    Version(u32),
    /// Heights that do not grow with the versions.
    #[error(
        "version {} cannot begin at block {}, since version {} begins at block {}: heights grow with versions",
        .later.version, .later.height, .earlier.version, .earlier.height
    )]
    Order {
        /// The lower version.
        earlier: Upgrade,
        /// The higher version, not after it.
        later: Upgrade,
    },
}

/// The next block needs rules that this program does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "protocol version {} begins at block {}, and this program knows versions up to {}: install a newer one, then start it \
     on the same home", .0.version, .0.height, Rules::LATEST.version
)]
pub struct UnknownRules(pub Upgrade);

impl Upgrades {
    /// No upgrades: version 1 for good.
    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// The table with these entries.
    ///
    /// # Errors
    /// [`UpgradesError`]
    pub fn new(heights: BTreeMap<u32, u64>) -> Result<Self, UpgradesError> {
        if heights.len() > UPGRADES_MAX {
            return Err(UpgradesError::TooMany);
        }
        let table = Self(heights);
        if let Some(version) = table.0.keys().copied().find(|version| *version <= FIRST) {
            return Err(UpgradesError::Version(version));
        }
        let disorder = table.iter().zip(table.iter().skip(1)).find(|(earlier, later)| earlier.height >= later.height);
        match disorder {
            Some((earlier, later)) => Err(UpgradesError::Order { earlier, later }),
            None => Ok(table),
        }
    }

    /// The table with `height` for `version` (in the place of another), or without that version.
    ///
    /// # Errors
    /// [`UpgradesError`]
    pub fn with(&self, version: u32, height: Option<u64>) -> Result<Self, UpgradesError> {
        let mut heights = self.0.clone();
        match height {
            Some(height) => heights.insert(version, height),
            None => heights.remove(&version),
        };
        Self::new(heights)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The upgrades, earliest first.
    pub fn iter(&self) -> impl Iterator<Item = Upgrade> + '_ {
        self.0.iter().map(|(version, height)| Upgrade { version: *version, height: *height })
    }

    /// The first block under that version; `None` if the table does not have it.
    #[must_use]
    pub fn height_of(&self, version: u32) -> Option<u64> {
        self.0.get(&version).copied()
    }

    /// The version of block `number`, which this program may not know.
    #[must_use]
    pub fn version_at(&self, number: u64) -> u32 {
        self.iter().take_while(|upgrade| upgrade.height <= number).last().map_or(FIRST, |upgrade| upgrade.version)
    }

    /// The first upgrade after block `number`.
    #[must_use]
    pub fn after(&self, number: u64) -> Option<Upgrade> {
        self.iter().find(|upgrade| upgrade.height > number)
    }

    /// The rules of block `number`.
    ///
    /// # Errors
    /// [`UnknownRules`] if this program is too old for it.
    pub fn rules_at(&self, number: u64) -> Result<Rules, UnknownRules> {
        let version = self.version_at(number);
        let unknown = || UnknownRules(Upgrade { version, height: self.height_of(version).unwrap_or(0) });
        Rules::of(version).ok_or_else(unknown)
    }
}

impl Serialize for Upgrades {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Upgrades {
    /// A map of versions to heights; one that names a version twice is refused, since readers would differ about it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table;

        impl<'de> Visitor<'de> for Table {
            type Value = Upgrades;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a map of protocol versions to the numbers of their first blocks")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Upgrades, A::Error> {
                let mut heights = BTreeMap::new();
                while let Some((version, height)) = entries.next_entry()? {
                    if heights.len() > UPGRADES_MAX {
                        return Err(A::Error::custom(UpgradesError::TooMany));
                    }
                    if heights.insert(version, height).is_some() {
                        return Err(A::Error::custom(format_args!(
                            "version {version} stands twice among the upgrades"
                        )));
                    }
                }
                Upgrades::new(heights).map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_map(Table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &[(u32, u64)]) -> Result<Upgrades, UpgradesError> {
        Upgrades::new(entries.iter().copied().collect())
    }

    #[test]
    fn the_version_of_a_block_is_the_last_that_has_begun() {
        let none = Upgrades::none();
        assert_eq!((none.version_at(0), none.version_at(u64::MAX), none.after(0)), (1, 1, None));
        let upgrades = table(&[(2, 10), (4, 11), (9, u64::MAX)]).expect("it grows");
        let versions = [0, 9, 10, 11, 12, u64::MAX - 1, u64::MAX].map(|number| upgrades.version_at(number));
        assert_eq!(versions, [1, 1, 2, 4, 4, 4, 9]);
        assert_eq!(upgrades.after(9), Some(Upgrade { version: 2, height: 10 }));
        assert_eq!(upgrades.after(10), Some(Upgrade { version: 4, height: 11 }));
        assert_eq!(upgrades.after(u64::MAX), None);
        assert_eq!(upgrades.rules_at(9), Ok(Rules::V1));
        assert_eq!(upgrades.rules_at(10), Ok(Rules::V2));
        let unknown = upgrades.rules_at(300).expect_err("no program knows it yet");
        assert_eq!(unknown, UnknownRules(Upgrade { version: 4, height: 11 }));
        let words = unknown.to_string();
        assert!(words.contains("version 4 begins at block 11") && words.contains("up to 2"), "{words}");
    }

    #[test]
    fn a_chain_may_begin_with_a_later_version() {
        let upgrades = table(&[(2, 0), (3, 1)]).expect("it grows");
        assert_eq!((upgrades.version_at(0), upgrades.version_at(1)), (2, 3));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(table(&[(0, 5)]), Err(UpgradesError::Version(0)));
        assert_eq!(table(&[(1, 0), (2, 5)]), Err(UpgradesError::Version(1)));
        for heights in [(5, 5), (5, 4), (0, 0), (u64::MAX, u64::MAX)] {
            let error = table(&[(2, heights.0), (3, heights.1)]).expect_err("it does not grow");
            assert!(error.to_string().contains("heights grow with versions"), "{error}");
        }
        let many = |count: u32| Upgrades::new((2..2 + count).map(|version| (version, u64::from(version))).collect());
        assert!(many(256).is_ok());
        assert_eq!(many(257), Err(UpgradesError::TooMany));
        let upgrades = table(&[(2, 5)]).expect("it grows");
        assert!(upgrades.with(3, Some(5)).is_err() && upgrades.with(1, Some(9)).is_err());
        assert_eq!(upgrades.with(2, Some(7)), table(&[(2, 7)]));
        assert_eq!(upgrades.with(2, None), Ok(Upgrades::none()));
        assert_eq!(upgrades.with(7, None), Ok(upgrades));
    }

    #[test]
    fn a_table_reads_back_and_no_other_text_passes() {
        let upgrades = table(&[(2, 5), (3, u64::MAX)]).expect("it grows");
        let text = serde_json::to_string(&upgrades).expect("text");
        assert_eq!(text, r#"{"2":5,"3":18446744073709551615}"#);
        assert_eq!(serde_json::from_str::<Upgrades>(&text).ok(), Some(upgrades));
        let many: Vec<String> = (2..100_000).map(|version| format!("\"{version}\":{version}")).collect();
        let error = serde_json::from_str::<Upgrades>(&format!("{{{}}}", many.join(","))).expect_err("too many");
        assert!(error.to_string().contains("at most 256"), "{error}");
        for (text, why) in [
            (r#"{"2":5,"2":5}"#, "twice"),
            (r#"{"2":5,"3":5}"#, "heights grow"),
            (r#"{"1":5}"#, "version 1"),
            (r#"{"2":-1}"#, "expected u64"),
            (r#"{"2":1.5}"#, "expected u64"),
            (r#"{"2":18446744073709551616}"#, "u64"),
            (r#"{"4294967296":5}"#, "u32"),
            (r#"{"two":5}"#, "invalid"),
            ("[[2,5]]", "a map of protocol versions"),
            ("null", "a map of protocol versions"),
        ] {
            let error = serde_json::from_str::<Upgrades>(text).expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
