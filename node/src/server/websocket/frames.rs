//! WebSocket frames (RFC 6455): messages read piece by piece and counted as they arrive, and heads of frames to write.

use std::io;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use soketto::Parsing;
use soketto::base::{Codec, Header, OpCode};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::Instant;

use super::super::budget::{Account, Charge, Exhausted};
use super::super::calls::{Text, append};

/// How much is read at a time.
const READ_BYTES: usize = 16 << 10;
/// Longest frame that is read to its end and refused; a longer one ends the connection.
const FRAME_BYTES_MAX: usize = 256 << 20;

/// Why a message was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is longer than messages may be.
    TooLarge,
    /// There was no room for it.
    Busy,
}

/// What a client sent.
#[derive(Debug)]
pub enum Event {
    /// A message, text or not.
    Message(Text),
    /// A message that was thrown away as it came.
    Refused(Refusal),
    /// It wants to know whether we are there.
    Ping(Bytes),
    /// It is there.
    Pong,
    /// It wants to end the connection, with this status.
    Close(Option<u16>),
}

/// The connection cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// It ended, or the system says so.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A head that is none.
    #[error("{0}")]
    Head(#[from] soketto::base::Error),
    /// Frames in an order, or of a kind, that the protocol does not know.
    #[error("{0}")]
    Protocol(&'static str),
}

/// Reads messages. Whoever stops waiting for one loses nothing.
#[derive(Debug)]
pub struct Reader<R> {
    stream: R,
    codec: Codec,
    buffer: BytesMut,
    account: Arc<Account>,
    bytes_max: usize,
    /// The frame whose head was read, and how much of it came.
    frame: Option<(Header, usize)>,
    message: Option<Partial>,
    bytes: u64,
}

/// A message of which a part came.
#[derive(Debug)]
struct Partial {
    text: Vec<u8>,
    kept: Result<Charge, Refusal>,
    begun: Instant,
}

impl Partial {
    fn push(&mut self, bytes: &[u8], bytes_max: usize) {
        let Ok(charge) = &mut self.kept else { return };
        let counted = charge.add(bytes.len());
        if self.text.len() + bytes.len() > bytes_max {
            self.kept = Err(Refusal::TooLarge);
        } else if let Err(Exhausted) = counted {
            self.kept = Err(Refusal::Busy);
        }
        match self.kept {
            Ok(_) => append(&mut self.text, bytes),
            Err(_) => self.text = Vec::new(),
        }
    }
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads from `stream`; what messages hold is `account`'s.
    pub fn new(stream: R, account: Arc<Account>, bytes_max: usize) -> Self {
        let mut codec = Codec::new();
        codec.set_max_data_size(FRAME_BYTES_MAX);
        Self { stream, codec, buffer: BytesMut::new(), account, bytes_max, frame: None, message: None, bytes: 0 }
    }

    /// How many bytes came so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Since when a message has been arriving.
    pub fn begun(&self) -> Option<Instant> {
        self.message.as_ref().map(|message| message.begun)
    }

    /// What comes next.
    ///
    /// # Errors
    /// [`FrameError`]; nothing comes after one.
    pub async fn next(&mut self) -> Result<Event, FrameError> {
        loop {
            if let Some(event) = self.advance()? {
                return Ok(event);
            }
            self.buffer.reserve(READ_BYTES);
            let bytes = self.stream.read_buf(&mut self.buffer).await?;
            if bytes == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            self.bytes += bytes as u64;
        }
    }

    /// Makes of what came as much as can be made of it.
    fn advance(&mut self) -> Result<Option<Event>, FrameError> {
        loop {
            let (header, came) = match self.frame.take() {
                Some(frame) => frame,
                None => match self.codec.decode_header(&self.buffer)? {
                    Parsing::NeedMore(_) => return Ok(None),
                    Parsing::Done { value, offset } => {
                        self.buffer.advance(offset);
                        self.check(&value)?;
                        (value, 0)
                    }
                },
            };
            let left = header.payload_len() - came;
            if header.opcode().is_control() {
                if self.buffer.len() < left {
                    self.frame = Some((header, came));
                    return Ok(None);
                }
                let mut payload = self.buffer.split_to(left);
                unmask(&header, 0, &mut payload);
                return control(&header, payload.freeze()).map(Some);
            }
            let message = self.message.get_or_insert_with(|| Partial {
                text: Vec::new(),
                kept: Ok(self.account.charge()),
                begun: Instant::now(),
            });
            let mut bytes = self.buffer.split_to(left.min(self.buffer.len()));
            unmask(&header, came, &mut bytes);
            message.push(&bytes, self.bytes_max);
            if bytes.len() < left {
                self.frame = Some((header, came + bytes.len()));
                return Ok(None);
            }
            if header.is_fin()
                && let Some(Partial { text, kept, .. }) = self.message.take()
            {
                return Ok(Some(match kept {
                    Ok(charge) => Event::Message(Text { text: text.into(), charge }),
                    Err(refusal) => Event::Refused(refusal),
                }));
            }
        }
    }

    fn check(&self, header: &Header) -> Result<(), FrameError> {
        if !header.is_masked() {
            return Err(FrameError::Protocol("a frame of a client is not masked"));
        }
        match header.opcode() {
            OpCode::Continue if self.message.is_none() => {
                Err(FrameError::Protocol("a continuation without a beginning"))
            }
            OpCode::Text | OpCode::Binary if self.message.is_some() => {
                Err(FrameError::Protocol("a message begins inside another"))
            }
            _ => Ok(()),
        }
    }
}

fn control(header: &Header, payload: Bytes) -> Result<Event, FrameError> {
    match header.opcode() {
        OpCode::Ping => Ok(Event::Ping(payload)),
        OpCode::Pong => Ok(Event::Pong),
        OpCode::Close => Ok(Event::Close(payload.first_chunk().map(|status| u16::from_be_bytes(*status)))),
        _ => Err(FrameError::Protocol("a frame of an unknown kind")),
    }
}

/// Takes the mask off `bytes`, of which so many came before.
fn unmask(header: &Header, came: usize, bytes: &mut [u8]) {
    let mut mask = header.mask().to_be_bytes();
    mask.rotate_left(came % 4);
    for (byte, mask) in bytes.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

/// The head of a frame that is a whole message.
pub fn head(opcode: OpCode, bytes: usize) -> Bytes {
    let mut header = Header::new(opcode);
    header.set_payload_len(bytes);
    Bytes::copy_from_slice(Codec::new().encode_header(&header))
}

#[cfg(test)]
mod tests {
    use super::super::super::budget::{Budget, Terms};
    use super::*;

    fn account(free: usize) -> Arc<Account> {
        Account::new(Terms { free, most: 0, copies: 1 }, Budget::new(0))
    }

    /// A frame of a client.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x12, 0x34, 0x56, 0x78];
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | u8::try_from(short).expect("short")),
            long => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(long).expect("not so long").to_be_bytes());
            }
        }
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    async fn events(bytes: &[u8], step: usize, free: usize) -> (Vec<String>, FrameError) {
        let mut stream = tokio_stream_of(bytes, step);
        let mut reader = Reader::new(&mut stream, account(free), 1_000);
        let mut seen = Vec::new();
        loop {
            match reader.next().await {
                Ok(Event::Message(text)) => seen.push(format!("message {}", String::from_utf8_lossy(&text.text))),
                Ok(event) => seen.push(format!("{event:?}")),
                Err(error) => return (seen, error),
            }
        }
    }

    /// The bytes, so many at a time.
    fn tokio_stream_of(bytes: &[u8], step: usize) -> Steps<'_> {
        Steps { bytes, step }
    }

    struct Steps<'a> {
        bytes: &'a [u8],
        step: usize,
    }

    impl AsyncRead for Steps<'_> {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<io::Result<()>> {
            let (now, later) = self.bytes.split_at(self.step.min(self.bytes.len()).min(buffer.remaining()));
            buffer.put_slice(now);
            self.bytes = later;
            std::task::Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn messages_are_the_same_however_they_come() {
        let long = "x".repeat(700);
        let stream = [
            frame(0x81, b"one"),
            frame(0x01, b"tw"),
            frame(0x89, b"there?"),
            frame(0x80, b"o"),
            frame(0x82, b""),
            frame(0x8a, b""),
            frame(0x81, long.as_bytes()),
            frame(0x88, &1_000u16.to_be_bytes()),
        ]
        .concat();
        for step in [1, 2, 3, 7, 100, 10_000] {
            let (seen, _) = events(&stream, step, 10_000).await;
            let long = format!("message {long}");
            let wanted =
                ["message one", "Ping(b\"there?\")", "message two", "message ", "Pong", &long, "Close(Some(1000))"];
            assert_eq!(seen, wanted, "{step} at a time");
        }
    }

    #[tokio::test]
    async fn what_finds_no_room_is_read_over() {
        let long = [b'x'; 900];
        let stream = [frame(0x81, &long), frame(0x01, &long), frame(0x80, &long), frame(0x81, b"next")].concat();
        let (seen, _) = events(&stream, 64, 500).await;
        assert_eq!(seen, ["Refused(Busy)", "Refused(Busy)", "message next"]);
        let (seen, _) = events(&stream, 64, 1_500).await;
        assert_eq!(seen[1..], ["Refused(TooLarge)", "message next"]);
    }

    #[tokio::test]
    async fn what_breaks_the_protocol_ends_the_connection() {
        for bytes in [
            vec![0x81, 0x01, b'x'],
            frame(0x80, b"a continuation of nothing"),
            [frame(0x01, b"a"), frame(0x81, b"b")].concat(),
            frame(0x83, b"reserved"),
            frame(0x09, b"a ping in parts"),
            frame(0xc1, b"a reserved bit"),
            vec![0x81, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0],
        ] {
            let (seen, error) = events(&bytes, 100, 1_000).await;
            assert!(seen.is_empty() && !matches!(error, FrameError::Io(_)), "{seen:?} {error}");
        }
    }

    #[test]
    fn heads_are_as_short_as_can_be() {
        assert_eq!(head(OpCode::Text, 125)[..], [0x81, 125]);
        assert_eq!(head(OpCode::Text, 126)[..], [0x81, 126, 0, 126]);
        assert_eq!(head(OpCode::Text, 65_536)[..], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
