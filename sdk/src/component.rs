//! What `#[component]` leaves of a component for whoever embeds it, and what a contract makes of its parts.

use core::fmt::Debug;

use crate::{
    Address, Authority, ContractError, FixedBytes,
    abi::{Decoder, Encoder, ErrorItem, ErrorSet, EventItem, FunctionItem, Mutability},
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
    pub const NONE: &'static Self =
        &Self { is_component: false, methods: &[], events: &[], errors: &[], interfaces: &[], fields: &[] };
}

/// A part inside another one.
#[derive(Clone, Copy, Debug)]
pub struct PartField {
    /// What it is.
    pub part: &'static Part,
    /// Which of its methods are exposed.
    pub filter: Filter,
}

/// Which methods of a part are exposed, by their Rust names.
#[derive(Clone, Copy, Debug)]
pub enum Filter {
    /// None.
    Nothing,
    /// All.
    All,
    /// These.
    Only(&'static [&'static str]),
    /// Those that both let through.
    Both(&'static Self, &'static Self),
}

impl Filter {
    /// Whether a method is exposed.
    #[must_use]
    pub const fn lets(&self, name: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Only(names) => {
                let mut index = 0;
                while index < names.len() {
                    if same(names[index], name) {
                        return true;
                    }
                    index += 1;
                }
                false
            }
            Self::Both(one, other) => one.lets(name) && other.lets(name),
        }
    }
}

