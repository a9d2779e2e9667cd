//! `#[contract]`.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Ident, ImplItem, Item, ItemImpl, ItemMod, ItemStruct, Path, Token, Type, Visibility, parse::Parser,
    punctuated::Punctuated, spanned::Spanned,
};

use crate::{
    attributes::{Errors, arguments, docs, is, option, take},
    dispatch, errors, event, handle,
    method::{Kind, Method, text},
    names::plain,
    storage,
};

const MARKERS: [&str; 6] = ["constructor", "fallback", "receive", "payable", "reentrant", "name"];

/// Everything found in the module.
#[derive(Default)]
struct Found {
    items: Vec<TokenStream>,
    storage: Option<ItemStruct>,
    events: Vec<Path>,
    errors: Vec<Ident>,
    functions: Vec<Method>,
    constructor: Option<Method>,
    fallback: Option<Method>,
    receive: Option<Method>,
}

/// The paths in `#[contract(events(a::B, c::D))]`.
fn foreign_events(tokens: TokenStream) -> syn::Result<Vec<Path>> {
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    let span = tokens.span();
    let meta: syn::MetaList = syn::parse2(tokens)
        .map_err(|_| syn::Error::new(span, "#[contract] takes nothing or `events(path::Event, …)`"))?;
    if !meta.path.is_ident("events") {
        return Err(syn::Error::new(meta.path.span(), "#[contract] takes nothing or `events(path::Event, …)`"));
    }
    Ok(Punctuated::<Path, Token![,]>::parse_terminated.parse2(meta.tokens)?.into_iter().collect())
}

pub fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let events = foreign_events(arguments)?;
    let module: ItemMod = syn::parse2(item)
        .map_err(|error| syn::Error::new(error.span(), "#[contract] goes on a module: `mod token { … }`"))?;
    let Some((_, items)) = module.content else {
        return Err(syn::Error::new(
            module.span(),
            "#[contract] needs the module's contents here: write `mod token { … }`, not `mod token;`",
        ));
    };
    let mut found = Found { events, ..Found::default() };
    let mut errors = Errors::default();
    let storage = storage_name(&items, module.ident.span(), &mut errors);
    let Some(storage) = storage else {
        errors.finish()?;
        return Ok(TokenStream::new());
    };
    for item in items {
        let result = found.item(item, &storage);
        errors.keep(result);
    }
    errors.finish()?;
    let generated = found.generate(&storage)?;
    let (attributes, visibility, name, items) = (&module.attrs, &module.vis, &module.ident, &found.items);
    Ok(quote! {
        #(#attributes)*
        #visibility mod #name {
            #(#items)*
            #generated
        }
    })
}

/// The name of the one `#[storage]` struct.
fn storage_name(items: &[Item], module: Span, errors: &mut Errors) -> Option<Ident> {
    let mut name: Option<Ident> = None;
    for item in items {
        let Item::Struct(item) = item else { continue };
        let Some(attribute) = item.attrs.iter().find(|attribute| is(attribute, "storage")) else { continue };
        let nested = errors.keep(arguments(attribute).and_then(|tokens| option(tokens, "storage", "nested")));
        if nested != Some(false) {
            continue;
        }
        if name.is_some() {
            errors.at(
                item.ident.span(),
                "a contract has one #[storage] struct; mark those that lie inside it #[storage(nested)]",
            );
        } else {
            name = Some(item.ident.clone());
        }
    }
    if name.is_none() {
        errors.at(module, "a contract needs a storage struct, even an empty one: `#[storage] pub struct Token { … }`");
    }
    name
}

