//! Errors as clients know them: geth's codes and texts.

use alloy_primitives::{Bytes, U256, hex};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::Value;

/// Codes that this server uses.
pub mod code {
    /// Whatever geth answers without a code of its own: pool refusals, execution failures.
    pub const SERVER: i32 = -32000;
    /// The call reverted; `data` holds the revert data.
    pub const REVERT: i32 = 3;
    /// The request is no valid request.
    pub const INVALID_REQUEST: i32 = -32600;
    /// No such method or subscription.
    pub const METHOD_NOT_FOUND: i32 = -32601;
    /// Parameters that do not parse.
    pub const INVALID_PARAMS: i32 = -32602;
    /// A fault of this node.
    pub const INTERNAL: i32 = -32603;
    /// Blocks of a time that this node does not hold (EIP-4444).
    pub const PRUNED: i32 = 4444;
    /// What a batch answers is too much (geth's code).
    pub const RESPONSE_TOO_LARGE: i32 = -32003;
    /// A limit of this server was reached.
    pub const LIMIT: i32 = -32005;
}

/// An error answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct RpcError {
    /// The JSON-RPC code.
    pub code: i32,
    /// Text; clients match on it.
    pub message: String,
    /// Revert data, or nothing.
    pub data: Option<Value>,
}

impl RpcError {
    /// An error with `code` and no data.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// -32000, as geth answers what has no code of its own.
    pub fn server(message: impl Into<String>) -> Self {
        Self::new(code::SERVER, message)
    }

    /// -32602.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(code::INVALID_PARAMS, message)
    }

    /// -32602 for parameter `index`.
    pub fn invalid_argument(index: usize, reason: impl std::fmt::Display) -> Self {
        Self::invalid_params(format!("invalid argument {index}: {reason}"))
    }

    /// -32603: this node is at fault; the details go to its log.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed for a fault of this node");
        Self::new(code::INTERNAL, format!("internal error: {cause}"))
    }

    /// -32601 for a method.
    pub fn unknown_method(method: &str) -> Self {
        Self::new(code::METHOD_NOT_FOUND, format!("the method {method} does not exist/is not available"))
    }

    /// Code 3: the call reverted with `output`, which is decoded where it is `Error(string)` or `Panic(uint256)`.
    pub fn reverted(output: &Bytes) -> Self {
        let message = match revert_reason(output) {
            Some(reason) => format!("execution reverted: {reason}"),
            None => "execution reverted".to_owned(),
        };
        Self { code: code::REVERT, message, data: Some(Value::String(hex::encode_prefixed(output))) }
    }
}

impl From<esker_vm::Busy> for RpcError {
    fn from(busy: esker_vm::Busy) -> Self {
        Self::new(code::LIMIT, busy.to_string())
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        Self::owned(error.code, error.message, error.data)
    }
}

/// Decodes `Error(string)` and `Panic(uint256)`; `None` for anything else, such as a custom error.
#[must_use]
pub fn revert_reason(output: &[u8]) -> Option<String> {
    use alloy_sol_types::{Panic, Revert, SolError};
    let selector: [u8; 4] = output.get(..4)?.try_into().ok()?;
    if selector == Revert::SELECTOR {
        return Revert::abi_decode(output).ok().map(|revert| revert.reason);
    }
    if selector == Panic::SELECTOR {
        return Panic::abi_decode(output).ok().map(|panic| panic_text(panic.code));
    }
    None
}

/// geth's words for Solidity's panic codes.
fn panic_text(code: U256) -> String {
    let known = match u64::try_from(code) {
        Ok(0x00) => "generic panic",
        Ok(0x01) => "assert(false)",
        Ok(0x11) => "arithmetic underflow or overflow",
        Ok(0x12) => "division or modulo by zero",
        Ok(0x21) => "enum overflow",
        Ok(0x22) => "invalid encoded storage byte array accessed",
        Ok(0x31) => "out-of-bounds array access; popping on an empty array",
        Ok(0x32) => "out-of-bounds access of an array or bytesN",
        Ok(0x41) => "out of memory",
        Ok(0x51) => "uninitialized function",
        _ => return format!("unknown panic code: {code:#x}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use alloy_sol_types::{Panic, Revert, SolError};

    use super::*;

    #[test]
    fn an_error_string_is_read_out_of_the_revert_data() {
        let data = Bytes::from(Revert::from("no tokens left").abi_encode());
        let error = RpcError::reverted(&data);
        assert_eq!(error.code, 3);
        assert_eq!(error.message, "execution reverted: no tokens left");
        assert_eq!(error.data, Some(Value::String(data.to_string())));
    }

    #[test]
    fn a_panic_is_named_by_its_code() {
        let overflow = Bytes::from(Panic { code: U256::from(0x11) }.abi_encode());
        assert_eq!(RpcError::reverted(&overflow).message, "execution reverted: arithmetic underflow or overflow");
        let strange = Bytes::from(Panic { code: U256::from(0x99) }.abi_encode());
        assert_eq!(RpcError::reverted(&strange).message, "execution reverted: unknown panic code: 0x99");
    }

    #[test]
    fn other_revert_data_has_no_reason_but_is_handed_on() {
        for data in [Bytes::new(), Bytes::from_static(&[1, 2, 3]), Bytes::from_static(&[0xde, 0xad, 0xbe, 0xef, 0])] {
            let error = RpcError::reverted(&data);
            assert_eq!(error.message, "execution reverted");
            assert_eq!(error.data, Some(Value::String(data.to_string())));
        }
    }
}
