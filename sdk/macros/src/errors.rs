//! `#[error]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Fields, Ident, Item, Type, spanned::Spanned};

use crate::{
    attributes::{Errors, missing_derives, no_generics, take_flag, take_name, undocumented},
    names::{camel_case, plain},
};

pub fn expand_attribute(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    expand(&arguments, syn::parse2(item)?)
}

/// The tokens that one variant (or the struct) contributes.
struct Parts {
    item: Option<TokenStream>,
    wrapped: Option<Type>,
    /// Its selector, reversed, and the size of its fields' heads; nothing for a wrapped error.
    head: TokenStream,
    /// The pattern that any value of it matches.
    rest: TokenStream,
    /// The pattern that binds its fields, and their types in words.
    pattern: TokenStream,
    kinds: String,
    /// Its fields, written to `encoder`, or another type's encoding.
    fields: TokenStream,
    /// The constructor of a variant that wraps another error.
    from: Option<TokenStream>,
    decode: TokenStream,
}

fn parts(
    constructor: &TokenStream,
    ident: &Ident,
    attributes: &mut Vec<Attribute>,
    fields: &Fields,
) -> syn::Result<Parts> {
    let solidity = take_name(attributes)?.unwrap_or_else(|| plain(ident));
    if let Some(span) = take_flag(attributes, "from")? {
        let Fields::Unnamed(inner) = fields else {
            return Err(syn::Error::new(
                span,
                "#[from] goes on a variant that wraps another error: Token(erc20::Error)",
            ));
        };
        if inner.unnamed.len() != 1 {
            return Err(syn::Error::new(inner.span(), "a #[from] variant wraps exactly one other error"));
        }
        let ty = inner.unnamed[0].ty.clone();
        let error = quote_spanned!(ty.span()=> <#ty as ::esker_sdk::ContractError>);
        return Ok(Parts {
            item: None,
            head: quote!((0, 0)),
            pattern: quote!(#constructor(inner)),
            kinds: String::new(),
            fields: quote!(return #error::encode(inner),),
            from: Some(constructor.clone()),
            decode: quote! {
                if let ::core::option::Option::Some(inner) = #error::decode(data) {
                    return ::core::option::Option::Some(#constructor(inner));
                }
            },
            rest: quote!(#constructor(..)),
            wrapped: Some(ty),
        });
    }
    let bindings: Vec<Ident> = (0..fields.len()).map(|index| format_ident!("field_{index}")).collect();
    let types: Vec<&Type> = fields.iter().map(|field| &field.ty).collect();
    let shapes: Vec<TokenStream> =
        types.iter().map(|ty| quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::AbiType>::SHAPE)).collect();
    let parameters = fields.iter().zip(&shapes).map(|(field, shape)| {
        let name = field.ident.as_ref().map(camel_case).unwrap_or_default();
        quote!(::esker_sdk::expansion::Parameter { name: #name, shape: #shape, indexed: false })
    });
    let parameters = quote!(&[#(#parameters),*]);
    let pattern = match fields {
        Fields::Named(named) => {
            let names = named.named.iter().map(|field| &field.ident);
            quote!(#constructor { #(#names: #bindings),* })
        }
        Fields::Unnamed(_) => quote!(#constructor(#(#bindings),*)),
        Fields::Unit => constructor.clone(),
    };
    let rest = match fields {
        Fields::Named(_) => quote!(#constructor { .. }),
        Fields::Unnamed(_) => quote!(#constructor(..)),
        Fields::Unit => constructor.clone(),
    };
    let decoded =
        types.iter().map(|ty| quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::AbiType>::decode(decoder)));
    let unused = bindings.is_empty().then(|| quote!(let _ = &decoder;));
    Ok(Parts {
        item: Some(quote!(::esker_sdk::expansion::ErrorItem { name: #solidity, fields: #parameters })),
        wrapped: None,
        head: quote! {
            (::esker_sdk::expansion::selector(#solidity, #parameters).swap_bytes(), 0 #(+ #shapes.head_size())*)
        },
        pattern: pattern.clone(),
        kinds: quote!(#(#types),*).to_string(),
        fields: quote! {
            {
                #(::esker_sdk::expansion::AbiEncode::encode(#bindings, &mut encoder);)*
            }
        },
        from: None,
        rest,
        decode: quote! {
            {
                const SELECTOR: u32 = ::esker_sdk::expansion::selector(#solidity, #parameters);
                let found = ::esker_sdk::expansion::decode_error(data, SELECTOR, |decoder| {
                    #unused
                    #(let #bindings = #decoded;)*
                    #pattern
                });
                if found.is_some() {
                    return found;
                }
            }
        },
    })
}

pub fn expand(arguments: &TokenStream, item: Item) -> syn::Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(syn::Error::new(arguments.span(), "#[error] takes no arguments"));
    }
    let mut errors = Errors::default();
    let (item, name, all) = match item {
        Item::Enum(mut item) => {
            no_generics(&item.generics, "an error")?;
            let mut all = Vec::new();
            for variant in &mut item.variants {
                let ident = variant.ident.clone();
                let constructor = quote!(Self::#ident);
                all.extend(errors.keep(parts(&constructor, &ident, &mut variant.attrs, &variant.fields)));
            }
            if item.variants.is_empty() {
                errors.at(item.ident.span(), "an error enum has at least one variant");
            }
            let derives = missing_derives(&item.attrs, &["Clone", "Debug", "PartialEq", "Eq"]);
            (quote!(#derives #item), item.ident, all)
        }
        Item::Struct(mut item) => {
            no_generics(&item.generics, "an error")?;
            let ident = item.ident.clone();
            let own = errors.keep(parts(&quote!(Self), &ident, &mut item.attrs, &item.fields));
            let derives = missing_derives(&item.attrs, &["Clone", "Debug", "PartialEq", "Eq"]);
            (quote!(#derives #item), ident, own.into_iter().collect())
        }
        other => return Err(syn::Error::new(other.span(), "#[error] goes on an enum or a struct")),
    };
    errors.finish()?;
    let items = all.iter().filter_map(|parts| parts.item.as_ref());
    let wrapped: Vec<&Type> = all.iter().filter_map(|parts| parts.wrapped.as_ref()).collect();
    let wrapped_sets = wrapped.iter().map(|ty| quote_spanned!(ty.span()=> <#ty as ::esker_sdk::ContractError>::ERRORS));
    let (heads, rests): (Vec<_>, Vec<_>) = all.iter().map(|parts| (&parts.head, &parts.rest)).unzip();
    let (count, numbers) = (heads.len(), 0..heads.len());
    // Those whose fields have the same types share one arm: they are named alike, `field_0` and so on.
    let mut arms: Vec<(&str, Vec<&TokenStream>, &TokenStream)> = Vec::new();
    for Parts { pattern, kinds, fields, from, .. } in &all {
        match arms.iter_mut().find(|(known, ..)| from.is_none() && *known == kinds) {
            Some((_, patterns, _)) => patterns.push(pattern),
            None => arms.push((if from.is_some() { "another error" } else { kinds }, vec![pattern], fields)),
        }
    }
    let fields = arms.iter().map(|(_, patterns, fields)| quote!(#(#patterns)|* => #fields));
    let decode = all.iter().map(|parts| &parts.decode);
    let conversions = all.iter().filter(|parts| parts.wrapped.is_some()).map(|parts| {
        let (ty, constructor) = (&parts.wrapped, &parts.from);
        quote! {
            #[automatically_derived]
            impl ::core::convert::From<#ty> for #name {
                fn from(inner: #ty) -> Self {
                    #constructor(inner)
                }
            }
        }
    });
    let undocumented = undocumented();
    Ok(quote! {
        #undocumented
        #item

        #[automatically_derived]
        impl ::esker_sdk::ContractError for #name {
            const ERRORS: &'static ::esker_sdk::expansion::ErrorSet = &::esker_sdk::expansion::ErrorSet {
                items: &[#(#items),*],
                wrapped: &[#(#wrapped_sets),*],
            };

            #[allow(unreachable_code, unused_mut, reason = "an error may only wrap others, or have no fields")]
            fn encode(&self) -> ::esker_sdk::expansion::Vec<u8> {
                // A table, one beginning and one end for all variants: that is most of what each would take by itself.
                const HEADS: [(u32, usize); #count] = [#(#heads),*];
                let number: usize = match self {
                    #(#rests => #numbers,)*
                };
                let (selector, size) = HEADS.get(number).copied().unwrap_or_default();
                let mut encoder = ::esker_sdk::expansion::Encoder::with_reversed_selector(selector, size);
                match self {
                    #(#fields)*
                }
                encoder.finish()
            }

            fn decode(data: &[u8]) -> ::core::option::Option<Self> {
                #(#decode)*
                ::core::option::Option::None
            }
        }

        #(#conversions)*
    })
}
