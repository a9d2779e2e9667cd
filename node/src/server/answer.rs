//! Answers that are counted from when they are made until nobody holds a part of them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::budget::{Charge, Exhausted};

/// Texts shorter than this are put together, longer ones are not copied.
const PART_BYTES: usize = 64 << 10;

/// The text of an answer, in parts.
#[derive(Debug)]
pub struct Answer {
    parts: Vec<String>,
    bytes: usize,
    charge: Charge,
}

impl Answer {
    /// An empty one, counted by `charge`.
    #[must_use]
    pub const fn new(charge: Charge) -> Self {
        Self { parts: Vec::new(), bytes: 0, charge }
    }

    /// Length, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends `text`, whose bytes are counted.
    ///
    /// # Errors
    /// If there is no room; then nothing is appended.
    pub fn push(&mut self, text: impl Into<String>) -> Result<(), Exhausted> {
        let text = text.into();
        self.charge.add(text.len())?;
        self.push_small(text);
        Ok(())
    }

    /// Appends a `text` that is not worth counting: what says that there is no room.
    pub fn push_small(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.bytes += text.len();
        match self.parts.last_mut() {
            Some(last) if last.len() + text.len() <= PART_BYTES => last.push_str(&text),
            _ => self.parts.push(text),
        }
    }

    /// The parts; all of them are counted until the last is dropped.
    #[must_use]
    pub fn into_parts(self) -> Vec<Bytes> {
        let charge = Arc::new(self.charge);
        let counted = |text| Bytes::from_owner(Counted { text, _charge: charge.clone() });
        self.parts.into_iter().map(counted).collect()
    }
}

/// A part and what counts it.
struct Counted {
    text: String,
    _charge: Arc<Charge>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// An answer as the body of an HTTP response. `T` is kept until the body was handed over.
#[derive(Debug)]
pub struct AnswerBody<T> {
    parts: std::vec::IntoIter<Bytes>,
    _kept: T,
}

impl<T> AnswerBody<T> {
    /// The body that is `answer`.
    pub fn new(answer: Answer, kept: T) -> Self {
        Self { parts: answer.into_parts().into_iter(), _kept: kept }
    }
}

impl<T: Unpin> Body for AnswerBody<T> {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.parts.next().map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.as_slice().is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.parts.as_slice().iter().map(|part| part.len() as u64).sum())
    }
}
