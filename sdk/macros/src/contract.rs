//! `#[contract]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{
    AttrStyle, Attribute, Ident, ImplItem, Item, ItemImpl, ItemMod, ItemStruct, Meta, Path, Token, Type, Visibility,
    parse::Parser, punctuated::Punctuated, spanned::Spanned,
};

use crate::{
    attributes::{Errors, arguments, cfgs, doc_text, docs, is, option, take, take_flag},
    component,
    component_parts::{self, Handles, PartField},
    description, dispatch, erc165, errors, event, exports, guard, handle,
    hook::{Hook, Implementation},
    interface,
    mentions::Mentions,
    method::{Kind, Method},
    names::plain,
    owner::Owner,
    results::Results,
    storage::{self, Role},
};

const MARKERS: [&str; 9] =
    ["constructor", "fallback", "receive", "payable", "reentrant", "name", "returns", "overrides", "internal"];

/// Everything found in the module.
#[derive(Default)]
pub struct Found {
    items: Vec<TokenStream>,
    results: Results,
    /// The module's documentation.
    pub docs: String,
    /// Types of this module and those named in the attribute, each with its conditions.
    pub events: Vec<(Vec<Attribute>, Path)>,
    pub errors: Vec<(Vec<Attribute>, Path)>,
    pub mentions: Mentions,
    /// The interfaces that it implements.
    pub interfaces: Vec<(Vec<Attribute>, Path)>,
    /// The fields that may be components.
    pub parts: Vec<PartField>,
    /// The hooks of its parts that it implements.
    pub implementations: Vec<Implementation>,
    /// A component's own hooks.
    pub hooks: Vec<Hook>,
    /// The errors of its methods' guards, as expressions.
    pub guards: Vec<TokenStream>,
    /// The further identifiers of `supportsInterface`, if it is wanted.
    pub erc165: Option<Vec<u32>>,
    pub functions: Vec<Method>,
    pub constructor: Option<Method>,
    pub fallback: Option<Method>,
    pub receive: Option<Method>,
}

const ARGUMENTS: &str = "#[contract] takes nothing, or `erc165` (with identifiers of its own: `erc165(0x49064906)`), \
                         `events(path::Event, …)` and `errors(path::Error, …)`";

impl Found {
    /// Reads `#[contract(erc165(0x49064906), events(a::B, …), errors(c::D, …))]`.
    pub fn with_arguments(tokens: TokenStream) -> syn::Result<Self> {
        let mut this = Self::default();
        let span = tokens.span();
        let lists = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens);
        for argument in lists.map_err(|_| syn::Error::new(span, ARGUMENTS))? {
            let list = match argument {
                Meta::Path(path) if path.is_ident("erc165") => {
                    this.erc165.get_or_insert_default();
                    continue;
                }
                Meta::List(list) if list.path.is_ident("erc165") => {
                    this.erc165.get_or_insert_default().extend(erc165::identifiers(list.tokens)?);
                    continue;
                }
                Meta::List(list) => list,
                other => return Err(syn::Error::new(other.span(), ARGUMENTS)),
            };
            let target = if list.path.is_ident("events") {
                &mut this.events
            } else if list.path.is_ident("errors") {
                &mut this.errors
            } else {
                return Err(syn::Error::new(list.path.span(), ARGUMENTS));
            };
            let paths = Punctuated::<Path, Token![,]>::parse_terminated.parse2(list.tokens)?;
            target.extend(paths.into_iter().map(|path| (Vec::new(), path)));
        }
        Ok(this)
    }
}

pub fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let found = Found::with_arguments(arguments)?;
    expand_module(item, found, "contract", |found, owner, errors| {
        if let Some(further) = found.erc165.take() {
            let item = erc165::supports_interface(owner, found, &further);
            errors.keep(found.item(item, owner));
            if let Some(method) = found.functions.last_mut() {
                (method.overrides, method.is_generated) = (true, true);
            }
        }
        found.generate(owner)
    })
}

