//! The macros of `esker-sdk`, which re-exports them. Their documentation for authors is `docs/sdk.md`.
//!
//! Selectors, topics, layouts and the JSON ABI are not computed here: the expansions describe them as constants over the
//! SDK's traits, so that the compiler evaluates them with every type resolved, aliases and other crates' structs included.

mod abi;
mod attributes;
mod component;
mod component_parts;
mod contract;
mod description;
mod dispatch;
mod eip712;
mod erc165;
mod errors;
mod event;
mod exports;
mod guard;
mod handle;
mod hook;
mod interface;
mod mentions;
mod method;
mod names;
mod owner;
mod results;
mod storage;
mod stored;
mod test;

use proc_macro::TokenStream;
use syn::parse_macro_input;

fn expanded(result: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    result.unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Makes a module a contract.
///
/// It holds one `#[storage]` struct and its `impl` blocks, whose `pub fn`s are the contract's methods; `#[constructor]`,
/// `#[payable]`, `#[reentrant]`, `#[fallback]`, `#[receive]` and `#[name = "…"]` mark methods. `#[event]` and `#[error]`
/// items inside it enter the ABI, and so do those defined elsewhere that its methods emit and revert with where the macro
/// can see it; the others are named in `#[contract(events(path, …), errors(path, …))]`.
#[proc_macro_attribute]
pub fn contract(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expanded(contract::expand(arguments.into(), item.into()))
}

/// Makes a module a component: storage, events, errors and methods that contracts, and other components, have as a field
/// of their storage struct.
///
/// Its one `#[storage]` struct may have type and const parameters. `#[hook] fn` is called by the component and may be
/// implemented by whoever embeds it; its `pub fn`s are exposed where the field is marked `#[expose]`, except those marked
/// `#[internal]`.
#[proc_macro_attribute]
pub fn component(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expanded(component::expand(arguments.into(), item.into()))
}

/// Makes a trait an interface: contracts implement it, `impl IErc20 for Token` inside `#[contract] mod`, and others call
/// whoever does through its handle: `IErc20Handle::at(address).transfer(to, 5).call(cx)`.
#[proc_macro_attribute]
pub fn interface(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expanded(interface::expand(arguments.into(), item.into()))
}

/// Lays a struct out in storage as Solidity does. Inside `#[contract] mod` it marks the contract's own storage;
/// `#[storage(nested)]` marks structs that lie inside it.
#[proc_macro_attribute]
pub fn storage(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expanded(storage::expand_attribute(arguments.into(), item.into()))
}

/// Makes a struct a Solidity event. `#[indexed]` marks topics; `#[event(anonymous)]` leaves the signature out.
#[proc_macro_attribute]
pub fn event(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expanded(event::expand_attribute(arguments.into(), item.into()))
}

/// Makes an enum's variants, or a struct, Solidity custom errors. A variant `#[from] Name(OtherError)` passes on another
/// type's errors.
#[proc_macro_attribute]
pub fn error(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expanded(errors::expand_attribute(arguments.into(), item.into()))
}

/// Makes a struct a Solidity struct (an ABI tuple), or an enum without fields a Solidity enum.
#[proc_macro_derive(Abi)]
pub fn derive_abi(item: TokenStream) -> TokenStream {
    expanded(abi::expand(&parse_macro_input!(item)))
}

/// Makes a struct one that storage can hold: `Map<u64, Proposal>`, `List<Proposal>`. `ProposalStorage` is made beside it,
/// the `#[storage]` struct with a handle for each of its fields, `load()` and `store(&proposal)`.
#[proc_macro_derive(Stored)]
pub fn derive_stored(item: TokenStream) -> TokenStream {
    expanded(stored::expand(&parse_macro_input!(item)))
}

/// Makes a struct typed data that can be signed (EIP-712). `#[name = "…"]` on it or on a member sets another name.
#[proc_macro_derive(Eip712, attributes(name))]
pub fn derive_eip712(item: TokenStream) -> TokenStream {
    expanded(eip712::expand(&parse_macro_input!(item)))
}

/// A test that runs twice, natively and as wasm on the real VM.
///
/// `fn name(chain: &mut Chain, alice: User, bob: User) { … }` becomes a `#[test]` that calls
/// `::esker_sdk_test::dual_run`, which the test kit provides:
///
/// ```text
/// #[test]
/// fn name() {
///     ::esker_sdk_test::dual_run(
///         ::core::stringify!(name),
///         ::core::module_path!(),
///         ::core::env!("CARGO_MANIFEST_DIR"),
///         &["alice", "bob"],
///         |chain: &mut Chain, users: &[::esker_sdk_test::User]| {
///             let alice: User = ::core::clone::Clone::clone(&users[0]);
///             let bob: User = ::core::clone::Clone::clone(&users[1]);
///             …
///         },
///     )
/// }
/// ```
///
/// `dual_run(name: &str, module: &str, manifest_dir: &str, users: &[&str], body: impl Fn(&mut Chain, &[User]))` calls the
/// body once a run with as many users as names. Other attributes of the function (`#[ignore]`, `#[should_panic]`) stay.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expanded(test::expand(arguments.into(), item.into()))
}