const fn same(one: &str, other: &str) -> bool {
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
pub trait Embedded<H: ?Sized>: Embed<H> {
    /// The hooks as they are without the owner.
    const DEFAULTS: Self::Hooks;

    /// Runs the exposed method that has the selector, whose bytes are in reverse, if there is one.
    fn call<A: Access<Part = Self::Field>>(
        selector: u32,
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
    const FILTER: Filter;
}

/// All methods.
#[derive(Clone, Copy, Debug)]
pub enum Everything {}

impl Exposes for Everything {
    const FILTER: Filter = Filter::All;
}

/// A way from a contract's storage to a part of it.
pub trait Access: Exposes {
    /// The contract's storage.
    type Root;
    /// The part.
    type Part;
    /// Whether coins were refused before.
    const REFUSED_COINS: bool;
    /// Opens the storage.
    fn root(authority: &Authority) -> Self::Root;
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
pub const fn assert_in_handle(filter: &Filter, name: &str) {
    assert!(filter.lets(name), "the contract does not expose this method of its component");
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

        impl<__H: ?Sized, $($parameter: $bound),*> Embedded<__H> for $type {
            const DEFAULTS: () = ();
            #[inline(always)]
            fn call<A: Access<Part = Self>>(_: u32, _: &mut Decoder<'_>, _: &mut Encoder, _: &Authority) -> bool {
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

impl<H: ?Sized, V: Stored, const N: usize> Embedded<H> for Array<V, N> {
    const DEFAULTS: () = ();
    fn call<A: Access<Part = Self>>(_: u32, _: &mut Decoder<'_>, _: &mut Encoder, _: &Authority) -> bool {
        false
    }
}

/// A contract's own methods and all that its parts expose, outer ones first. `N` is what [`count`] says.
pub struct Exposed<const N: usize> {
    methods: [PartMethod; N],
    /// Up to which one a method overrides.
    ends: [usize; N],
    /// Which field of the contract it comes from, counted from 1; 0 for its own.
    fields: [usize; N],
    length: usize,
}

const NO_METHOD: PartMethod = PartMethod {
    name: "",
    selector: 0,
    item: FunctionItem {
        name: "",
        inputs: &[],
        outputs: &[],
        output_names: &[],
        mutability: Mutability::Pure,
        docs: "",
    },
    guarded: false,
    overrides: false,
};

/// How many methods a part has with those inside, at most.
#[must_use]
pub const fn count(part: &Part) -> usize {
    let (mut all, mut index) = (part.methods.len(), 0);
    while index < part.fields.len() {
        all += count(part.fields[index].part);
        index += 1;
    }
    all
}

impl<const N: usize> Exposed<N> {
    /// Collects them.
    #[must_use]
    pub const fn of(part: &'static Part) -> Self {
        let mut this = Self { methods: [NO_METHOD; N], ends: [0; N], fields: [0; N], length: 0 };
        this.visit(part, &Filter::All, None, 0);
        this
    }

    const fn visit(&mut self, part: &'static Part, filter: &Filter, outer: Option<&Around<'_>>, field: usize) {
        let start = self.length;
        let mut index = 0;
        while index < part.methods.len() {
            let method = part.methods[index];
            if lets_through(filter, outer, method.name) {
                self.methods[self.length] = method;
                self.fields[self.length] = field;
                self.length += 1;
            }
            index += 1;
        }
        let own = self.length;
        let around = Around { filter, outer };
        let mut index = 0;
        while index < part.fields.len() {
            let inner = &part.fields[index];
            let field = if outer.is_none() && field == 0 { index + 1 } else { field };
            self.visit(inner.part, &inner.filter, Some(&around), field);
            index += 1;
        }
        let mut index = start;
        while index < own {
            self.ends[index] = self.length;
            index += 1;
        }
    }

    /// Whether an earlier method has the selector of the one at `index`: overridden, or a clash.
    const fn earlier(&self, index: usize) -> Earlier {
        let (mut found, mut other) = (Earlier::None, 0);
        while other < index {
            let method = &self.methods[other];
            if method.selector == self.methods[index].selector {
                if method.overrides && index < self.ends[other] && self.fields[index] != 0 {
                    return Earlier::Overrides;
                }
                found = Earlier::Clashes(other);
            }
            other += 1;
        }
        found
    }

    /// How many functions the ABI has.
    #[must_use]
    pub const fn functions_count(&self) -> usize {
        let (mut functions, mut index) = (0, 0);
        while index < self.length {
            if matches!(self.earlier(index), Earlier::None) {
                functions += 1;
            }
            index += 1;
        }
        functions
    }

    /// The ABI's functions; `M` is what [`Exposed::functions_count`] says.
    #[must_use]
    pub const fn functions<const M: usize>(&self) -> [FunctionItem; M] {
        let mut functions = [NO_METHOD.item; M];
        let (mut length, mut index) = (0, 0);
        while index < self.length {
            if matches!(self.earlier(index), Earlier::None) && length < M {
                functions[length] = self.methods[index].item;
                length += 1;
            }
            index += 1;
        }
        functions
    }

    /// Whether none of them takes coins.
    #[must_use]
    pub const fn none_payable(&self) -> bool {
        let mut index = 0;
        while index < self.length {
            if matches!(self.methods[index].item.mutability, Mutability::Payable) {
                return false;
            }
            index += 1;
        }
        true
    }

    /// The error of re-entered methods, if one of them refuses that.
    #[must_use]
    pub const fn guard_errors(&self) -> &'static [ErrorItem] {
        let mut index = 0;
        while index < self.length {
            if self.methods[index].guarded {
                return &[crate::error::REENTRANT_CALL];
            }
            index += 1;
        }
        &[]
    }

    /// Stops the build if the contract's own method is exposed by a part too and does not say that it overrides it, or the
    /// other way round.
    #[track_caller]
    pub const fn check_own(&self, selector: u32, overrides: bool) {
        let (mut found, mut index) = (false, 0);
        while index < self.length {
            if self.methods[index].selector == selector && self.fields[index] != 0 {
                found = true;
            }
            index += 1;
        }
        match (found, overrides) {
            (true, false) => panic!(
                "a component exposes a method with this selector: mark this one #[overrides] to take its place, or list the \
                 component's other methods, `#[expose(a, b)]`"
            ),
            (false, true) => panic!("no component exposes a method with this selector: leave #[overrides] out"),
            _ => {}
        }
    }

    /// Stops the build if a method of the contract's field `field` has the selector of one before it.
    #[track_caller]
    pub const fn check_field(&self, field: usize) {
        let mut index = 0;
        while index < self.length {
            if self.fields[index] == field + 1
                && let Earlier::Clashes(other) = self.earlier(index)
                && self.fields[other] != 0
            {
                let mut text = Message::new();
                text.push("`");
                text.push(self.methods[index].name);
                text.push("` has the selector of `");
                text.push(self.methods[other].name);
                text.push(
                    "`, which another component exposes: list what this one exposes, `#[expose(a, b)]`, or write the \
                     contract's own method, marked #[overrides]",
                );
                panic!("{}", text.text());
            }
            index += 1;
        }
    }
}

enum Earlier {
    None,
    Overrides,
    Clashes(usize),
}

struct Around<'a> {
    filter: &'a Filter,
    outer: Option<&'a Around<'a>>,
}

const fn lets_through(filter: &Filter, outer: Option<&Around<'_>>, name: &str) -> bool {
    filter.lets(name)
        && match outer {
            Some(around) => lets_through(around.filter, around.outer, name),
            None => true,
        }
}

/// A text that is put together while compiling.
struct Message {
    bytes: [u8; 512],
    length: usize,
}

impl Message {
    const fn new() -> Self {
        Self { bytes: [0; 512], length: 0 }
    }

    const fn push(&mut self, text: &str) {
        let (text, mut index) = (text.as_bytes(), 0);
        while index < text.len() && self.length < self.bytes.len() {
            self.bytes[self.length] = text[index];
            self.length += 1;
            index += 1;
        }
    }

    const fn text(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "two exposed methods have the same selector",
        }
    }
}

const fn has_method(part: &Part, name: &str) -> bool {
    let mut index = 0;
    while index < part.methods.len() {
        if same(part.methods[index].name, name) {
            return true;
        }
        index += 1;
    }
    let mut index = 0;
    while index < part.fields.len() {
        if part.fields[index].filter.lets(name) && has_method(part.fields[index].part, name) {
            return true;
        }
        index += 1;
    }
    false
}

/// Stops the build if what is exposed is no component.
#[track_caller]
pub const fn assert_component(part: &Part) {
    assert!(part.is_component, "this field is no component, so there is nothing to expose: leave #[expose] out");
}

/// Stops the build if a component has no method of the name.
#[track_caller]
pub const fn assert_method(part: &Part, name: &str) {
    if part.is_component && !has_method(part, name) {
        let mut text = Message::new();
        text.push("the component has no public method `");
        text.push(name);
        text.push("`: name methods that are `pub` and not #[internal], as Rust calls them");
        panic!("{}", text.text());
    }
}

macro_rules! flattened {
    ($count:ident, $all:ident, $fill:ident, $member:ident, $item:ty, $nothing:expr) => {
        /// How many of them a part has with those inside.
        #[must_use]
        pub const fn $count(part: &Part) -> usize {
            let (mut all, mut index) = (part.$member.len(), 0);
            while index < part.fields.len() {
                all += $count(part.fields[index].part);
                index += 1;
            }
            all
        }

        /// All of them, outer ones first.
        #[must_use]
        pub const fn $all<const N: usize>(part: &Part) -> [$item; N] {
            let mut all = [$nothing; N];
            $fill(part, &mut all, 0);
            all
        }

        const fn $fill<const N: usize>(part: &Part, all: &mut [$item; N], mut length: usize) -> usize {
            let mut index = 0;
            while index < part.$member.len() {
                all[length] = part.$member[index];
                length += 1;
                index += 1;
            }
            let mut index = 0;
            while index < part.fields.len() {
                length = $fill(part.fields[index].part, all, length);
                index += 1;
            }
            length
        }
    };
}

const NO_EVENT: &EventItem = &EventItem { name: "", fields: &[], anonymous: false, docs: "" };
const NO_ERRORS: &ErrorSet = &ErrorSet { items: &[], wrapped: &[] };

flattened!(events_count, all_events, fill_events, events, &'static EventItem, NO_EVENT);
flattened!(errors_count, all_errors, fill_errors, errors, &'static ErrorSet, NO_ERRORS);

/// The identifiers of the interfaces whose methods are all exposed: ERC-165's own is not among them.
#[must_use]
pub const fn implements(part: &Part, identifier: [u8; 4]) -> bool {
    let mut index = 0;
    while index < part.interfaces.len() {
        let own = &part.interfaces[index].0;
        if own[0] == identifier[0] && own[1] == identifier[1] && own[2] == identifier[2] && own[3] == identifier[3] {
            return true;
        }
        index += 1;
    }
    let mut index = 0;
    while index < part.fields.len() {
        if matches!(part.fields[index].filter, Filter::All) && implements(part.fields[index].part, identifier) {
            return true;
        }
        index += 1;
    }
    false
}
