//! `#[event]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Fields, ItemStruct, spanned::Spanned};

use crate::{
    attributes::{Errors, cfgs, doc_text, missing_derives, no_generics, option, take_flag, take_name, undocumented},
    names::{camel_case, plain},
};

pub fn expand_attribute(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let item: ItemStruct =
        syn::parse2(item).map_err(|error| syn::Error::new(error.span(), "#[event] goes on a struct"))?;
    expand(arguments, item)
}

pub fn expand(arguments: TokenStream, mut item: ItemStruct) -> syn::Result<TokenStream> {
    let anonymous = option(arguments, "event", "anonymous")?;
    no_generics(&item.generics, "an event")?;
    let solidity = take_name(&mut item.attrs)?.unwrap_or_else(|| plain(&item.ident));
    let mut errors = Errors::default();
    let mut indexed = Vec::new();
    if let Fields::Unnamed(fields) = &item.fields {
        return Err(syn::Error::new(
            fields.span(),
            "an event's fields have names: struct Transfer { from: Address, … }",
        ));
    }
    let most = if anonymous { 4 } else { 3 };
    for field in &mut item.fields {
        let flag = errors.keep(take_flag(&mut field.attrs, "indexed")).flatten();
        indexed.push(flag.is_some());
        if let Some(span) = flag
            && indexed.iter().filter(|is_topic| **is_topic).count() > most
        {
            errors.at(
                span,
                format!(
                    "an event has at most {most} indexed fields: a log has 4 topics{}",
                    if anonymous { "" } else { ", the first of which is the event's signature" }
                ),
            );
        }
    }
    errors.finish()?;

    let name = &item.ident;
    let derives = missing_derives(&item.attrs, &["Clone", "Debug", "PartialEq", "Eq"]);
    let parameters = item.fields.iter().zip(&indexed).map(|(field, indexed)| {
        let (ty, solidity) = (&field.ty, field.ident.as_ref().map(camel_case));
        let shape = quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::AbiType>::SHAPE);
        quote!(::esker_sdk::expansion::Parameter { name: #solidity, shape: #shape, indexed: #indexed })
    });
    let topics = item.fields.iter().zip(&indexed).filter(|(_, indexed)| **indexed).map(|(field, _)| {
        let (ty, field) = (&field.ty, &field.ident);
        quote_spanned!(ty.span()=> <#ty as ::esker_sdk::Indexed>::topic(&self.#field))
    });
    let signature = (!anonymous).then(|| quote!(<Self as ::esker_sdk::Event>::TOPIC));
    let topics: Vec<TokenStream> = signature.into_iter().chain(topics).collect();
    let count = topics.len();
    let data: Vec<_> =
        item.fields.iter().zip(&indexed).filter(|(_, indexed)| !**indexed).map(|(field, _)| field).collect();
    let types = data.iter().map(|field| {
        let ty = &field.ty;
        quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::AbiType>::SHAPE)
    });
    let names = data.iter().map(|field| &field.ident);
    let undocumented = undocumented();
    let (cfgs, docs) = (cfgs(&item.attrs), doc_text(&item.attrs));
    Ok(quote! {
        #derives
        #undocumented
        #item

        #(#cfgs)*
        #[automatically_derived]
        impl #name {
            #[doc(hidden)]
            #[inline]
            fn __esker_topics(&self) -> [[u8; 32]; #count] {
                [#(#topics),*]
            }

            #[doc(hidden)]
            #[inline]
            fn __esker_data(&self) -> ::esker_sdk::expansion::Encoder {
                let mut encoder =
                    ::esker_sdk::expansion::Encoder::new(&[], const { 0 #(+ #types.head_size())* });
                #(::esker_sdk::expansion::AbiEncode::encode(&self.#names, &mut encoder);)*
                encoder
            }
        }

        #(#cfgs)*
        #[automatically_derived]
        impl ::esker_sdk::Event for #name {
            const ITEM: &'static ::esker_sdk::expansion::EventItem = &::esker_sdk::expansion::EventItem {
                name: #solidity,
                fields: &[#(#parameters),*],
                anonymous: #anonymous,
                docs: #docs,
            };
            const TOPIC: [u8; 32] =
                ::esker_sdk::expansion::topic(#solidity, <Self as ::esker_sdk::Event>::ITEM.fields);

            fn to_log(&self) -> ::esker_sdk::Log {
                let topics = self.__esker_topics();
                ::esker_sdk::Log {
                    topics: <[[u8; 32]]>::to_vec(&topics),
                    data: self.__esker_data().finish(),
                }
            }

            #[inline]
            fn emit(&self, authority: &::esker_sdk::Authority) {
                ::esker_sdk::expansion::log(authority, &self.__esker_topics(), self.__esker_data());
            }
        }
    })
}
