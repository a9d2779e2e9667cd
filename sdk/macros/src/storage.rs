//! `#[storage]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Fields, ItemStruct, spanned::Spanned};

use crate::attributes::{no_generics, option};

pub fn expand_attribute(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    option(arguments, "storage", "nested")?;
    let item: ItemStruct =
        syn::parse2(item).map_err(|error| syn::Error::new(error.span(), "#[storage] goes on a struct"))?;
    expand(&item)
}

/// The struct, and what opens it at a place.
pub fn expand(item: &ItemStruct) -> syn::Result<TokenStream> {
    no_generics(&item.generics, "a storage struct")?;
    let name = &item.ident;
    let fields = match &item.fields {
        Fields::Named(fields) => fields.named.iter().collect::<Vec<_>>(),
        Fields::Unit => Vec::new(),
        Fields::Unnamed(fields) => {
            return Err(syn::Error::new(fields.span(), "a storage struct's fields have names: struct Token { … }"));
        }
    };
    let count = fields.len();
    let names: Vec<_> = fields.iter().map(|field| field.ident.as_ref()).collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let sizes = types.iter().map(|ty| quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::StorageType>::SIZE));
    let clear = types.iter().zip(&names).map(
        |(ty, name)| quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::StorageType>::clear(&mut self.#name);),
    );
    let valid = types
        .iter()
        .map(|ty| quote_spanned!(ty.span()=> const _: () = <#ty as ::esker_sdk::expansion::StorageType>::VALID;));
    let in_place = types.iter().zip(&names).enumerate().map(|(index, (ty, name))| {
        let lies_at = quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::StorageType>::lies_at);
        quote!(&& #lies_at(&self.#name, &__place.field(Self::__ESKER_PLACES[#index])))
    });
    let opened = |place: TokenStream| {
        let opened = types.iter().zip(&names).enumerate().map(|(index, (ty, name))| {
            let open = quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::StorageType>::open);
            quote!(#name: #open(#place(Self::__ESKER_PLACES[#index]), __authority))
        });
        match item.fields {
            Fields::Unit => quote!(Self),
            _ => quote!(Self { #(#opened),* }),
        }
    };
    let relative = opened(quote!(__place.field));
    let absolute = {
        let opened = types.iter().zip(&names).enumerate().map(|(index, (ty, name))| {
            let open = quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::StorageType>::open);
            let place = quote!(::esker_sdk::expansion::Place::root_field(
                const { ::esker_sdk::expansion::root_place(Self::__ESKER_PLACES[#index]) }
            ));
            quote!(#name: #open(#place, __authority))
        });
        match item.fields {
            Fields::Unit => quote!(Self),
            _ => quote!(Self { #(#opened),* }),
        }
    };
    Ok(quote! {
        #item

        #(#valid)*

        const _: () = {
            const SIZES: [::esker_sdk::expansion::Size; #count] = [#(#sizes),*];

            #[automatically_derived]
            impl #name {
                #[doc(hidden)]
                const __ESKER_PLACES: [::esker_sdk::expansion::FieldPlace; #count] =
                    ::esker_sdk::expansion::layout(&SIZES);

                /// The contract's storage, for its dispatcher.
                #[doc(hidden)]
                #[allow(dead_code, reason = "only a contract's own storage struct is opened at the root")]
                #[cfg_attr(target_arch = "wasm32", inline(never))]
                #[allow(unused_variables, reason = "a struct without fields lies nowhere")]
                fn __esker_root(__authority: &::esker_sdk::Authority) -> Self {
                    #absolute
                }
            }

            #[automatically_derived]
            impl ::esker_sdk::expansion::StorageType for #name {
                const SIZE: ::esker_sdk::expansion::Size = ::esker_sdk::expansion::layout_size(&SIZES);

                #[allow(unused_variables, reason = "a struct without fields lies nowhere")]
                fn open(__place: ::esker_sdk::expansion::Place, __authority: &::esker_sdk::Authority) -> Self {
                    #relative
                }

                fn clear(&mut self) {
                    #(#clear)*
                }

                #[cfg(not(target_arch = "wasm32"))]
                #[allow(unused_variables, reason = "a struct without fields lies nowhere")]
                fn lies_at(&self, __place: &::esker_sdk::expansion::Place) -> bool {
                    true #(#in_place)*
                }
            }

            #[automatically_derived]
            impl ::esker_sdk::expansion::Stored for #name {
                type Handle = Self;
            }
        };
    })
}
