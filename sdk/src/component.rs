//! What `#[component]` leaves of a component for whoever embeds it, and what a contract makes of its parts.

use core::fmt::Debug;

use crate::{
    Address, Authority, ContractError, FixedBytes,
    abi::{Decoder, Encoder, ErrorSet, EventItem, FunctionItem},
    error::revert_text,
    storage::{Array, Blob, Cell, List, Map, MapKey, StorageType, Stored, Text, TransientCell, Value},
};

/// A method of a part that a contract may expose.
#[derive(Clone, Copy, Debug)]
pub struct PartMethod {
    /// Its Rust name, by which it is exposed.
    pub name: &'static str,
    /// Its selector.
    pub selector: u32,
    /// Its ABI item.
    pub item: FunctionItem,
    /// Whether re-entering it is refused.
    pub guarded: bool,
    /// Whether it takes the place of methods of its parts.
    pub overrides: bool,
}

/// What a component, or a contract, brings into an ABI.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Whether it is a component, and not just a struct in storage.
    pub is_component: bool,
    /// Whether it was checked where it stands: what a generic one exposes is known where it is a field only.
    pub is_checked: bool,
    /// Its own methods.
    pub methods: &'static [PartMethod],
    /// Its own events.
    pub events: &'static [&'static EventItem],
    /// Its own errors.
    pub errors: &'static [&'static ErrorSet],
    /// The ERC-165 identifiers of the interfaces that it implements.
    pub interfaces: &'static [FixedBytes<4>],
    /// The parts inside, in the order of the fields.
    pub fields: &'static [PartField],
}

impl Part {
    /// What is no component.
    pub const NONE: &'static Self = &Self {
        is_component: false,
        is_checked: true,
        methods: &[],
        events: &[],
        errors: &[],
        interfaces: &[],
        fields: &[],
    };
}

/// A part inside another one.
#[derive(Clone, Copy, Debug)]
pub struct PartField {
    /// What it is.
    pub part: &'static Part,
    /// Which of its methods are exposed.
    pub filter: Filter,
}

/// Which methods of a part a field exposes: of those that the part itself exposes, by their Rust names.
#[derive(Clone, Copy, Debug)]
pub enum Filter {
    /// None.
    Nothing,
    /// All.
    All,
    /// These.
    Only(&'static [&'static str]),
}

/// How a part's methods are exposed: which of them its field exposes, and the component that this field lies in with the
/// way to it, if it is no field of the contract.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// Which of them.
    pub filter: Filter,
    /// What it lies in.
    pub around: Option<(&'a Part, &'a Way<'a>)>,
}

impl Way<'_> {
    /// Whether the contract exposes this method of the part.
    ///
    /// A component's method takes the place of those inside that it overrides, also where itself is not exposed. A name in
    /// a list means the outermost method that is called so.
    #[must_use]
    pub const fn lets(&self, name: &str, selector: u32) -> bool {
        self.passes(name, selector, false)
    }

    /// `hidden`: a part on the way has a method of its own with this name.
    const fn passes(&self, name: &str, selector: u32, mut hidden: bool) -> bool {
        let passes = match self.filter {
            Filter::Nothing => false,
            Filter::All => true,
            Filter::Only(names) => !hidden && contains(names, name),
        };
        let Some((part, way)) = self.around else { return passes };
        let mut index = 0;
        while index < part.methods.len() {
            let method = &part.methods[index];
            if method.overrides && method.selector == selector {
                return false;
            }
            hidden = hidden || same(method.name, name);
            index += 1;
        }
        passes && way.passes(name, selector, hidden)
    }
}

const fn contains(names: &[&str], name: &str) -> bool {
    let mut index = 0;
    while index < names.len() {
        if same(names[index], name) {
            return true;
        }
        index += 1;
    }
    false
}

pub(crate) const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// A storage type as a field: `H` names the field, and so who owns it. A component takes `H` for the parameter that hooks
/// are found by; other types are what they are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a storage struct",
    label = "not a storage type",
    note = "storage types are Cell<T> for a value, Map<K, V>, List<T>, Array<T, N>, Text, Blob, TransientCell<T>, other #[storage] structs, and components"
)]
pub trait Embed<H: ?Sized> {
    /// The field's type.
    type Field: StorageType;
    /// Its hooks, as functions that whoever embeds it may replace.
    type Hooks: Copy;
    /// What it brings into the ABI.
    const PART: &'static Part;
    /// The handle of its exposed methods, `N` behind it.
    type Handle<F: Exposes, N: PartHandle>: PartHandle;
}

/// What a part does where it is embedded.
pub trait Attached<H: ?Sized>: Embed<H> {
    /// The hooks as they are without the owner.
    const DEFAULTS: Self::Hooks;

    /// Runs the exposed method that has the selector, whose bytes are in reverse, if there is one.
    fn call<A: Access<Part = Self::Field>>(
        selector: u32,
        root: &mut A::Root,
        decoder: &mut Decoder<'_>,
        encoder: &mut Encoder,
        authority: &Authority,
    ) -> bool;
}

