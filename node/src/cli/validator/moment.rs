//! When something happens: in epochs and blocks, and about how long that is.

use std::time::Duration;

use serde_json::{Value, json};

/// When something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The epoch that begins then.
    pub epoch: u64,
    /// Its first block.
    pub block: u64,
    /// Blocks until then; 0 if it is past.
    pub blocks: u64,
    /// About how many seconds that takes, at the pace of the last blocks.
    pub seconds: Option<u64>,
}

impl Moment {
    /// For a reader.
    #[must_use]
    pub fn text(&self) -> String {
        if self.blocks == 0 {
            return format!("epoch {}, from block {} on: now", self.epoch, self.block);
        }
        let blocks = if self.blocks == 1 { "1 block".to_owned() } else { format!("{} blocks", self.blocks) };
        let about = self.seconds.map(|seconds| format!(", about {}", lasting(seconds))).unwrap_or_default();
        format!("epoch {}, from block {} on (in {blocks}{about})", self.epoch, self.block)
    }

    /// As `--json` shows it.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({"epoch": self.epoch, "block": self.block, "blocksLeft": self.blocks, "aboutSeconds": self.seconds})
    }
}

/// A time of so many seconds, roughly.
fn lasting(seconds: u64) -> String {
    let duration = Duration::from_secs(seconds);
    match duration.as_secs() {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_in_blocks_and_roughly_in_time() {
        let moment = |blocks, seconds| Moment { epoch: 3, block: 61, blocks, seconds }.text();
        assert_eq!(moment(0, Some(0)), "epoch 3, from block 61 on: now");
        assert_eq!(moment(1, None), "epoch 3, from block 61 on (in 1 block)");
        assert_eq!(moment(20, Some(59)), "epoch 3, from block 61 on (in 20 blocks, about 59 s)");
        assert_eq!(moment(20, Some(600)), "epoch 3, from block 61 on (in 20 blocks, about 10 min)");
        assert_eq!(moment(20, Some(7_200)), "epoch 3, from block 61 on (in 20 blocks, about 2 h)");
        assert_eq!(moment(20, Some(200_000)), "epoch 3, from block 61 on (in 20 blocks, about 2 days)");
    }
}
