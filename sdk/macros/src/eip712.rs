//! `#[derive(Eip712)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Fields, spanned::Spanned};

use crate::{
    attributes::{no_generics, take_name},
    names::{camel_case, plain},
};

pub fn expand(item: &DeriveInput) -> syn::Result<TokenStream> {
    no_generics(&item.generics, "a type with #[derive(Eip712)]")?;
    let Data::Struct(data) = &item.data else {
        return Err(syn::Error::new(item.ident.span(), "#[derive(Eip712)] goes on a struct"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(syn::Error::new(item.ident.span(), "an EIP-712 struct's members have names: struct Mail { … }"));
    };
    let name = &item.ident;
    let solidity = take_name(&mut item.attrs.clone())?.unwrap_or_else(|| plain(name));
    let mut members = Vec::new();
    for field in &fields.named {
        let Some(ident) = &field.ident else { continue };
        let member = take_name(&mut field.attrs.clone())?.unwrap_or_else(|| camel_case(ident));
        members.push((ident, &field.ty, member));
    }
    let shapes = members.iter().map(|(_, ty, member)| {
        let shape = quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::Typed>::SHAPE);
        quote!((#member, #shape))
    });
    let words = members.iter().map(
        |(ident, ty, _)| quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::Typed>::typed_word(&self.#ident)),
    );
    Ok(quote! {
        #[automatically_derived]
        impl ::esker_sdk::expansion::Typed for #name {
            const SHAPE: &'static ::esker_sdk::expansion::TypedShape =
                &::esker_sdk::expansion::TypedShape::Struct(::esker_sdk::expansion::TypedStruct {
                    name: #solidity,
                    members: &[#(#shapes),*],
                });

            fn typed_word(&self) -> [u8; 32] {
                <Self as ::esker_sdk::Eip712>::hash_struct(self).0
            }
        }

        #[automatically_derived]
        impl ::esker_sdk::Eip712 for #name {
            const TYPE_HASH: ::esker_sdk::B256 =
                ::esker_sdk::expansion::type_hash(<Self as ::esker_sdk::expansion::Typed>::SHAPE);

            fn hash_struct(&self) -> ::esker_sdk::B256 {
                let words = [<Self as ::esker_sdk::Eip712>::TYPE_HASH.0, #(#words),*];
                ::esker_sdk::FixedBytes(::esker_sdk::expansion::hash_words(&words))
            }
        }
    })
}
