//! Asking a JSON-RPC server, with words for each way in which that can go wrong.

use std::time::Duration;

use alloy_primitives::{Bytes, U64};
use clap::Args;
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder, transport};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::printable;
use super::failure::Failure;

/// Longest answer that is read, in bytes: a block full of logs is far below it.
const RESPONSE_BYTES_MAX: u32 = 256 * 1024 * 1024;

/// Which server to ask.
#[derive(Args, Clone, Debug)]
pub struct RpcArgs {
    /// The JSON-RPC server: an http:// or https:// url of an Esker node, or of any Ethereum node
    #[arg(
        long,
        env = "ESKER_RPC_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8545",
        value_name = "URL"
    )]
    pub rpc_url: String,

    /// Refuse to go on unless the server's chain has this id
    #[arg(long, value_name = "ID", value_parser = super::units::parse_quantity)]
    pub chain_id: Option<u64>,

    /// Seconds to wait for one answer of the server
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub rpc_timeout: u64,
}

/// Why a request got no result.
#[derive(Debug)]
pub enum RpcFailure {
    /// The server answered with an error.
    Refused(Refusal),
    /// No usable answer came.
    Unanswered(Failure),
}

/// A server's error object.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The method asked for.
    pub method: String,
    /// JSON-RPC error code.
    pub code: i64,
    /// The server's words.
    pub message: String,
    /// Its data, if any.
    pub data: Option<Value>,
}

impl Refusal {
    /// Whether the server does not know the method.
    #[must_use]
    pub fn is_unknown_method(&self) -> bool {
        let text = self.message.to_lowercase();
        matches!(self.code, -32601 | -32004)
            || (text.contains("method") && (text.contains("not found") || text.contains("does not exist")))
    }

    /// The data that a call reverted with, if this says that it did (geth's code 3, or data under another code).
    #[must_use]
    pub fn revert_data(&self) -> Option<Bytes> {
        let data = match &self.data {
            Some(Value::String(text)) => text.parse().ok(),
            // Some servers wrap it once more.
            Some(Value::Object(fields)) => {
                fields.get("data").and_then(Value::as_str).and_then(|text| text.parse().ok())
            }
            _ => None,
        };
        let reverted = self.code == 3 || self.message.to_lowercase().contains("revert");
        if reverted { Some(data.unwrap_or_default()) } else { None }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let failure = Self::infrastructure(format!("the server refused {}", refusal.method))
            .because(format!("{} (code {})", printable(&refusal.message), refusal.code))
            .with("rpcMethod", refusal.method.clone())
            .with("rpcCode", refusal.code)
            .with("rpcMessage", refusal.message.clone());
        let failure = match &refusal.data {
            Some(data) => failure.with("rpcData", data.clone()),
            None => failure,
        };
        if refusal.is_unknown_method() {
            failure.hint("this server lacks the method: check --rpc-url, or ask another node")
        } else {
            failure
        }
    }
}

impl From<RpcFailure> for Failure {
    fn from(failure: RpcFailure) -> Self {
        match failure {
            RpcFailure::Refused(refusal) => refusal.into(),
            RpcFailure::Unanswered(failure) => failure,
        }
    }
}

/// A connection to a JSON-RPC server.
#[derive(Debug)]
pub struct Rpc {
    client: HttpClient,
    /// The url as it may be shown: without user name and password.
    shown: String,
    timeout: u64,
    chain_id: Option<u64>,
}

impl Rpc {
    /// Prepares to ask the server; nothing is sent yet.
    ///
    /// # Errors
    /// If the url is none, or of a scheme other than http and https.
    pub fn new(args: &RpcArgs) -> Result<Self, Failure> {
        Self::with_answers_up_to(args, RESPONSE_BYTES_MAX)
    }

