//! Why a home cannot be made, opened or used: which file, what is wrong with it, and what to do.

use std::fmt;
use std::path::Path;

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HomeFault {
    /// A file, folder or setting is not what it must be.
    Invalid,
    /// The password does not open a key.
    Password,
    /// The system did not do its part.
    System,
}

/// Something about a home is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct HomeError {
    /// Whose fault it is.
    pub fault: HomeFault,
    /// What is wrong, with the file's name.
    pub message: String,
    /// Why.
    pub reason: Option<String>,
    /// What to do next.
    pub next: Option<String>,
}

impl HomeError {
    fn new(fault: HomeFault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into(), reason: None, next: None }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(HomeFault::Invalid, message)
    }

    pub(super) fn password(message: impl Into<String>) -> Self {
        Self::new(HomeFault::Password, message)
    }

    pub(super) fn system(message: impl Into<String>) -> Self {
        Self::new(HomeFault::System, message)
    }

    pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> Self {
        Self::system(format!("cannot write {}", path.display())).because(error)
    }

    pub(super) fn because(mut self, reason: impl fmt::Display) -> Self {
        self.reason = Some(reason.to_string());
        self
    }

    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl fmt::Display for HomeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        if let Some(reason) = &self.reason {
            write!(out, ": {}", reason.trim_end())?;
        }
        if let Some(next) = &self.next {
            write!(out, " ({next})")?;
        }
        Ok(())
    }
}