/// Reads the module of a contract or component, and puts behind its items what `generate` makes of them.
pub fn expand_module(
    item: TokenStream,
    mut found: Found,
    what: &str,
    generate: impl FnOnce(&mut Found, &Owner, &mut Errors) -> TokenStream,
) -> syn::Result<TokenStream> {
    let module: ItemMod = syn::parse2(item)
        .map_err(|error| syn::Error::new(error.span(), format!("#[{what}] goes on a module: `mod token {{ … }}`")))?;
    let Some((_, items)) = module.content else {
        return Err(syn::Error::new(
            module.span(),
            format!("#[{what}] needs the module's contents here: write `mod token {{ … }}`, not `mod token;`"),
        ));
    };
    let mut errors = Errors::default();
    let storage = storage_struct(&items, module.ident.span(), what, &mut errors);
    let Some(storage) = storage else {
        errors.finish()?;
        return Ok(TokenStream::new());
    };
    let owner = Owner {
        name: storage.ident.clone(),
        visibility: storage.vis.clone(),
        generics: (what == "component").then(|| storage.generics.clone()),
    };
    found.results = Results::of(&items);
    found.docs = doc_text(&module.attrs);
    found.mentions = Mentions::of(&items, &own_items(&items));
    for item in items {
        let result = found.item(item, &owner);
        errors.keep(result);
    }
    found.check_implementations(&mut errors);
    found.check_overrides(&mut errors);
    errors.finish()?;
    let mut errors = Errors::default();
    let generated = generate(&mut found, &owner, &mut errors);
    errors.finish()?;
    // What stood at the head of the module means the same in front of it.
    let attributes = module.attrs.into_iter().map(|attribute| Attribute { style: AttrStyle::Outer, ..attribute });
    let (visibility, name, items) = (&module.vis, &module.ident, &found.items);
    Ok(quote! {
        #(#attributes)*
        #visibility mod #name {
            #(#items)*
            #generated
        }
    })
}

/// Whether a path ends like one of the traits of Rust itself, which are no interfaces.
fn is_common(path: &Path) -> bool {
    const TRAITS: [&str; 12] = [
        "Clone",
        "Debug",
        "Default",
        "Deref",
        "DerefMut",
        "Display",
        "Drop",
        "Eq",
        "From",
        "Hash",
        "PartialEq",
        "TryFrom",
    ];
    path.segments.last().is_some_and(|last| TRAITS.iter().any(|name| last.ident == name))
}

/// The names of the module's own events and errors.
fn own_items(items: &[Item]) -> Vec<Ident> {
    let own =
        |attributes: &[Attribute]| attributes.iter().any(|attribute| is(attribute, "event") || is(attribute, "error"));
    let names = items.iter().filter_map(|item| match item {
        Item::Struct(item) => own(&item.attrs).then(|| item.ident.clone()),
        Item::Enum(item) => own(&item.attrs).then(|| item.ident.clone()),
        _ => None,
    });
    names.collect()
}

/// The one `#[storage]` struct.
fn storage_struct<'a>(items: &'a [Item], module: Span, what: &str, errors: &mut Errors) -> Option<&'a ItemStruct> {
    let mut found: Option<&ItemStruct> = None;
    for item in items {
        let Item::Struct(item) = item else { continue };
        let Some(attribute) = item.attrs.iter().find(|attribute| is(attribute, "storage")) else { continue };
        let nested = errors.keep(arguments(attribute).and_then(|tokens| option(tokens, "storage", "nested")));
        if nested != Some(false) {
            continue;
        }
        if found.is_some() {
            errors.at(
                item.ident.span(),
                format!("a {what} has one #[storage] struct; mark those that lie inside it #[storage(nested)]"),
            );
        } else {
            found = Some(item);
        }
    }
    if found.is_none() {
        errors.at(
            module,
            format!("a {what} needs a storage struct, even an empty one: `#[storage] pub struct Token {{ … }}`"),
        );
    }
    found
}

impl Found {
    /// Sorts one item in, expanding it if an attribute says so.
    fn item(&mut self, item: Item, owner: &Owner) -> syn::Result<()> {
        let storage = &owner.name;
        match item {
            Item::Struct(mut item) => {
                if take(&mut item.attrs, "storage").is_some() {
                    let is_own = item.ident == *storage;
                    if is_own {
                        if owner.is_component() {
                            component::with_host(&mut item);
                        }
                        self.parts = component_parts::fields(&mut item, owner)?;
                    }
                    let role = match (is_own, owner.is_component()) {
                        (false, _) => Role::Nested,
                        (true, false) => Role::Contract(&self.parts),
                        (true, true) => Role::Component(&self.parts),
                    };
                    self.items.push(storage::expand(&item, &role)?);
                } else if let Some(attribute) = take(&mut item.attrs, "event") {
                    self.events.push((cfgs(&item.attrs), item.ident.clone().into()));
                    self.items.push(event::expand(arguments(&attribute)?, item)?);
                } else if let Some(attribute) = take(&mut item.attrs, "error") {
                    self.errors.push((cfgs(&item.attrs), item.ident.clone().into()));
                    self.items.push(errors::expand(&arguments(&attribute)?, Item::Struct(item))?);
                } else {
                    self.items.push(item.into_token_stream());
                }
            }
            Item::Enum(mut item) => {
                if let Some(attribute) = take(&mut item.attrs, "error") {
                    self.errors.push((cfgs(&item.attrs), item.ident.clone().into()));
                    self.items.push(errors::expand(&arguments(&attribute)?, Item::Enum(item))?);
                } else if let Some(attribute) = take(&mut item.attrs, "event") {
                    return Err(syn::Error::new(attribute.span(), "an event is a struct: one for each event"));
                } else if let Some(attribute) = take(&mut item.attrs, "storage") {
                    return Err(syn::Error::new(attribute.span(), "#[storage] goes on a struct"));
                } else {
                    self.items.push(item.into_token_stream());
                }
            }
            Item::Impl(mut item) => {
                let is_internal = take(&mut item.attrs, "internal").is_some();
                if is_type(&item.self_ty, storage) {
                    match item.trait_.as_ref().map(|(_, path, _)| path.clone()) {
                        None => self.methods(&mut item, owner, is_internal)?,
                        Some(path) if is_internal || is_common(&path) => {}
                        Some(path) => {
                            let (methods, guards) = interface::implemented(&mut item, &path, owner, &self.results)?;
                            self.functions.extend(methods);
                            self.guards.extend(guards);
                            self.interfaces.push((cfgs(&item.attrs), path));
                        }
                    }
                    if owner.is_component() {
                        component::host(&mut item, owner)?;
                    }
                }
                self.items.push(item.into_token_stream());
            }
            other => self.items.push(other.into_token_stream()),
        }
        Ok(())
    }

