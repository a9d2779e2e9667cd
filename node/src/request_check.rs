//! Bodies of HTTP requests, read and checked before the JSON-RPC library sees them. It calls whatever it cannot read a
//! parse error, while JSON that is no request is an invalid request; and it is silent where an id is of a kind that it
//! does not know.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use alloy_primitives::bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use jsonrpsee::core::BoxError;
use jsonrpsee::server::http::response;
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use jsonrpsee::types::{ErrorCode, Id, InvalidRequest, Notification, Request, Response, ResponsePayload};
use serde::de::IgnoredAny;
use serde_json::from_slice;
use serde_json::value::RawValue;
use tower::Service;

/// How long a client may take to send one request.
const BODY_WITHIN: Duration = Duration::from_secs(60);

/// Answers what is no JSON-RPC request, and hands on the rest.
#[derive(Clone, Debug)]
pub struct CheckedRequests<S> {
    inner: S,
    /// Largest body, in bytes.
    body_bytes_max: u32,
}

impl<S> CheckedRequests<S> {
    /// In front of `inner`.
    pub const fn new(inner: S, body_bytes_max: u32) -> Self {
        Self { inner, body_bytes_max }
    }
}

impl<S> Service<HttpRequest<HttpBody>> for CheckedRequests<S>
where
    S: Service<HttpRequest<HttpBody>, Response = HttpResponse<HttpBody>, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = HttpResponse<HttpBody>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<HttpBody>) -> Self::Future {
        // The one that was polled ready is the one to call.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        if request.method() != "POST" || !is_json(&request) {
            return Box::pin(inner.call(request));
        }
        let bytes_max = self.body_bytes_max;
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let announced =
                parts.headers.get("content-length").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
            if announced.is_some_and(|bytes| bytes > u64::from(bytes_max)) {
                return Ok(response::too_large(bytes_max));
            }
            let body = Limited::new(body, usize::try_from(bytes_max).unwrap_or(usize::MAX)).collect();
            let body = match tokio::time::timeout(BODY_WITHIN, body).await {
                Ok(Ok(body)) => body.to_bytes(),
                Ok(Err(error)) if error.is::<LengthLimitError>() => return Ok(response::too_large(bytes_max)),
                // The client went away, or broke the protocol: nobody reads an answer.
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err("a request did not come within a minute".into()),
            };
            // The library looks for the beginning in the first bytes only.
            let body = body.slice_ref(body.trim_ascii_start());
            let (body, is_silent) = match check(body) {
                Ok(checked) => checked,
                Err(code) => return refused(code),
            };
            let answer = inner.call(HttpRequest::from_parts(parts, HttpBody::new(Full::new(body)))).await?;
            Ok(if is_silent { HttpResponse::new(HttpBody::empty()) } else { answer })
        })
    }
}

fn is_json(request: &HttpRequest<HttpBody>) -> bool {
    let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("application/json"))
}

/// What a member of a batch, or a single body, is to the library.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request,
    Notification,
    /// A request whose id the library cannot read (a fraction, a negative number, a list): it would take it for a
    /// notification.
    BadId,
    Other,
}

fn kind(text: &[u8]) -> Kind {
    if from_slice::<Request<'_>>(text).is_ok() {
        return Kind::Request;
    }
    if from_slice::<Notification<'_, Option<IgnoredAny>>>(text).is_err() {
        return Kind::Other;
    }
    let members = from_slice::<BTreeMap<String, IgnoredAny>>(text);
    if members.is_ok_and(|members| members.contains_key("id")) { Kind::BadId } else { Kind::Notification }
}

/// What to hand on, and whether it is answered by silence; or the error that answers it.
fn check(body: Bytes) -> Result<(Bytes, bool), ErrorCode> {
    if body.starts_with(b"[") {
        return Ok(check_batch(body));
    }
    match kind(&body) {
        Kind::Request => Ok((body, false)),
        Kind::Notification => Ok((body, true)),
        Kind::BadId => Err(ErrorCode::InvalidRequest),
        Kind::Other if from_slice::<InvalidRequest<'_>>(&body).is_ok() => Ok((body, false)),
        Kind::Other if from_slice::<IgnoredAny>(&body).is_ok() => Err(ErrorCode::InvalidRequest),
        Kind::Other => Err(ErrorCode::ParseError),
    }
}

fn check_batch(body: Bytes) -> (Bytes, bool) {
    let Ok(members) = from_slice::<Vec<&RawValue>>(&body) else { return (body, false) };
    let kinds: Vec<Kind> = members.iter().map(|member| kind(member.get().as_bytes())).collect();
    if kinds.contains(&Kind::BadId) {
        // A number is no request: the library says so in its place.
        let members = members.iter().zip(kinds);
        let mended = members.map(|(member, kind)| if kind == Kind::BadId { "0" } else { member.get() });
        return (format!("[{}]", mended.collect::<Vec<_>>().join(",")).into(), false);
    }
    let is_silent = !kinds.is_empty() && kinds.iter().all(|kind| *kind == Kind::Notification);
    (body, is_silent)
}

fn refused(code: ErrorCode) -> Result<HttpResponse<HttpBody>, BoxError> {
    let answer = Response::new(ResponsePayload::<()>::error(code), Id::Null);
    let body = HttpBody::from(serde_json::to_string(&answer)?);
    Ok(HttpResponse::<()>::builder().header("content-type", "application/json; charset=utf-8").body(body)?)
}
