//! `#[derive(Stored)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Data, DeriveInput, Fields, ItemStruct, spanned::Spanned};

use crate::{
    attributes::{Errors, docs, no_generics, undocumented},
    names::plain,
    storage::{self, Role},
};

pub fn expand(item: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = match &item.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => &fields.named,
            other => {
                return Err(syn::Error::new(
                    if other.is_empty() { item.ident.span() } else { other.span() },
                    "a struct in storage has fields, with names: struct Proposal { … }",
                ));
            }
        },
        Data::Enum(data) => {
            return Err(syn::Error::new(
                data.enum_token.span,
                "#[derive(Stored)] goes on a struct; an enum with #[derive(Abi)] can be stored as it is",
            ));
        }
        Data::Union(data) => {
            return Err(syn::Error::new(data.union_token.span, "#[derive(Stored)] goes on a struct"));
        }
    };
    no_generics(&item.generics, "a type with #[derive(Stored)]")?;
    let (name, visibility) = (&item.ident, &item.vis);
    let title = plain(name);
    let handle = format_ident!("{title}Storage", span = name.span());
    let members = fields.iter().map(|field| {
        let (visibility, ident, ty, docs) = (&field.vis, &field.ident, &field.ty, docs(&field.attrs));
        let ty = quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::Stored>::Handle);
        quote!(#(#docs)* #visibility #ident: #ty)
    });
    let about = format!("A [`{title}`] in storage: a handle for each of its fields.");
    let undocumented = undocumented();
    let structure: ItemStruct = syn::parse2(quote! {
        #[doc = #about]
        #undocumented
        #visibility struct #handle { #(#members),* }
    })?;
    // A list of its own kind is described by what it is a handle of: nothing else would end.
    let mut errors = Errors::default();
    let described: Vec<_> = fields
        .iter()
        .map(|field| {
            let ty = storage::without_itself(&field.ty, name, &[], &quote!(#handle), &mut errors);
            syn::parse_quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::Stored>::Handle)
        })
        .collect();
    errors.finish()?;
    let structure = storage::expand_described(&structure, &Role::Nested, &described)?;
    let loads = fields.iter().map(|field| {
        let (ident, ty) = (&field.ident, &field.ty);
        quote_spanned!(ty.span()=> #ident: <#ty as ::esker_sdk::expansion::Record>::load(&handle.#ident))
    });
    let stores = fields.iter().map(|field| {
        let (ident, ty) = (&field.ident, &field.ty);
        quote_spanned! {ty.span()=>
            <#ty as ::esker_sdk::expansion::Record>::store(&self.#ident, &mut handle.#ident);
        }
    });
    Ok(quote! {
        #structure

        #[automatically_derived]
        impl ::esker_sdk::expansion::Stored for #name {
            type Handle = #handle;
        }

        #[automatically_derived]
        impl ::esker_sdk::expansion::Record for #name {
            fn load(handle: &#handle) -> Self {
                Self { #(#loads),* }
            }

            fn store(&self, handle: &mut #handle) {
                #(#stores)*
            }
        }

        #[automatically_derived]
        #[allow(dead_code, reason = "one contract reads all of it, another single fields")]
        impl #handle {
            /// Reads all of it.
            #[must_use]
            #visibility fn load(&self) -> #name {
                <#name as ::esker_sdk::expansion::Record>::load(self)
            }

            /// Writes all of it.
            #visibility fn store(&mut self, value: &#name) {
                <#name as ::esker_sdk::expansion::Record>::store(value, self);
            }
        }
    })
}
