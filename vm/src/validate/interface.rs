//! The interface of a contract: imports against the table of host functions, exports against the entry points.

use esker_abi::{EXPORT_CALL, EXPORT_DEPLOY, EXPORT_MEMORY, HostFunction, IMPORT_MODULE, Param};

use super::module::{FunctionType, ValueType};
use super::reject::{HINT_EXPORTS, HINT_IMPORTS, reject, shown};
use crate::RejectReason;

/// Export names that begin so belong to the instrumentation.
pub(super) const RESERVED_PREFIX: &str = "esker_";

/// Which entry point or memory an export is, if any.
pub(super) enum Role {
    Memory,
    Call,
    Deploy,
    /// Harmless, and not exported from the rewritten module.
    Other,
}

/// Finds the host function that an import names. Names are compared byte by byte.
pub(super) fn host_function(module: &str, name: &str) -> Result<&'static HostFunction, RejectReason> {
    if module != IMPORT_MODULE {
        return Err(reject(format!("imports `{}` from `{}`", shown(name), shown(module)), HINT_IMPORTS));
    }
    esker_abi::find(name).ok_or_else(|| {
        reject(format!("unknown host function `{}`", shown(name)), "Use the host functions of this version of the SDK")
    })
}

/// Refuses an import whose type is not the host function's.
pub(super) fn check_signature(function: &HostFunction, found: &FunctionType) -> Result<(), RejectReason> {
    let params = function.params.iter().map(|(_, param)| param_type(*param));
    let results = function.result.map(param_type);
    if params.eq(found.params.iter().copied()) && results.into_iter().eq(found.results.iter().copied()) {
        return Ok(());
    }
    let expected = FunctionType {
        params: function.params.iter().map(|(_, param)| param_type(*param)).collect(),
        results: results.into_iter().collect(),
    };
    Err(reject(
        format!("host function `{}` imported as {}, it is {}", function.name, signature(found), signature(&expected)),
        "Take the bindings of the SDK instead of declaring imports by hand",
    ))
}

/// Which role an export's name gives it.
pub(super) fn role(name: &str) -> Result<Role, RejectReason> {
    match name {
        EXPORT_MEMORY => Ok(Role::Memory),
        EXPORT_CALL => Ok(Role::Call),
        EXPORT_DEPLOY => Ok(Role::Deploy),
        _ if name.starts_with(RESERVED_PREFIX) => Err(reject(
            format!("exports the reserved name `{}`", shown(name)),
            "Names that begin with `esker_` belong to the machine; rename the export",
        )),
        _ => Ok(Role::Other),
    }
}

/// Refuses an entry point that takes or returns anything.
pub(super) fn check_entry(name: &str, found: &FunctionType) -> Result<(), RejectReason> {
    if found.params.is_empty() && found.results.is_empty() {
        return Ok(());
    }
    Err(reject(format!("the export `{name}` has the type {}, it must be () -> ()", signature(found)), HINT_EXPORTS))
}

fn param_type(param: Param) -> ValueType {
    match param {
        Param::Ptr | Param::Mut | Param::Offset | Param::Len | Param::I32 => ValueType::I32,
        Param::I64 => ValueType::I64,
    }
}

fn signature(found: &FunctionType) -> String {
    let list = |types: &[ValueType]| {
        let names: Vec<&str> = types
            .iter()
            .map(|value_type| match value_type {
                ValueType::I32 => "i32",
                ValueType::I64 => "i64",
            })
            .collect();
        names.join(", ")
    };
    format!("({}) -> ({})", list(&found.params), list(&found.results))
}
