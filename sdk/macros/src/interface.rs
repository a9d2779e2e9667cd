//! `#[interface]`: a trait, the handle of its name, and what a contract that implements it takes from it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Ident, ImplItem, ItemImpl, ItemTrait, Path, TraitItem, Type, TypePath, parse_quote,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use crate::{
    attributes::{Errors, cfgs, docs, no_generics},
    description,
    dispatch::selector_constant,
    guard, handle,
    method::{Kind, Method},
    names::plain,
    owner::Owner,
    results::Results,
};

pub fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(syn::Error::new(arguments.span(), "#[interface] takes no arguments"));
    }
    let mut item: ItemTrait =
        syn::parse2(item).map_err(|error| syn::Error::new(error.span(), "#[interface] goes on a trait"))?;
    no_generics(&item.generics, "an interface")?;
    let mut errors = Errors::default();
    if let Some(bound) = item.supertraits.first() {
        errors.at(bound.span(), "an interface has no supertraits: repeat their methods");
    }
    let mut methods = Vec::new();
    for member in &mut item.items {
        let function = match member {
            TraitItem::Fn(function) => function,
            // `type Error: ContractError`, for implementations.
            TraitItem::Type(_) => continue,
            _ => {
                errors.at(member.span(), "an interface holds methods, and perhaps `type Error: ContractError`");
                continue;
            }
        };
        if let Some(body) = &function.default {
            errors.at(body.span(), "an interface's methods have no bodies: the contract at the address has them");
        }
        if let Some(method) = errors.keep(Method::parse(&mut function.attrs, &function.sig, &Results::default())) {
            if method.kind != Kind::Function {
                errors.at(function.sig.ident.span(), "an interface holds ordinary methods only");
            }
            methods.push(method);
        }
    }
    errors.finish()?;
    let handle_name = handle_name(&item.ident);
    let selectors = methods.iter().enumerate().map(|(index, method)| {
        let (cfgs, selector) = (&method.cfgs, selector_constant(index));
        quote!(#(#cfgs)* { identifier ^= Self::#selector; })
    });
    let extra = quote! {
        /// The interface's identifier (ERC-165): its methods' selectors, xored.
        pub const INTERFACE_ID: ::esker_sdk::FixedBytes<4> =
            ::esker_sdk::FixedBytes({
                #[allow(unused_mut, reason = "an interface may have no methods")]
                let mut identifier = 0u32;
                #(#selectors)*
                identifier.to_be_bytes()
            });
    };
    let handle_docs = match docs(&item.attrs) {
        docs if docs.is_empty() => {
            let text = format!("Calls a contract that has the methods of `{}`.", item.ident);
            vec![parse_quote!(#[doc = #text])]
        }
        docs => docs,
    };
    let all: Vec<&Method> = methods.iter().collect();
    let handle = handle::expand(&handle_docs, &item.vis, &handle_name, &all, &extra, None);
    for method in &methods {
        let (item_constant, selector_constant) = constants(&method.ident);
        let (cfgs, description) = (&method.cfgs, description::function(method));
        let (name, inputs) = (&method.solidity, method.parameters());
        item.items.push(parse_quote! {
            #(#cfgs)*
            #[doc(hidden)]
            const #item_constant: ::esker_sdk::expansion::FunctionItem = #description;
        });
        item.items.push(parse_quote! {
            #(#cfgs)*
            #[doc(hidden)]
            const #selector_constant: u32 = ::esker_sdk::expansion::selector(#name, #inputs);
        });
    }
    item.items.push(parse_quote! {
        /// The interface's identifier (ERC-165): its methods' selectors, xored.
        const INTERFACE_ID: ::esker_sdk::FixedBytes<4> = #handle_name::INTERFACE_ID;
    });
    Ok(quote! {
        #[allow(
            dead_code,
            missing_docs,
            non_upper_case_globals,
            clippy::too_many_arguments,
            clippy::wrong_self_convention,
            reason = "an interface is what another contract has; perhaps nobody implements it here"
        )]
        #item

        #handle
    })
}

fn handle_name(interface: &Ident) -> Ident {
    format_ident!("{}Handle", interface, span = interface.span())
}

/// The trait's hidden constants that describe a method: its ABI item and its selector. Where a trait is no interface the
/// compiler says that it has no such constant, so the name says what to do.
pub fn constants(method: &Ident) -> (Ident, Ident) {
    let name = plain(method);
    (
        format_ident!("__interface_method_{name}_or_else_mark_the_impl_internal", span = method.span()),
        format_ident!("__interface_selector_{name}", span = method.span()),
    )
}

/// The methods of `impl Interface for Storage`, which are the contract's, and their guards' errors, as expressions.
pub fn implemented(
    item: &mut ItemImpl,
    interface: &Path,
    owner: &Owner,
    results: &Results,
) -> syn::Result<(Vec<Method>, Vec<TokenStream>)> {
    // A component's errors are the same whoever owns it.
    let (this, storage) = (owner.this(), owner.unit());
    let storage = &storage;
    let mut errors = Errors::default();
    let conditions = cfgs(&item.attrs);
    let (mut methods, mut all_guards) = (Vec::new(), Vec::new());
    for member in &mut item.items {
        let ImplItem::Fn(function) = member else { continue };
        let guards = errors.keep(guard::take(function, &this)).unwrap_or_default();
        let mut signature = function.sig.clone();
        OwnTypes { storage, interface }.visit_signature_mut(&mut signature);
        let Some(mut method) = errors.keep(Method::parse(&mut function.attrs, &signature, results)) else { continue };
        if method.kind != Kind::Function {
            errors.at(
                function.sig.ident.span(),
                "an interface holds ordinary methods only: mark a `pub fn` of the contract",
            );
        }
        if method.is_renamed || !method.output_names.is_empty() {
            errors.at(function.sig.ident.span(), "the interface names its methods and their results: mark them there");
        }
        method.cfgs.extend(conditions.iter().cloned());
        let cfgs = &method.cfgs;
        all_guards.extend(guards.into_iter().map(|guard| quote!(#(#cfgs)* #guard)));
        method.interface = Some(quote_spanned!(interface.span()=> <#this as #interface>));
        methods.push(method);
    }
    errors.finish()?;
    Ok((methods, all_guards))
}

/// `Self::Error` means something inside the `impl` only.
struct OwnTypes<'a> {
    storage: &'a TokenStream,
    interface: &'a Path,
}

impl VisitMut for OwnTypes<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::Path(TypePath { qself: None, path }) = ty
            && let [first, name] = &path.segments.iter().collect::<Vec<_>>()[..]
            && first.ident == "Self"
        {
            let (storage, interface) = (self.storage, self.interface);
            *ty = parse_quote!(<#storage as #interface>::#name);
        } else {
            visit_mut::visit_type_mut(self, ty);
        }
    }
}