/// A field of a contract or of a component that holds `P`.
pub trait Host<P> {
    /// The hooks of `P`.
    type Hooks: Copy;
    /// The hooks as the owner, and whoever embeds it, have them.
    const HOOKS: Self::Hooks;
    /// Opens the field.
    fn part(authority: &Authority) -> P;
}

/// A component that is no field of a contract has nobody to find its owner by.
pub fn unembedded() -> ! {
    revert_text("a component that implements a hook has to be a field of a contract or of a component")
}

/// Which methods of a field are exposed.
pub trait Exposes {
    /// Which.
    const WAY: Way<'static>;
}

/// All methods.
#[derive(Clone, Copy, Debug)]
pub enum Everything {}

impl Exposes for Everything {
    const WAY: Way<'static> = Way { filter: Filter::All, around: None };
}

/// A way from a contract's storage to a part of it.
pub trait Access: Exposes {
    /// The contract's storage.
    type Root;
    /// The part.
    type Part;
    /// Whether coins were refused before.
    const REFUSED_COINS: bool;
    /// The part in it.
    fn part(root: &Self::Root) -> &Self::Part;
    /// The part in it.
    fn part_mut(root: &mut Self::Root) -> &mut Self::Part;
    /// Fails if handles were swapped in memory.
    #[cfg(not(target_arch = "wasm32"))]
    fn check(root: &Self::Root);
}

/// Handles in a row, each of which gives the next one by `Deref`.
pub trait PartHandle: Copy + Debug + PartialEq + Eq + From<Address> {
    /// The contract's address.
    fn target(&self) -> Address;
}

/// The end of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End(Address);

impl From<Address> for End {
    fn from(address: Address) -> Self {
        Self(address)
    }
}

impl PartHandle for End {
    fn target(&self) -> Address {
        self.0
    }
}

/// Stops the build where a handle's method is used that the contract does not expose.
pub const fn assert_in_handle(way: &Way<'_>, name: &str, selector: u32) {
    assert!(way.lets(name, selector), "the contract does not expose this method of its component");
}

/// What a guard gives: nothing, or an error with which the call reverts.
#[diagnostic::on_unimplemented(
    message = "a guard returns nothing or `Result<(), Error>`, and not `{Self}`",
    label = "not a guard",
    note = "#[only(a.owner)] calls `self.a.only_owner(cx)`, #[when(a.open)] calls `self.a.when_open(cx)`: the Err that they give reverts"
)]
pub trait Guarded {
    /// The guard's errors.
    const ERRORS: &'static ErrorSet;
    /// Reverts with the error, if there is one.
    fn pass(self);
}

impl Guarded for () {
    const ERRORS: &'static ErrorSet = &ErrorSet { items: &[], wrapped: &[] };
    #[inline(always)]
    fn pass(self) {}
}

impl<E: ContractError> Guarded for Result<(), E> {
    const ERRORS: &'static ErrorSet = E::ERRORS;
    #[inline(always)]
    fn pass(self) {
        if let Err(error) = self {
            error.revert()
        }
    }
}

/// The errors of a guard. The expression is only typed, never evaluated.
pub const fn guard_errors<T, C, G: Guarded>(_: fn(&mut T, &mut C) -> G) -> &'static ErrorSet {
    G::ERRORS
}

/// An argument for another one who takes it too.
#[inline(always)]
pub fn again<T: Clone>(value: &T) -> T {
    value.clone()
}

macro_rules! plain {
    ($(<$($parameter:ident: $bound:path),*> $type:ty;)*) => {$(
        impl<__H: ?Sized, $($parameter: $bound),*> Embed<__H> for $type {
            type Field = Self;
            type Hooks = ();
            const PART: &'static Part = Part::NONE;
            type Handle<F: Exposes, N: PartHandle> = N;
        }

        impl<__H: ?Sized, $($parameter: $bound),*> Attached<__H> for $type {
            const DEFAULTS: () = ();
            #[inline(always)]
            fn call<A: Access<Part = Self>>(_: u32, _: &mut A::Root, _: &mut Decoder<'_>, _: &mut Encoder, _: &Authority) -> bool {
                false
            }
        }
    )*};
}

plain! {
    <T: Value> Cell<T>;
    <T: Value> TransientCell<T>;
    <K: MapKey, V: Stored> Map<K, V>;
    <V: Stored> List<V>;
    <> Text;
    <> Blob;
}

impl<H: ?Sized, V: Stored, const N: usize> Embed<H> for Array<V, N> {
    type Field = Self;
    type Hooks = ();
    const PART: &'static Part = Part::NONE;
    type Handle<F: Exposes, Next: PartHandle> = Next;
}

impl<H: ?Sized, V: Stored, const N: usize> Attached<H> for Array<V, N> {
    const DEFAULTS: () = ();
    fn call<A: Access<Part = Self>>(
        _: u32,
        _: &mut A::Root,
        _: &mut Decoder<'_>,
        _: &mut Encoder,
        _: &Authority,
    ) -> bool {
        false
    }
}
