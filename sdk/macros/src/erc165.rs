//! `#[contract(erc165)]`: `supportsInterface`, for all the interfaces.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, LitInt, Token, parse::Parser, punctuated::Punctuated};

use crate::{contract::Found, owner::Owner};

/// ERC-165's own identifier.
const ERC165: u32 = 0x01ff_c9a7;

/// Reads the identifiers that no trait has: `0x49064906, …`.
pub fn identifiers(tokens: TokenStream) -> syn::Result<Vec<u32>> {
    let literals = Punctuated::<LitInt, Token![,]>::parse_terminated.parse2(tokens).map_err(|error| {
        syn::Error::new(error.span(), "identifiers are numbers of four bytes: `erc165(0x49064906)`")
    })?;
    let read = |literal: LitInt| match literal.base10_parse::<u32>() {
        Ok(u32::MAX) => {
            Err(syn::Error::new(literal.span(), "ERC-165 demands that nothing has the identifier 0xffffffff"))
        }
        Ok(identifier) => Ok(identifier),
        Err(_) => Err(syn::Error::new(literal.span(), "an identifier is a number of four bytes, as 0x49064906 is")),
    };
    literals.into_iter().map(read).collect()
}

/// ERC-165's one method. `further` are the identifiers that no trait has.
///
/// It searches a table made by the compiler.
pub fn supports_interface(owner: &Owner, found: &Found, further: &[u32]) -> Item {
    let storage = &owner.name;
    let numbers = [ERC165].into_iter().chain(further.iter().copied());
    let numbers = numbers.map(|number| {
        let bytes = number.to_be_bytes();
        quote!(::esker_sdk::FixedBytes([#(#bytes),*]))
    });
    let interfaces = found.interfaces.iter().map(|(cfgs, path)| quote!(#(#cfgs)* <#storage as #path>::INTERFACE_ID));
    let own = quote!(&[#(#numbers,)* #(#interfaces),*]);
    let all = if found.parts.is_empty() {
        quote!(const IDENTIFIERS: &[::esker_sdk::FixedBytes<4>] = #own;)
    } else {
        quote! {
            const OWN: &[::esker_sdk::FixedBytes<4>] = #own;
            const IDENTIFIERS: &[::esker_sdk::FixedBytes<4>] =
                &::esker_sdk::expansion::identifiers::<{ ::esker_sdk::expansion::identifiers_count(OWN, __ESKER_PART) }>(
                    OWN,
                    __ESKER_PART,
                );
        }
    };
    syn::parse_quote! {
        impl #storage {
            /// Whether the contract has the methods of an interface (ERC-165).
            pub fn supports_interface(&self, interface_id: ::esker_sdk::FixedBytes<4>) -> bool {
                // 0xffffffff, which nothing has, is none of these.
                #all
                IDENTIFIERS.contains(&interface_id)
            }
        }
    }
}
