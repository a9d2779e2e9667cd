//! What a build says while it works.

/// Receives one line per thing that happens. A build may take a minute the first time; whoever watches should know why.
pub trait Progress: Send + Sync {
    /// Something began or happened: one line, no newline, in the present tense ("fetching libllvm22 (28 MiB)").
    fn note(&self, line: &str);
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn note(&self, _: &str) {}
}

/// Writes every line to standard error.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToStderr;

impl Progress for ToStderr {
    fn note(&self, line: &str) {
        eprintln!("{line}");
    }
}
