//! What the macros' expansions have the compiler find out about a contract.

use crate::{
    ContractError, Event,
    abi::{ErrorSet, EventItem, FunctionItem, Mutability},
};

/// A method's selector, its number in the source, and what to say to a later method with the same selector.
pub type Selector = (u32, usize, &'static str);

/// Stops the build if a method before this one has its selector.
#[track_caller]
pub const fn assert_unique_selector(all: &[Selector], selector: u32, number: usize) {
    let mut index = 0;
    while index < all.len() {
        let (other, place, complaint) = all[index];
        assert!(other != selector || place >= number, "{}", complaint);
        index += 1;
    }
}

/// Stops the build if a method takes coins where its interface says it does not, or the other way round.
#[track_caller]
pub const fn assert_payability(item: &FunctionItem, payable: bool) {
    match (matches!(item.mutability, Mutability::Payable), payable) {
        (true, false) => panic!("the interface's method is payable: mark this one #[payable] too"),
        (false, true) => panic!("the interface's method is not payable: mark it #[payable] there, or not here"),
        _ => {}
    }
}

/// The event that an expression in a method's body makes. The expression is only typed, never evaluated.
pub const fn event_of<E: Event>(_: fn() -> E) -> &'static EventItem {
    E::ITEM
}

/// The errors of the type that an expression in a method's body has. The expression is only typed, never evaluated.
pub const fn errors_of<E: ContractError>(_: fn() -> E) -> &'static ErrorSet {
    E::ERRORS
}

/// Stands for the fields in expressions that are only typed.
pub fn anything<T>() -> T {
    unreachable!()
}

/// The error of `core::result::Result`, also under another name and with fewer parameters.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `core::result::Result`",
    label = "a method returns a value, or a `Result`",
    note = "an alias named `Result` must stand for `core::result::Result`; give any other type another name"
)]
pub trait Fallible {
    /// What the method reverts with.
    type Error;
}

impl<T, E> Fallible for Result<T, E> {
    type Error = E;
}