impl Found {
    /// Sorts one item in, expanding it if an attribute says so.
    fn item(&mut self, item: Item, storage: &Ident) -> syn::Result<()> {
        match item {
            Item::Struct(mut item) => {
                if take(&mut item.attrs, "storage").is_some() {
                    self.items.push(storage::expand(&item)?);
                    if item.ident == *storage {
                        self.storage = Some(item);
                    }
                } else if let Some(attribute) = take(&mut item.attrs, "event") {
                    self.events.push(item.ident.clone().into());
                    self.items.push(event::expand(arguments(&attribute)?, item)?);
                } else if let Some(attribute) = take(&mut item.attrs, "error") {
                    self.errors.push(item.ident.clone());
                    self.items.push(errors::expand(&arguments(&attribute)?, Item::Struct(item))?);
                } else {
                    self.items.push(item.into_token_stream());
                }
            }
            Item::Enum(mut item) => {
                if let Some(attribute) = take(&mut item.attrs, "error") {
                    self.errors.push(item.ident.clone());
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
                if item.trait_.is_none() && is_type(&item.self_ty, storage) {
                    self.methods(&mut item)?;
                }
                self.items.push(item.into_token_stream());
            }
            other => self.items.push(other.into_token_stream()),
        }
        Ok(())
    }

    fn methods(&mut self, item: &mut ItemImpl) -> syn::Result<()> {
        item.attrs.push(syn::parse_quote!(
            #[allow(clippy::new_ret_no_self, reason = "a constructor fills the storage it is given")]
        ));
        let mut errors = Errors::default();
        for member in &mut item.items {
            let ImplItem::Fn(function) = member else { continue };
            let is_public = matches!(function.vis, Visibility::Public(_));
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
            let Some(method) = errors.keep(Method::parse(&mut function.attrs, &function.sig)) else { continue };
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
        errors.finish()
    }

    fn all(&self) -> impl Iterator<Item = &Method> {
        self.functions.iter().chain(&self.constructor).chain(&self.fallback).chain(&self.receive)
    }

    /// The ABI as a constant, with the selectors and the check that they differ.
    fn description(&self) -> TokenStream {
        let functions: Vec<TokenStream> = self
            .functions
            .iter()
            .map(|method| {
                let (name, inputs, output) = (&method.solidity, method.parameters(), method.output());
                let mutability = method.mutability();
                quote! {
                    ::esker_sdk::expansion::FunctionItem {
                        name: #name,
                        inputs: #inputs,
                        outputs: <#output as ::esker_sdk::expansion::Output>::SHAPES,
                        mutability: #mutability,
                    }
                }
            })
            .collect();
        let constructor = self.constructor.as_ref().map_or(quote!(None), |method| {
            let (inputs, payable) = (method.parameters(), method.payable);
            quote!(Some(::esker_sdk::expansion::ConstructorItem { inputs: #inputs, payable: #payable }))
        });
        let fallback = self.fallback.as_ref().map_or(quote!(None), |method| {
            let variant = if method.payable { quote!(Payable) } else { quote!(NonPayable) };
            quote!(Some(::esker_sdk::expansion::Mutability::#variant))
        });
        let receive = self.receive.is_some();
        let events = &self.events;
        let mut seen = BTreeSet::new();
        let own = self.errors.iter().map(|ident| syn::parse_quote!(#ident));
        let returned = self.all().filter_map(|method| method.error.clone());
        let errors: Vec<Type> = own.chain(returned).filter(|ty| seen.insert(text(ty))).collect();
        let sets = errors.iter().map(|ty| quote_spanned!(ty.span()=> <#ty as ::esker_sdk::ContractError>::ERRORS));
        let guard = self.all().any(Method::is_guarded).then(|| {
            quote! {
                &::esker_sdk::expansion::ErrorSet {
                    items: &[::esker_sdk::expansion::REENTRANT_CALL],
                    wrapped: &[],
                }
            }
        });
        quote! {
            #[doc(hidden)]
            const __ESKER_ABI: &::esker_sdk::expansion::Description = &::esker_sdk::expansion::Description {
                constructor: ::core::option::Option::#constructor,
                functions: &[#(#functions),*],
                events: &[#(<#events as ::esker_sdk::Event>::ITEM),*],
                errors: &[#(#sets,)* #guard],
                fallback: ::core::option::Option::#fallback,
                receive: #receive,
            };
        }
    }

    fn selectors(&self) -> TokenStream {
        let constants = self.functions.iter().enumerate().map(|(index, method)| {
            let constant = dispatch::selector_constant(index);
            let (name, inputs) = (&method.solidity, method.parameters());
            // Every pair once, reported at the later one.
            let checks = self.functions.iter().enumerate().take(index).map(|(other, earlier)| {
                let other = dispatch::selector_constant(other);
                let message = format!(
                    "`{}` has the selector of `{}`: give one of them another Solidity name with #[name = \"…\"]",
                    method.ident, earlier.ident
                );
                quote_spanned!(method.ident.span()=> ::core::assert!(#constant != #other, #message);)
            });
            let check = (index > 0).then(|| quote_spanned!(method.ident.span()=> const _: () = { #(#checks)* };));
            quote! {
                const #constant: u32 = ::esker_sdk::expansion::selector(#name, #inputs);
                #check
            }
        });
        quote!(#(#constants)*)
    }

    fn generate(&self, storage: &Ident) -> syn::Result<TokenStream> {
        let name = plain(storage);
        let handle_name = format_ident!("{}Handle", storage, span = storage.span());
        let visibility = self.storage.as_ref().map(|item| item.vis.clone());
        let mut handle_docs = vec![];
        let doc = format!("Calls a `{name}` contract, typed: `{name}Handle::at(address).method(…).call(cx)`.");
        handle_docs.extend(docs(&[syn::parse_quote!(#[doc = #doc])]));
        let constructor = handle::constructor(storage, self.constructor.as_ref());
        let functions: Vec<&Method> = self.functions.iter().collect();
        let handle = handle::expand(
            &handle_docs,
            &visibility.unwrap_or(Visibility::Inherited),
            &handle_name,
            &functions,
            &constructor,
        );
        let description = self.description();
        let selectors = self.selectors();
        let call = dispatch::call(storage, &self.functions, self.fallback.as_ref(), self.receive.as_ref());
        let deploy = dispatch::deploy(storage, self.constructor.as_ref());
        let has_constructor = self.constructor.is_some();
        let exports = exports();
        Ok(quote! {
            #description

            #handle

            const _: () = {
                #selectors

                const LENGTH: usize = ::esker_sdk::expansion::json_len(__ESKER_ABI);
                const JSON: [u8; LENGTH] = ::esker_sdk::expansion::json_bytes(__ESKER_ABI);
                #[cfg(not(target_arch = "wasm32"))]
                const TEXT: &str = match ::core::str::from_utf8(&JSON) {
                    ::core::result::Result::Ok(text) => text,
                    ::core::result::Result::Err(_) => ::core::panic!("names are UTF-8"),
                };

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
                        TEXT
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
        })
    }
}

fn is_type(ty: &Type, ident: &Ident) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident(ident))
}

/// Whether the crate being compiled is the contract being built: see the top of `esker-sdk`'s `lib.rs`.
fn is_the_contract_being_built() -> bool {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match variable("ESKER_CONTRACT") {
        Some(name) => variable("CARGO_CRATE_NAME").is_some_and(|this| this == name),
        None => variable("CARGO_PRIMARY_PACKAGE").is_some(),
    }
}

/// The wasm exports and the ABI section, or nothing; and the mention that lets cargo notice a change of the variable.
fn exports() -> TokenStream {
    let tracked = quote! {
        #[cfg(target_arch = "wasm32")]
        const _: ::core::option::Option<&str> = ::core::option_env!("ESKER_CONTRACT");
    };
    if !is_the_contract_being_built() {
        return tracked;
    }
    quote! {
        #tracked

        #[cfg(target_arch = "wasm32")]
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, reason = "the module's exports have fixed names")]
        extern "C" fn call() {
            __call();
        }

        // Without a constructor too: the host would let a deployment without one take coins.
        #[cfg(target_arch = "wasm32")]
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, reason = "the module's exports have fixed names")]
        extern "C" fn deploy() {
            __deploy();
        }

        #[cfg(target_arch = "wasm32")]
        #[unsafe(link_section = "esker.abi")]
        #[allow(unsafe_code, reason = "the ABI travels in a custom section")]
        static SECTION: [u8; LENGTH] = JSON;
    }
}
