//! What a contract's parts bring into its ABI, collected and checked by the compiler.

use crate::{
    FixedBytes,
    abi::{ErrorItem, ErrorSet, EventItem, FunctionItem, Mutability},
    component::{Filter, Part, PartMethod, Way, same},
};

/// A contract's own methods and all that its parts expose, outer ones first. `N` is what [`count`] says.
pub struct Exposed<const N: usize> {
    methods: [PartMethod; N],
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
        let mut this = Self { methods: [NO_METHOD; N], fields: [0; N], length: 0 };
        let mut index = 0;
        while index < part.methods.len() {
            this.push(part.methods[index], 0);
            index += 1;
        }
        let mut index = 0;
        while index < part.fields.len() {
            let field = &part.fields[index];
            index += 1;
            this.visit(field.part, &Way { filter: field.filter, around: None }, index);
        }
        this
    }

    const fn push(&mut self, method: PartMethod, field: usize) {
        self.methods[self.length] = method;
        self.fields[self.length] = field;
        self.length += 1;
    }

    const fn visit(&mut self, part: &'static Part, way: &Way<'_>, field: usize) {
        let mut index = 0;
        while index < part.methods.len() {
            let method = part.methods[index];
            if way.lets(method.name, method.selector) {
                self.push(method, field);
            }
            index += 1;
        }
        let mut index = 0;
        while index < part.fields.len() {
            let inner = &part.fields[index];
            self.visit(inner.part, &Way { filter: inner.filter, around: Some((part, way)) }, field);
            index += 1;
        }
    }

    /// Whether an earlier method has the selector of the one at `index`: the contract's own that overrides it, or a clash.
    const fn earlier(&self, index: usize) -> Earlier {
        let (mut found, mut other) = (Earlier::None, 0);
        while other < index {
            let method = &self.methods[other];
            if method.selector == self.methods[index].selector {
                if method.overrides && self.fields[other] == 0 && self.fields[index] != 0 {
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

/// How many methods of a part this name means: its own, else those of its parts.
const fn named(part: &Part, way: &Way<'_>, name: &str) -> usize {
    let (mut found, mut index) = (0, 0);
    while index < part.methods.len() {
        let method = &part.methods[index];
        if same(method.name, name) && way.lets(method.name, method.selector) {
            found += 1;
        }
        index += 1;
    }
    if found > 0 {
        return found;
    }
    let mut index = 0;
    while index < part.fields.len() {
        let field = &part.fields[index];
        found += named(field.part, &Way { filter: field.filter, around: Some((part, way)) }, name);
        index += 1;
    }
    found
}

/// Whether a part exposes a method with this selector.
const fn has_selector(part: &Part, way: &Way<'_>, selector: u32) -> bool {
    let mut index = 0;
    while index < part.methods.len() {
        let method = &part.methods[index];
        if method.selector == selector && way.lets(method.name, selector) {
            return true;
        }
        index += 1;
    }
    let mut index = 0;
    while index < part.fields.len() {
        let field = &part.fields[index];
        if has_selector(field.part, &Way { filter: field.filter, around: Some((part, way)) }, selector) {
            return true;
        }
        index += 1;
    }
    false
}

/// Stops the build if a component's method is marked as overriding and does not.
#[track_caller]
pub const fn assert_overrides(part: &Part, name: &str, selector: u32) {
    let mut index = 0;
    while index < part.fields.len() {
        let field = &part.fields[index];
        if has_selector(field.part, &Way { filter: field.filter, around: None }, selector) {
            return;
        }
        index += 1;
    }
    let mut text = Message::new();
    text.push("`");
    text.push(name);
    text.push(
        "` is marked #[overrides], but no field that its component exposes has a method with this selector: write the name \
         and the arguments as they are there, or leave #[overrides] out",
    );
    panic!("{}", text.text());
}

/// Stops the build if something is wrong in a component that could not be checked where it stands.
#[track_caller]
pub const fn check_part(part: &Part) {
    let mut index = 0;
    while index < part.methods.len() && !part.is_checked {
        let (method, mut other) = (&part.methods[index], 0);
        while other < index {
            if part.methods[other].selector == method.selector {
                let mut text = Message::new();
                text.push("two methods of the component have one selector, `");
                text.push(part.methods[other].name);
                text.push("` and `");
                text.push(method.name);
                text.push("`: give one of them another Solidity name with #[name = \"…\"]");
                panic!("{}", text.text());
            }
            other += 1;
        }
        if method.overrides {
            assert_overrides(part, method.name, method.selector);
        }
        index += 1;
    }
    let mut index = 0;
    while index < part.fields.len() {
        let field = &part.fields[index];
        if !part.is_checked {
            match field.filter {
                Filter::Nothing => {}
                Filter::All => assert_component(field.part),
                Filter::Only(names) => {
                    assert_component(field.part);
                    let mut name = 0;
                    while name < names.len() {
                        assert_method(field.part, names[name]);
                        name += 1;
                    }
                }
            }
        }
        check_part(field.part);
        index += 1;
    }
}

/// Stops the build if what is exposed is no component.
#[track_caller]
pub const fn assert_component(part: &Part) {
    assert!(part.is_component, "this field is no component, so there is nothing to expose: leave #[expose] out");
}

/// Stops the build if a component has no method of the name, or several.
#[track_caller]
pub const fn assert_method(part: &Part, name: &str) {
    if !part.is_component {
        return;
    }
    let mut text = Message::new();
    match named(part, &Way { filter: Filter::All, around: None }, name) {
        0 => {
            text.push("the component has no public method `");
            text.push(name);
            text.push("`: name methods that are `pub` and not #[internal], as Rust calls them");
        }
        1 => return,
        _ => {
            text.push("the component exposes several methods `");
            text.push(name);
            text.push("`: expose all of its methods, or call the one that is meant from a method of your own");
        }
    }
    panic!("{}", text.text());
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

/// How many [`identifiers`] there are.
#[must_use]
pub const fn identifiers_count(own: &[FixedBytes<4>], part: &Part) -> usize {
    let (mut all, mut index) = (own.len(), 0);
    while index < part.fields.len() {
        if matches!(part.fields[index].filter, Filter::All) {
            let inner = part.fields[index].part;
            all += identifiers_count(inner.interfaces, inner);
        }
        index += 1;
    }
    all
}

/// A contract's own identifiers of interfaces (ERC-165), and those of the interfaces whose methods its parts all expose.
///
/// They are collected while the contract is compiled: what looked for them in the [`Part`]s when it is called would bring
/// all their descriptions into the module.
#[must_use]
pub const fn identifiers<const N: usize>(own: &[FixedBytes<4>], part: &Part) -> [FixedBytes<4>; N] {
    let mut all = [FixedBytes::ZERO; N];
    fill_identifiers(own, part, &mut all, 0);
    all
}

const fn fill_identifiers<const N: usize>(
    own: &[FixedBytes<4>],
    part: &Part,
    all: &mut [FixedBytes<4>; N],
    mut length: usize,
) -> usize {
    let mut index = 0;
    while index < own.len() {
        all[length] = own[index];
        length += 1;
        index += 1;
    }
    let mut index = 0;
    while index < part.fields.len() {
        if matches!(part.fields[index].filter, Filter::All) {
            let inner = part.fields[index].part;
            length = fill_identifiers(inner.interfaces, inner, all, length);
        }
        index += 1;
    }
    length
}