    /// As [`Rpc::new`]; an answer with more bytes than `bytes_max` is not read.
    ///
    /// # Errors
    /// As [`Rpc::new`].
    pub fn with_answers_up_to(args: &RpcArgs, bytes_max: u32) -> Result<Self, Failure> {
        if args.rpc_url.is_empty() {
            return Err(Failure::usage("the url of the JSON-RPC server is empty")
                .hint("give --rpc-url, or unset ESKER_RPC_URL to ask http://127.0.0.1:8545"));
        }
        let shown = without_credentials(&args.rpc_url);
        let bad = |reason: String| {
            Failure::usage(format!("{shown:?} is no url of a JSON-RPC server"))
                .because(reason)
                .hint("write it like http://127.0.0.1:8545 or https://rpc.example.org")
        };
        let scheme = args.rpc_url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http" | "https") => {}
            Some("ws" | "wss") => {
                return Err(bad("the command line speaks HTTP; nodes serve it on the same port as WebSocket".into()));
            }
            Some(other) => return Err(bad(format!("the scheme {other:?} is not supported"))),
            None => return Err(bad("it has no scheme".into())),
        }
        let client = HttpClientBuilder::default()
            .request_timeout(Duration::from_secs(args.rpc_timeout))
            .connect_timeout(Duration::from_secs(args.rpc_timeout))
            .max_response_size(bytes_max)
            .max_request_size(RESPONSE_BYTES_MAX)
            .build(&args.rpc_url)
            .map_err(|error| bad(error.to_string()))?;
        Ok(Self { client, shown, timeout: args.rpc_timeout, chain_id: args.chain_id })
    }

    /// The url, as it may be shown.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shown
    }

    /// Calls `method` and reads its result as `T`.
    ///
    /// # Errors
    /// [`RpcFailure::Refused`] if the server answered with an error, else [`RpcFailure::Unanswered`].
    pub async fn request<T: DeserializeOwned>(&self, method: &str, params: &[Value]) -> Result<T, RpcFailure> {
        let mut array = ArrayParams::new();
        for param in params {
            array.insert(param).map_err(|error| {
                RpcFailure::Unanswered(Failure::usage(format!("{method} cannot be asked")).because(error))
            })?;
        }
        tracing::debug!(target: "esker::rpc", method, ?params, "asking");
        let result: Value = self.client.request(method, array).await.map_err(|error| self.explain(method, error))?;
        tracing::debug!(target: "esker::rpc", method, %result, "answered");
        serde_json::from_value(result.clone()).map_err(|error| {
            let mut shown = printable(&result.to_string());
            if let Some((end, _)) = shown.char_indices().nth(200) {
                shown.truncate(end);
                shown.push('…');
            }
            RpcFailure::Unanswered(
                Failure::infrastructure(format!("{} answered {method} with something unexpected", self.shown))
                    .because(format!("{error}: {shown}"))
                    .hint("check that --rpc-url is an Ethereum JSON-RPC server"),
            )
        })
    }

    /// As [`Rpc::request`], where a server that does not know the method is no error.
    ///
    /// # Errors
    /// As [`Rpc::request`].
    pub async fn request_if_known<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &[Value],
    ) -> Result<Option<T>, RpcFailure> {
        match self.request(method, params).await {
            Ok(value) => Ok(Some(value)),
            Err(RpcFailure::Refused(refusal)) if refusal.is_unknown_method() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The chain's id, checked against the one that was asked for.
    ///
    /// # Errors
    /// If the server does not answer as an Ethereum node would, or serves another chain.
    pub async fn chain_id(&self) -> Result<u64, Failure> {
        let id: U64 = self.request("eth_chainId", &[]).await.map_err(|failure| match failure {
            RpcFailure::Refused(refusal) if refusal.is_unknown_method() => {
                Failure::infrastructure(format!("{} is no Ethereum node", self.shown))
                    .because("it speaks JSON-RPC but does not know eth_chainId")
                    .hint("check --rpc-url")
            }
            other => other.into(),
        })?;
        let id = id.to::<u64>();
        match self.chain_id {
            Some(expected) if expected != id => {
                Err(Failure::infrastructure(format!("{} serves another chain", self.shown))
                    .because(format!("its chain id is {id}, --chain-id says {expected}"))
                    .hint("point --rpc-url at the right node, or correct --chain-id")
                    .with("chainId", id)
                    .with("expectedChainId", expected))
            }
            _ => Ok(id),
        }
    }

    fn explain(&self, method: &str, error: ClientError) -> RpcFailure {
        let url = &self.shown;
        let failure = match error {
            ClientError::Call(object) => {
                let data = object.data().and_then(|data| serde_json::from_str(data.get()).ok());
                return RpcFailure::Refused(Refusal {
                    method: method.to_owned(),
                    code: object.code().into(),
                    message: object.message().to_owned(),
                    data,
                });
            }
            ClientError::RequestTimeout => {
                Failure::infrastructure(format!("{url} did not answer {method} within {} s", self.timeout))
                    .hint("try again, allow more with --rpc-timeout, or ask another server")
            }
            ClientError::ParseError(error) => Failure::infrastructure(format!("{url} is no JSON-RPC server"))
                .because(format!("its answer is not JSON-RPC: {error}"))
                .hint("check --rpc-url: port and path"),
            ClientError::Transport(error) => self.explain_transport(error.as_ref()),
            other => Failure::infrastructure(format!("{url} did not answer {method}")).because(other),
        };
        RpcFailure::Unanswered(failure.with("rpcMethod", method))
    }

    fn explain_transport(&self, error: &(dyn std::error::Error + 'static)) -> Failure {
        let url = &self.shown;
        if let Some(transport::Error::Rejected { status_code }) = error.downcast_ref::<transport::Error>() {
            let failure = Failure::infrastructure(format!("{url} answered with HTTP status {status_code}"))
                .with("httpStatus", *status_code);
            return match status_code {
                401 | 403 => failure.hint("the server wants credentials: check the key or password in --rpc-url"),
                404 | 405 => failure.hint("there is no JSON-RPC server at that path: check --rpc-url"),
                429 => failure.hint("the server limits how often it is asked: wait, or use another one"),
                _ => failure.hint("ask the server's operator, or use another --rpc-url"),
            };
        }
        // What the client says of an answer whose body or content type is not JSON.
        if error.to_string().contains("Malformed") {
            return Failure::infrastructure(format!("{url} is no JSON-RPC server"))
                .because("its answer is not JSON")
                .hint("check --rpc-url: port and path");
        }
        let mut words = vec![error.to_string()];
        let mut refused = false;
        let mut source = error.source();
        while let Some(cause) = source {
            refused |= cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused);
            let text = cause.to_string();
            if !words.iter().any(|word| word.contains(&text)) {
                words.push(text);
            }
            source = cause.source();
        }
        let words = words.join(": ");
        let text = words.to_lowercase();
        refused |= text.contains("connection refused");
        let failure = Failure::infrastructure(format!("cannot reach {url}")).because(printable(&words));
        if refused {
            failure.hint("nothing listens there: start a node (`esker dev`), or set --rpc-url or ESKER_RPC_URL")
        } else if text.contains("dns") || text.contains("lookup") {
            failure.hint("the host's name cannot be resolved: check --rpc-url and the network")
        } else if text.contains("certificate") || text.contains("tls") {
            failure.hint("no safe connection could be made: check the scheme, the host's name and its certificate")
        } else {
            failure.hint("check --rpc-url and the network")
        }
    }
}

/// The url without what stands before `@` in its authority.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_shown() {
        assert_eq!(without_credentials("https://user:secret@host:1/path?q"), "https://host:1/path?q");
        assert_eq!(without_credentials("http://host/a@b"), "http://host/a@b");
        assert_eq!(without_credentials("nothing"), "nothing");
    }

    #[test]
    fn revert_data_is_found_where_servers_put_it() {
        let refusal =
            |code, message: &str, data| Refusal { method: "eth_call".into(), code, message: message.into(), data };
        let data = || Some(Value::from("0x0102"));
        assert_eq!(refusal(3, "execution reverted", data()).revert_data(), Some(Bytes::from_static(&[1, 2])));
        let nested = Some(serde_json::json!({"data": "0x03"}));
        assert_eq!(refusal(-32000, "VM Exception: revert", nested).revert_data(), Some(Bytes::from_static(&[3])));
        assert_eq!(refusal(3, "execution reverted", None).revert_data(), Some(Bytes::new()));
        assert_eq!(refusal(-32000, "insufficient funds", data()).revert_data(), None);
    }
}
