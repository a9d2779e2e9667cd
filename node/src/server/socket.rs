//! A client's socket, which is cut when the client takes nothing of what waits for it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::limits::TAKEN_BYTES_MIN;

/// A socket whose writes fail when the client takes too little for too long.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    /// How long the client has for [`TAKEN_BYTES_MIN`].
    patience: Duration,
    /// While something waits: until when the client may take it.
    deadline: Option<Pin<Box<Sleep>>>,
    /// What it took since the deadline was set.
    taken: usize,
}

impl Socket {
    /// Around `stream`, whose client must take [`TAKEN_BYTES_MIN`] each time `patience` passes while more waits.
    #[must_use]
    pub const fn new(stream: TcpStream, patience: Duration) -> Self {
        Self { stream, patience, deadline: None, taken: 0 }
    }

    /// Counts what a write of `offered` bytes took, and says whether the client still has time.
    fn judge(
        &mut self,
        context: &mut Context<'_>,
        offered: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = written {
            match &result {
                Ok(bytes) if *bytes < offered => self.taken += bytes,
                // Nothing waits any more.
                _ => self.deadline = None,
            }
            return Poll::Ready(result);
        }
        let deadline = self.deadline.get_or_insert_with(|| {
            self.taken = 0;
            Box::pin(sleep(self.patience))
        });
        while deadline.as_mut().poll(context).is_ready() {
            if self.taken < TAKEN_BYTES_MIN {
                let words = "the client does not read its answers";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, words)));
            }
            self.taken = 0;
            deadline.as_mut().reset(Instant::now() + self.patience);
        }
        Poll::Pending
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, bytes.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        let offered = slices.iter().map(|slice| slice.len()).sum();
        self.judge(context, offered, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(ready!(Pin::new(&mut self.stream).poll_shutdown(context)))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair(patience: Duration) -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        (Socket::new(server.expect("accepts").0, patience), client.expect("connects"))
    }

    #[tokio::test]
    async fn who_reads_nothing_is_cut() {
        let patience = Duration::from_millis(200);
        let (mut socket, client) = pair(patience).await;
        let begun = Instant::now();
        let error = socket.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= patience);
        drop(client);
    }

    #[tokio::test]
    async fn who_takes_a_little_is_cut_as_well() {
        let (mut socket, mut client) = pair(Duration::from_millis(200)).await;
        let mut writing = tokio::spawn(async move { socket.write_all(&vec![0; 64 << 20]).await });
        // As slowly as that, for as long as it lasts: no megabyte in a fifth of a second.
        let mut bytes = vec![0; 1 << 10];
        let mut pace = tokio::time::interval(Duration::from_millis(1));
        let error = loop {
            tokio::select! {
                ended = &mut writing => break ended.expect("no panic").unwrap_err(),
                _ = pace.tick() => drop(client.read_exact(&mut bytes).await),
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_reads_gets_everything() {
        let (mut socket, mut client) = pair(Duration::from_secs(30)).await;
        let writing = tokio::spawn(async move {
            socket.write_all(&vec![7; 16 << 20]).await.expect("taken in time");
            assert!(socket.deadline.is_none());
        });
        let mut read = vec![0; 16 << 20];
        client.read_exact(&mut read).await.expect("all of it");
        writing.await.expect("no panic");
    }
}
