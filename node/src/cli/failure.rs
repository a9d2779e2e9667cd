//! The one way in which a command fails: what failed, why, what to do next, and the exit code that goes with it.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::answer::Answer;

/// Who or what a failure is the fault of; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The transaction, call or check itself failed: exit code 1.
    Failed,
    /// The command was given something that it cannot use: exit code 2.
    Usage,
    /// A server, file or device did not do its part: exit code 3.
    Infrastructure,
}

impl Kind {
    /// The process's exit code.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Infrastructure => 3,
        }
    }

    /// The name that `--json` shows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Infrastructure => "infrastructure",
        }
    }
}

/// Why a command did not do what was asked.
#[derive(Clone, Debug)]
pub struct Failure(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: Kind,
    message: String,
    reason: Option<String>,
    hint: Option<String>,
    details: Map<String, Value>,
    answer: Option<Answer>,
}

impl Failure {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            message: message.into(),
            reason: None,
            hint: None,
            details: Map::new(),
            answer: None,
        }))
    }

    /// The transaction, call or check failed.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The command line, or a file it names, is wrong.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Something outside did not work.
    #[must_use]
    pub fn infrastructure(message: impl Into<String>) -> Self {
        Self::new(Kind::Infrastructure, message)
    }

    /// Adds why it failed.
    #[must_use]
    pub fn because(mut self, reason: impl fmt::Display) -> Self {
        self.0.reason = Some(reason.to_string());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds a member to the error object of `--json`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds what is known in spite of the failure: it is shown before the error.
    #[must_use]
    pub fn after(mut self, answer: Answer) -> Self {
        self.0.answer = Some(answer);
        self
    }

    /// A member of the error object of `--json`.
    #[must_use]
    pub fn detail(&self, name: &str) -> Option<&Value> {
        self.0.details.get(name)
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.0.kind.exit_code())
    }

    /// What was found out before the failure.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.0.answer.as_ref()
    }

    /// The object that `--json` prints: what is known, and `error`.
    #[must_use]
    pub fn json(&self) -> Value {
        let parts = &self.0;
        let mut error = parts.details.clone();
        error.insert("kind".to_owned(), json!(parts.kind.name()));
        error.insert("message".to_owned(), json!(parts.message));
        error.insert("reason".to_owned(), json!(parts.reason));
        error.insert("hint".to_owned(), json!(parts.hint));
        let mut object = match parts.answer.as_ref().map(|answer| answer.json.clone()) {
            Some(Value::Object(known)) => known,
            Some(other) => Map::from_iter([("result".to_owned(), other)]),
            None => Map::new(),
        };
        object.insert("error".to_owned(), Value::Object(error));
        Value::Object(object)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error: {}", self.0.message)?;
        if let Some(reason) = &self.0.reason {
            write!(out, "\n  why: {}", reason.replace('\n', "\n       "))?;
        }
        if let Some(hint) = &self.0.hint {
            write!(out, "\n  next: {}", hint.replace('\n', "\n        "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_why_and_what_next() {
        let failure = Failure::usage("bad amount").because("no digits").hint("write 1ether");
        assert_eq!(failure.to_string(), "error: bad amount\n  why: no digits\n  next: write 1ether");
        let expected =
            json!({"error": {"kind": "usage", "message": "bad amount", "reason": "no digits", "hint": "write 1ether"}});
        assert_eq!(failure.json(), expected);
    }

    #[test]
    fn what_is_known_stays_beside_the_error() {
        let answer = Answer::new("reverted", json!({"status": "reverted"}));
        let object = Failure::failed("the transaction failed").with("code", 3).after(answer).json();
        assert_eq!(object["status"], "reverted");
        assert_eq!(object["error"]["code"], 3);
    }
}
