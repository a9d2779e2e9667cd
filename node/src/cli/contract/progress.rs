//! What a person sees while a build runs.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use esker_sdk_build::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::answer::remark;

/// Shows progress on standard error: on a terminal a line that changes, with downloads and the like kept above it;
/// elsewhere every line.
pub(super) struct Shown(Option<ProgressBar>);

impl Shown {
    /// Begins to show.
    pub(super) fn start() -> Self {
        if !stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(Some(bar))
    }

    /// Shows every line: beside another program that writes to the same terminal.
    pub(super) fn plain() -> Self {
        Self(None)
    }
}

impl Progress for Shown {
    fn note(&self, line: &str) {
        match &self.0 {
            None => remark(line),
            Some(bar) => {
                // cargo's own lines come by the dozen and say little; ours are few and say why.
                if line.starts_with(|first: char| first.is_ascii_lowercase()) {
                    bar.println(line);
                }
                bar.set_message(line.to_owned());
            }
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
