//! How much may happen in a time: token buckets, and connections that are read at a bounded pace.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures::{AsyncRead, AsyncWrite};
use tokio::time::{Sleep, sleep};

const NANOS_PER_SECOND: u128 = 1_000_000_000;
/// A connection that ran out of its allowance goes on when it may read this much.
const READ_BYTES_MIN: u64 = 16 << 10;

/// A pace and how far one may run ahead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run.
    pub per_second: u64,
    /// At once.
    pub burst: u64,
}

/// A [`Rate`] being kept. It begins full.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    rate: Rate,
    /// In billionths.
    tokens: u128,
    filled: Instant,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, tokens: u128::from(rate.burst) * NANOS_PER_SECOND, filled: now }
    }

    /// What may be taken at `now`.
    pub fn available(&mut self, now: Instant) -> u64 {
        let gained = now.saturating_duration_since(self.filled).as_nanos().saturating_mul(self.rate.per_second.into());
        self.filled = self.filled.max(now);
        self.tokens = self.tokens.saturating_add(gained).min(u128::from(self.rate.burst) * NANOS_PER_SECOND);
        u64::try_from(self.tokens / NANOS_PER_SECOND).unwrap_or(u64::MAX)
    }

    /// Takes `amount` if it is there; says whether it was.
    pub fn take(&mut self, amount: u64, now: Instant) -> bool {
        let is_there = self.available(now) >= amount;
        if is_there {
            self.spend(amount);
        }
        is_there
    }

    /// Takes `amount`, or what there is.
    pub fn spend(&mut self, amount: u64) {
        self.tokens = self.tokens.saturating_sub(u128::from(amount) * NANOS_PER_SECOND);
    }

    /// How long after the last look until `amount`, or a full bucket, may be taken.
    #[must_use]
    pub fn until(&self, amount: u64) -> Duration {
        let missing = (u128::from(amount.min(self.rate.burst)) * NANOS_PER_SECOND).saturating_sub(self.tokens);
        let nanos = missing.div_ceil(u128::from(self.rate.per_second.max(1)));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// A stream from which no more is read than a [`Rate`] allows: whoever sends more has to wait, since its packets are not
/// acknowledged. So nothing that a peer sends, not even what is thrown away unseen, costs more than that.
pub struct Throttled<S> {
    inner: S,
    bucket: TokenBucket,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S> Throttled<S> {
    /// Reads `inner` at this rate, in bytes.
    pub fn new(inner: S, rate: Rate) -> Self {
        Self { inner, bucket: TokenBucket::new(rate, Instant::now()), pause: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Throttled<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            let allowed = self.bucket.available(Instant::now());
            if allowed == 0 {
                self.pause = Some(Box::pin(sleep(self.bucket.until(READ_BYTES_MIN))));
                continue;
            }
            let len = buffer.len().min(usize::try_from(allowed).unwrap_or(usize::MAX));
            let part = buffer.get_mut(..len).unwrap_or_default();
            let read = ready!(Pin::new(&mut self.inner).poll_read(context, part))?;
            self.bucket.spend(read as u64);
            return Poll::Ready(Ok(read));
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Throttled<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, parts)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(context)
    }
}

#[cfg(test)]
mod tests {
    use futures::AsyncReadExt;

    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_pace() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(Rate { per_second: 10, burst: 5 }, start);
        assert!(bucket.take(5, start) && !bucket.take(1, start));
        assert_eq!(bucket.until(1), Duration::from_millis(100));
        assert!(!bucket.take(1, start + Duration::from_millis(99)));
        assert!(bucket.take(1, start + Duration::from_millis(100)), "no part of the time is lost");
        assert_eq!(bucket.available(start + Duration::from_secs(60)), 5, "no more than the burst");
        assert_eq!(bucket.available(start), 5, "a time before the last one changes nothing");
        bucket.spend(9);
        assert_eq!((bucket.available(start), bucket.until(100)), (0, Duration::from_millis(500)));
        assert_eq!(TokenBucket::new(Rate { per_second: 0, burst: 1 }, start).until(1), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_throttled_stream_gives_its_burst_and_makes_the_rest_wait() {
        let rate = Rate { per_second: 1, burst: 50_000 };
        let mut stream = Throttled::new(futures::io::Cursor::new(vec![7; 60_000]), rate);
        stream.read_exact(&mut vec![0; 50_000]).await.expect("the burst");
        assert!(futures::poll!(std::pin::pin!(stream.read_exact(&mut vec![0; 10_000]))).is_pending());
    }

    #[tokio::test]
    async fn what_has_to_wait_comes_whole_and_in_order() {
        let data: Vec<u8> = (0..500_000u32).map(|index| index.to_le_bytes()[0] ^ index.to_le_bytes()[1]).collect();
        let rate = Rate { per_second: 20_000_000, burst: 20_000 };
        let mut stream = Throttled::new(futures::io::Cursor::new(data.clone()), rate);
        let mut read = Vec::new();
        stream.read_to_end(&mut read).await.expect("it comes");
        assert!(read == data, "what was read is not what was sent");
    }
}