    fn methods(&mut self, item: &mut ItemImpl, owner: &Owner, all_internal: bool) -> syn::Result<()> {
        item.attrs.push(syn::parse_quote!(
            #[allow(
                clippy::new_ret_no_self,
                clippy::too_many_arguments,
                reason = "a constructor fills the storage it is given, and a method has the arguments of its ABI"
            )]
        ));
        let mut errors = Errors::default();
        let conditions = cfgs(&item.attrs);
        let mut defaults = Vec::new();
        for member in &mut item.items {
            let ImplItem::Fn(function) = member else { continue };
            let hook = take(&mut function.attrs, "hook");
            let is_declared = owner.is_component()
                && hook.as_ref().is_some_and(|attribute| matches!(attribute.meta, syn::Meta::Path(_)));
            if is_declared {
                self.hooks.extend(errors.keep(Hook::declared(function, &mut defaults, &self.results)));
            } else if let Some(attribute) = &hook {
                let implementation = Implementation::read(attribute, function, &self.results);
                self.implementations.extend(errors.keep(implementation));
            }
            if hook.is_some()
                && let Some(cfg) = conditions.first()
            {
                errors.at(cfg.span(), "a hook is always there: put the #[cfg] on statements inside");
            }
            // Behind the declared hooks: their guards stand in front of whoever implements them.
            if let Some(guards) = errors.keep(guard::take(function, &owner.this())) {
                let conditions: Vec<_> = cfgs(&function.attrs).into_iter().chain(conditions.iter().cloned()).collect();
                self.guards.extend(guards.into_iter().map(|guard| quote!(#(#conditions)* #guard)));
            }
            if is_declared
                || all_internal
                || errors.keep(take_flag(&mut function.attrs, "internal")).flatten().is_some()
            {
                continue;
            }
            let is_public = matches!(function.vis, Visibility::Public(_));
            if hook.is_some() && is_public {
                errors.at(
                    function.vis.span(),
                    "the component calls its hook, and a public method anybody: leave `pub` out, or mark it #[internal]",
                );
                continue;
            }
            let special = ["constructor", "fallback", "receive"];
            let is_special = function.attrs.iter().any(|attribute| special.iter().any(|name| is(attribute, name)));
            if !is_public && !is_special {
                if let Some(marker) =
                    function.attrs.iter().find(|attribute| MARKERS.iter().any(|name| is(attribute, name)))
                {
                    errors
                        .at(marker.span(), "only a method that is `pub` can be called from outside: make it `pub fn`");
                }
                continue;
            }
            let method = Method::parse(&mut function.attrs, &function.sig, &self.results);
            let Some(mut method) = errors.keep(method) else { continue };
            errors.keep(method.is_always_there(&conditions));
            method.cfgs.extend(conditions.iter().cloned());
            if method.kind == Kind::Constructor {
                function.attrs.push(syn::parse_quote! {
                    #[allow(clippy::new_ret_no_self, clippy::wrong_self_convention, reason = "a contract's constructor fills its storage")]
                });
            }
            let (place, what) = match method.kind {
                Kind::Function => {
                    self.functions.push(method);
                    continue;
                }
                _ if owner.is_component() => {
                    errors.at(
                        function.sig.ident.span(),
                        "a component is no contract: write an `#[internal] pub fn` that the contract's own constructor, \
                         fallback or receive calls",
                    );
                    continue;
                }
                Kind::Constructor => (&mut self.constructor, "constructor"),
                Kind::Fallback => (&mut self.fallback, "fallback"),
                Kind::Receive => (&mut self.receive, "receive"),
            };
            if let Some(first) = place {
                let (first, line) = (&first.ident, first.ident.span().start().line);
                errors.at(
                    function.sig.ident.span(),
                    format!("a contract has at most one #[{what}]; `{first}` in line {line} is one already"),
                );
            } else {
                *place = Some(method);
            }
        }
        item.items.extend(defaults);
        errors.finish()
    }

    /// That the hooks that are implemented are of fields that may have hooks, each once.
    fn check_implementations(&self, errors: &mut Errors) {
        for (index, one) in self.implementations.iter().enumerate() {
            if !self.parts.iter().any(|part| part.ident == one.path[0]) {
                errors
                    .at(one.path[0].span(), format!("no field `{}` of the storage struct is a component", one.path[0]));
            }
            if self.implementations[..index].iter().any(|earlier| earlier.path == one.path) {
                errors.at(one.span(), "this hook is implemented already: call the one function from the other");
            }
        }
    }

    /// That there is something to override, if there is nothing to ask the compiler about.
    fn check_overrides(&self, errors: &mut Errors) {
        for method in self.functions.iter().filter(|method| method.overrides && self.parts.is_empty()) {
            errors.at(
                method.ident.span(),
                "no field of the storage struct is a component whose method this could take the place of: leave \
                 #[overrides] out",
            );
        }
    }

    pub fn all(&self) -> impl Iterator<Item = &Method> {
        self.functions.iter().chain(&self.constructor).chain(&self.fallback).chain(&self.receive)
    }

    fn generate(&self, owner: &Owner) -> TokenStream {
        let storage = &owner.name;
        let name = plain(storage);
        let handle_name = format_ident!("{}Handle", storage, span = storage.span());
        let mut handle_docs = vec![];
        let doc = format!("Calls a `{name}` contract, typed: `{name}Handle::at(address).method(…).call(cx)`.");
        handle_docs.extend(docs(&[syn::parse_quote!(#[doc = #doc])]));
        let constructor = handle::constructor(storage, self.constructor.as_ref());
        let functions: Vec<&Method> = self.functions.iter().collect();
        let parts = Handles::of(&self.parts, owner, &quote!(::esker_sdk::expansion::End));
        let handle =
            handle::expand(&handle_docs, &owner.visibility, &handle_name, &functions, &constructor, parts.as_ref());
        let markers = self.parts.iter().map(|part| part.expand(owner, &self.implementations));
        let description = description::abi(self, owner);
        let selectors = description::selectors(&self.functions, &handle_name);
        let exposures = description::exposures(self);
        let call = dispatch::call(self, owner);
        let deploy = dispatch::deploy(self, owner);
        let has_constructor = self.constructor.is_some();
        let exports = exports::expand(storage);
        quote! {
            #(#markers)*

            #description

            #handle

            const _: () = {
                #selectors

                #exposures

                #[allow(dead_code, reason = "in wasm only the contract being built is entered")]
                fn __call() -> ::esker_sdk::expansion::Vec<u8> {
                    #call
                }

                #[allow(dead_code, reason = "in wasm only the contract being built is entered")]
                fn __deploy() -> ::esker_sdk::expansion::Vec<u8> {
                    #deploy
                }

                #[automatically_derived]
                impl ::esker_sdk::Contract for #storage {
                    const NAME: &'static str = #name;
                    const CRATE: &'static str = ::core::env!("CARGO_CRATE_NAME");
                    const HAS_CONSTRUCTOR: bool = #has_constructor;
                    const ABI: &'static ::esker_sdk::expansion::Description = __ESKER_ABI;
                    type Handle = #handle_name;

                    #[cfg(not(target_arch = "wasm32"))]
                    fn abi_json() -> &'static str {
                        static TEXT: ::esker_sdk::expansion::OnceLock<::esker_sdk::expansion::String> =
                            ::esker_sdk::expansion::OnceLock::new();
                        TEXT.get_or_init(|| ::esker_sdk::expansion::json(__ESKER_ABI))
                    }

                    #[cfg(not(target_arch = "wasm32"))]
                    fn call() -> ::esker_sdk::expansion::Vec<u8> {
                        __call()
                    }

                    #[cfg(not(target_arch = "wasm32"))]
                    fn deploy() -> ::esker_sdk::expansion::Vec<u8> {
                        __deploy()
                    }
                }

                #exports
            };
        }
    }
}

fn is_type(ty: &Type, ident: &Ident) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.len() == 1 && path.path.segments[0].ident == *ident)
}
