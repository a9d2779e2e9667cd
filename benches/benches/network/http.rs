//! A client that costs little: one connection, bodies that are there already, answers that are hardly read. What measures
//! shares its cores with what is measured.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

/// How long a node may take for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection to a node's JSON-RPC server, kept open.
pub struct Http {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Http {
    /// Connects.
    pub fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { address, stream: BufReader::new(stream) })
    }

    /// Sends a body and gives the answer's.
    pub fn post(&mut self, body: &str) -> std::io::Result<String> {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let socket = self.stream.get_mut();
        socket.write_all(head.as_bytes())?;
        socket.write_all(body.as_bytes())?;
        let status = self.line()?;
        let mut length = None;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        let failed = |what: &str| Error::new(ErrorKind::InvalidData, format!("{what}: {status}"));
        let mut answer = vec![0; length.ok_or_else(|| failed("an answer without a length"))?];
        self.stream.read_exact(&mut answer)?;
        let answer = String::from_utf8(answer).map_err(|_| failed("an answer that is no text"))?;
        if status.contains(" 200 ") { Ok(answer) } else { Err(failed(&answer)) }
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the node closed the connection"));
        }
        Ok(line.trim_end().to_owned())
    }

    /// The result of a method that must have one.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let address = self.address;
        let answer = self.post(&request.to_string()).unwrap_or_else(|error| panic!("{address}: {method}: {error}"));
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{method}: {error}: {answer}"));
        assert!(answer.get("error").is_none(), "{address} refused {method} {params}: {answer}");
        answer["result"].clone()
    }
}

/// The number that a JSON-RPC quantity says.
pub fn quantity(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.unwrap_or_else(|| panic!("{value} is no quantity"))
}
