//! `#[derive(Abi)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Fields, spanned::Spanned};

use crate::{
    attributes::no_generics,
    names::{camel_case, plain},
};

pub fn expand(item: &DeriveInput) -> syn::Result<TokenStream> {
    no_generics(&item.generics, "a type with #[derive(Abi)]")?;
    match &item.data {
        Data::Struct(data) => structure(item, &data.fields),
        Data::Enum(data) => {
            for variant in &data.variants {
                if !variant.fields.is_empty() {
                    return Err(syn::Error::new(
                        variant.fields.span(),
                        "a Solidity enum's variants have no fields: use a struct, or several methods",
                    ));
                }
                if let Some((_, value)) = &variant.discriminant {
                    return Err(syn::Error::new(value.span(), "a Solidity enum's variants are numbered from 0 on"));
                }
            }
            enumeration(item, &data.variants.iter().map(|variant| &variant.ident).collect::<Vec<_>>())
        }
        Data::Union(data) => Err(syn::Error::new(data.union_token.span, "#[derive(Abi)] goes on a struct or an enum")),
    }
}

fn structure(item: &DeriveInput, fields: &Fields) -> syn::Result<TokenStream> {
    let name = &item.ident;
    if fields.is_empty() {
        return Err(syn::Error::new(name.span(), "a Solidity struct has at least one field"));
    }
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let members: Vec<_> = fields.members().collect();
    let entries = fields.iter().map(|field| {
        let (ty, solidity) = (&field.ty, field.ident.as_ref().map(camel_case).unwrap_or_default());
        let shape = quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::AbiType>::SHAPE);
        quote!(::esker_sdk::expansion::Field { name: #solidity, shape: #shape })
    });
    Ok(quote! {
        #[automatically_derived]
        impl ::esker_sdk::expansion::AbiEncode for #name {
            fn encode(&self, encoder: &mut ::esker_sdk::expansion::Encoder) {
                let shape = <Self as ::esker_sdk::expansion::AbiType>::SHAPE;
                let resume = shape.is_dynamic().then(|| encoder.enter(shape.body_size()));
                #(::esker_sdk::expansion::AbiEncode::encode(&self.#members, encoder);)*
                if let ::core::option::Option::Some(resume) = resume {
                    encoder.leave(resume);
                }
            }
        }

        #[automatically_derived]
        impl ::esker_sdk::expansion::AbiType for #name {
            const SHAPE: &'static ::esker_sdk::expansion::Shape =
                &::esker_sdk::expansion::Shape::Tuple(&[#(#entries),*]);

            fn decode(decoder: &mut ::esker_sdk::expansion::Decoder<'_>) -> Self {
                let shape = <Self as ::esker_sdk::expansion::AbiType>::SHAPE;
                let resume = shape.is_dynamic().then(|| decoder.enter(shape.body_size()));
                let value = Self {
                    #(#members: <#types as ::esker_sdk::expansion::AbiType>::decode(decoder)),*
                };
                if let ::core::option::Option::Some(resume) = resume {
                    decoder.leave(resume);
                }
                value
            }
        }

        #[automatically_derived]
        impl ::esker_sdk::expansion::AbiElement for #name {}
    })
}

fn enumeration(item: &DeriveInput, variants: &[&syn::Ident]) -> syn::Result<TokenStream> {
    let name = &item.ident;
    let Some(first) = variants.first() else {
        return Err(syn::Error::new(name.span(), "a Solidity enum has at least one variant"));
    };
    if variants.len() > 256 {
        return Err(syn::Error::new(name.span(), "a Solidity enum has at most 256 variants"));
    }
    let title = plain(name);
    let titles = variants.iter().map(|variant| plain(variant));
    let numbers: Vec<u8> = (0..=u8::MAX).take(variants.len()).collect();
    Ok(quote! {
        #[automatically_derived]
        impl #name {
            #[doc(hidden)]
            const fn __esker_number(&self) -> u8 {
                match self {
                    #(Self::#variants => #numbers,)*
                }
            }

            #[doc(hidden)]
            const fn __esker_variant(number: u8) -> ::core::option::Option<Self> {
                match number {
                    #(#numbers => ::core::option::Option::Some(Self::#variants),)*
                    #[allow(unreachable_patterns, reason = "an enum may have all 256 variants")]
                    _ => ::core::option::Option::None,
                }
            }
        }

        #[automatically_derived]
        impl ::esker_sdk::expansion::AbiEncode for #name {
            fn encode(&self, encoder: &mut ::esker_sdk::expansion::Encoder) {
                encoder.number(u64::from(self.__esker_number()));
            }
        }

        #[automatically_derived]
        impl ::esker_sdk::expansion::AbiType for #name {
            const SHAPE: &'static ::esker_sdk::expansion::Shape = &::esker_sdk::expansion::Shape::Uint(8);

            fn decode(decoder: &mut ::esker_sdk::expansion::Decoder<'_>) -> Self {
                let variant = Self::__esker_variant(decoder.unsigned(1) as u8);
                decoder.require(variant.is_some());
                variant.unwrap_or(Self::#first)
            }
        }

        #[automatically_derived]
        impl ::esker_sdk::expansion::AbiElement for #name {}

        #[automatically_derived]
        impl ::esker_sdk::expansion::Packed for #name {
            fn pack(&self, packer: &mut ::esker_sdk::expansion::Packer) {
                packer.value(self);
            }
        }

        #[automatically_derived]
        impl ::esker_sdk::expansion::PackedElement for #name {
            fn pack_padded(&self, packer: &mut ::esker_sdk::expansion::Packer) {
                packer.word(self);
            }
        }

        #[automatically_derived]
        impl ::esker_sdk::expansion::Value for #name {
            const BYTES: usize = 1;
            const ENUM: ::core::option::Option<&'static ::esker_sdk::expansion::EnumLayout> =
                ::core::option::Option::Some(&::esker_sdk::expansion::EnumLayout {
                    name: #title,
                    variants: &[#(#titles),*],
                });

            fn word(&self) -> [u8; 32] {
                ::esker_sdk::expansion::Value::word(&self.__esker_number())
            }

            fn from_field(field: [u8; 32]) -> Self {
                let number = <u8 as ::esker_sdk::expansion::Value>::from_field(field);
                // As Solidity does when a stored number is no variant.
                Self::__esker_variant(number).unwrap_or_else(|| ::esker_sdk::Panic::InvalidEnum.raise())
            }
        }

        #[automatically_derived]
        impl ::esker_sdk::Indexed for #name {
            fn topic(&self) -> [u8; 32] {
                ::esker_sdk::expansion::Value::word(self)
            }
        }
    })
}
