//! What a compiled module is of, and who compiles it.

use esker_abi::MeterVersion;
use primitive_types::H256;

use super::Fingerprint;
use crate::Code;
use crate::tier::Tier;

/// What a compiled module is of: a code, metered by a schedule. Modules of one code under two schedules have nothing in
/// common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ModuleKey {
    pub(crate) code_hash: H256,
    pub(crate) meter: MeterVersion,
}

impl From<Code<'_>> for ModuleKey {
    fn from(code: Code<'_>) -> Self {
        Self { code_hash: code.hash, meter: code.meter }
    }
}

/// A compiler and what its files are named by.
pub(super) struct Workshop {
    pub(super) tier: Tier,
    fingerprints: [Fingerprint; MeterVersion::ALL.len()],
}

impl Workshop {
    /// `fingerprint` names what a module of that compiler depends on under each schedule.
    pub(super) fn new(tier: Tier, fingerprint: impl Fn(&Tier, MeterVersion) -> Fingerprint) -> Self {
        let fingerprints = MeterVersion::ALL.map(|meter| fingerprint(&tier, meter));
        Self { tier, fingerprints }
    }

    /// What a module metered so depends on besides its code.
    pub(super) const fn fingerprint(&self, meter: MeterVersion) -> &Fingerprint {
        &self.fingerprints[meter.index()]
    }
}
