//! Asking a node: JSON-RPC over plain HTTP, one connection for each question.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A node does not keep a test waiting for longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer, in bytes.
const ANSWER_MAX: u64 = 64 << 20;

/// A node's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// `host:port`.
    authority: String,
    path: String,
}

impl Node {
    /// # Errors
    /// If the address is not one of plain HTTP.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("http://");
        let rest = rest.ok_or_else(|| format!("{url}: a fork asks a node over http://, such as one of your own"))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let authority = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
        Ok(Self { authority, path: if path.is_empty() { "/".to_owned() } else { path.to_owned() } })
    }

    /// The answer to one question.
    ///
    /// # Errors
    /// What went wrong on the way, or what the node says is wrong.
    pub(crate) fn ask<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, String> {
        let failed = |what: String| format!("{method} asked of http://{}: {what}", self.authority);
        let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let body = self.post(&question).map_err(&failed)?;
        let mut answer: Value = serde_json::from_slice(&body).map_err(|error| failed(error.to_string()))?;
        if let Some(error) = answer.get("error") {
            return Err(failed(error.to_string()));
        }
        let result = answer.get_mut("result").map(Value::take).ok_or_else(|| failed("no result".to_owned()))?;
        serde_json::from_value(result).map_err(|error| failed(error.to_string()))
    }

    fn post(&self, body: &str) -> Result<Vec<u8>, String> {
        let words = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(&self.authority).map_err(words)?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .map_err(words)?;
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            self.path,
            self.authority,
            body.len()
        );
        stream.write_all(request.as_bytes()).map_err(words)?;
        let mut response = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut response).map_err(words)?;
        body_of(&response).ok_or_else(|| "what came back is no HTTP answer with a body".to_owned())
    }
}

/// The body of a response that was read to its end.
fn body_of(response: &[u8]) -> Option<Vec<u8>> {
    let end = response.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (response.get(..end)?, response.get(end + 4..)?);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let is_chunked = head.lines().any(|line| line.starts_with("transfer-encoding:") && line.contains("chunked"));
    if !is_chunked {
        return Some(body.to_vec());
    }
    let (mut whole, mut rest) = (Vec::new(), body);
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..line)?).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        rest = rest.get(line + 2..)?;
        if size == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size.checked_add(2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_whole_and_in_chunks() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(body_of(&[&head[..], b"{}"].concat()), Some(b"{}".to_vec()));
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let body = b"3\r\n{\"a\r\nA;x=y\r\n\":1234567}\r\n0\r\n\r\n";
        assert_eq!(body_of(&[&head[..], body].concat()), Some(b"{\"a\":1234567}".to_vec()));
        assert_eq!(body_of(&[&head[..], b"ff\r\nshort"].concat()), None);
        assert_eq!(body_of(b"HTTP/1.1 200 OK\r\n"), None);
    }

    #[test]
    fn addresses_are_those_of_plain_http() {
        let node = Node::parse("http://localhost:8545").expect("an address");
        assert_eq!((node.authority.as_str(), node.path.as_str()), ("localhost:8545", "/"));
        let node = Node::parse("http://node.example/rpc/v1").expect("an address");
        assert_eq!((node.authority.as_str(), node.path.as_str()), ("node.example:80", "/rpc/v1"));
        assert!(Node::parse("https://node.example").is_err());
    }
}
