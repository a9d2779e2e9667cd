//! How far a long command is.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error, if that is a terminal. It is gone when it is dropped.
pub(in crate::cli) struct Bar(ProgressBar);

impl Bar {
    /// A bar for work that ends at `end`; with `template` in indicatif's words.
    pub(in crate::cli) fn new(end: u64, template: &str) -> Self {
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::new(end).with_style(style))
    }

    /// Shows that so much is done.
    pub(in crate::cli) fn reach(&self, position: u64) {
        self.0.set_position(position);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
