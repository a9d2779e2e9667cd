//! `#[interface]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemTrait, TraitItem, spanned::Spanned};

use crate::{
    attributes::{Errors, docs, no_generics},
    dispatch::selector_constant,
    handle,
    method::{Kind, Method},
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
        let TraitItem::Fn(function) = member else {
            errors.at(member.span(), "an interface holds methods only");
            continue;
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
    let methods: Vec<&Method> = methods.iter().collect();
    Ok(handle::expand(&docs(&item.attrs), &item.vis, &item.ident, &methods, &extra))
}
