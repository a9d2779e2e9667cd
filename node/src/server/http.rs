//! Requests over HTTP: read, counted as they arrive, and answered.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, StatusCode};
use jsonrpsee::server::http::{content_type_is_json, response};
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use tokio::time::{Instant, timeout_at};

use super::answer::AnswerBody;
use super::budget::Exhausted;
use super::calls::{Caller, Text, append, busy_with_requests, error_text};
use super::connections::{Connection, Phase};
use super::limits::{REQUEST_BYTES_MAX, REQUEST_WITHIN};
use super::websocket;
use crate::rpc::RpcError;

/// The connection is idle again when this goes.
struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.enter(Phase::Idle);
    }
}

/// Answers one request.
pub async fn serve(connection: Arc<Connection>, request: HttpRequest<Incoming>) -> Result<HttpResponse, Infallible> {
    if soketto::handshake::http::is_upgrade_request(&request) {
        return Ok(websocket::upgrade(&connection, request));
    }
    if request.method() != Method::POST {
        return Ok(response::method_not_allowed());
    }
    if !content_type_is_json(&request) {
        return Ok(response::unsupported_content_type());
    }
    connection.enter(Phase::Receiving);
    let busy = Busy(connection.clone());
    let text = match collect(&connection, request).await {
        Ok(text) => text,
        Err(response) => return Ok(response),
    };
    connection.enter(Phase::Answering);
    let caller =
        Caller { requests: connection.requests.clone(), answers: connection.answers.clone(), subscriber: None };
    let answer = connection.all.calls.answer(text, &caller).await;
    Ok(answer.map_or_else(
        || HttpResponse::new(HttpBody::empty()),
        |answer| response::ok_response(HttpBody::new(AnswerBody::new(answer, busy))),
    ))
}

/// Reads the body, or says why not.
async fn collect(connection: &Connection, request: HttpRequest<Incoming>) -> Result<Text, HttpResponse> {
    let (parts, mut body) = request.into_parts();
    let too_large = || response::too_large(u32::try_from(REQUEST_BYTES_MAX).unwrap_or(u32::MAX));
    let announced = parts.headers.get("content-length").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > REQUEST_BYTES_MAX) {
        return Err(too_large());
    }
    let deadline = Instant::now() + REQUEST_WITHIN;
    let (mut text, mut charge) = (Vec::new(), connection.requests.charge());
    loop {
        let frame = match timeout_at(deadline, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            // The client went away, or broke the protocol: nobody reads an answer.
            Ok(Some(Err(_))) => return Err(response::malformed()),
            Err(_) => {
                let words = format!("the request did not come within {} seconds", REQUEST_WITHIN.as_secs());
                let error = RpcError::new(crate::rpc::error::code::INVALID_REQUEST, words);
                return Err(refusal(StatusCode::REQUEST_TIMEOUT, error));
            }
        };
        let Ok(bytes) = frame.into_data() else { continue };
        if text.len() + bytes.len() > REQUEST_BYTES_MAX {
            return Err(too_large());
        }
        if let Err(Exhausted) = charge.add(bytes.len()) {
            drop((text, charge));
            // Who is still sending would not see the answer if the connection was closed on it.
            tokio::spawn(timeout_at(deadline, async move { while let Some(Ok(_)) = body.frame().await {} }));
            return Err(refusal(StatusCode::SERVICE_UNAVAILABLE, busy_with_requests()));
        }
        append(&mut text, &bytes);
    }
    Ok(Text { text: Bytes::from(text), charge })
}

/// An error that answers no request in particular.
pub fn refusal(status: StatusCode, error: RpcError) -> HttpResponse {
    let mut response = response::ok_response(error_text(error));
    *response.status_mut() = status;
    response
}
