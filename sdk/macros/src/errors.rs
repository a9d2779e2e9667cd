//! `#[error]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Fields, Ident, Item, Type, spanned::Spanned};

use crate::{
    attributes::{Errors, cfgs, doc_text, missing_derives, no_generics, take_flag, take_name, undocumented},
    method::last_segment,
    names::{camel_case, plain},
};

pub fn expand_attribute(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    expand(&arguments, syn::parse2(item)?)
}

/// The tokens that one variant (or the struct) contributes.
struct Parts {
    cfgs: Vec<Attribute>,
    item: Option<TokenStream>,
    wrapped: Option<Type>,
    /// `From` of what it wraps.
    conversion: Option<TokenStream>,
    /// Its selector, reversed, and the size of its fields' heads; nothing for a wrapped error.
    head: TokenStream,
    /// The pattern that any value of it matches.
    rest: TokenStream,
    /// The pattern that binds its fields, and their types in words.
    pattern: TokenStream,
    kinds: String,
    /// Its fields, written to `encoder`, or another type's encoding.
    fields: TokenStream,
    decode: TokenStream,
}

impl Parts {
    /// Whether this is a variant `#[from] Name(CallError)`.
    fn is_call_error(&self) -> bool {
        self.wrapped.as_ref().and_then(last_segment).is_some_and(|segment| segment.ident == "CallError")
    }
}

fn parts(
    name: &Ident,
    constructor: &TokenStream,
    ident: &Ident,
    attributes: &mut Vec<Attribute>,
    fields: &Fields,
) -> syn::Result<Parts> {
    let solidity = take_name(attributes)?.unwrap_or_else(|| plain(ident));
    let (cfgs, docs) = (cfgs(attributes), doc_text(attributes));
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
            conversion: Some(quote! {
                #(#cfgs)*
                #[automatically_derived]
                impl ::core::convert::From<#ty> for #name {
                    fn from(inner: #ty) -> Self {
                        #constructor(inner)
                    }
                }
            }),
            head: quote!((0, 0)),
            pattern: quote!(#constructor(inner)),
            kinds: String::new(),
            fields: quote!(return #error::encode(inner),),
            decode: quote! {
                #(#cfgs)*
                if let ::core::option::Option::Some(inner) = #error::decode(data) {
                    return ::core::option::Option::Some(#constructor(inner));
                }
            },
            rest: quote!(#constructor(..)),
            wrapped: Some(ty),
            cfgs,
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
        item: Some(
            quote!(#(#cfgs)* ::esker_sdk::expansion::ErrorItem { name: #solidity, fields: #parameters, docs: #docs }),
        ),
        wrapped: None,
        conversion: None,
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
        rest,
        decode: quote! {
            #(#cfgs)*
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
        cfgs,
    })
}

pub fn expand(arguments: &TokenStream, item: Item) -> syn::Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(syn::Error::new(arguments.span(), "#[error] takes no arguments"));
    }
    let mut errors = Errors::default();
    let (item, name, conditions, mut all) = match item {
        Item::Enum(mut item) => {
            no_generics(&item.generics, "an error")?;
            let mut all = Vec::new();
            for variant in &mut item.variants {
                let ident = variant.ident.clone();
                let constructor = quote!(Self::#ident);
                all.extend(errors.keep(parts(&item.ident, &constructor, &ident, &mut variant.attrs, &variant.fields)));
            }
            if item.variants.is_empty() {
                errors.at(item.ident.span(), "an error enum has at least one variant");
            }
            let derives = missing_derives(&item.attrs, &["Clone", "Debug", "PartialEq", "Eq"]);
            (quote!(#derives #item), item.ident, cfgs(&item.attrs), all)
        }
        Item::Struct(mut item) => {
            no_generics(&item.generics, "an error")?;
            let ident = item.ident.clone();
            let own = errors.keep(parts(&ident, &quote!(Self), &ident, &mut item.attrs, &item.fields));
            let derives = missing_derives(&item.attrs, &["Clone", "Debug", "PartialEq", "Eq"]);
            (quote!(#derives #item), ident, cfgs(&item.attrs), own.into_iter().collect::<Vec<_>>())
        }
        other => return Err(syn::Error::new(other.span(), "#[error] goes on an enum or a struct")),
    };
    errors.finish()?;
    // Whatever data a call failed with is a `CallError`: what has a selector of its own is tried first.
    all.sort_by_key(Parts::is_call_error);
    let items = all.iter().filter_map(|parts| parts.item.as_ref());
    let wrapped_sets = all.iter().filter_map(|parts| {
        let (ty, cfgs) = (parts.wrapped.as_ref()?, &parts.cfgs);
        Some(quote_spanned!(ty.span()=> #(#cfgs)* <#ty as ::esker_sdk::ContractError>::ERRORS))
    });
    let heads = heads(&all);
    // Those whose fields have the same types share one arm: they are named alike, `field_0` and so on. A condition
    // stands on a whole arm, so what has one has an arm of its own.
    let mut arms: Vec<(Option<&str>, Vec<&TokenStream>, &Parts)> = Vec::new();
    for parts in &all {
        let kinds = (parts.wrapped.is_none() && parts.cfgs.is_empty()).then_some(parts.kinds.as_str());
        match arms.iter_mut().find(|(known, ..)| kinds.is_some() && *known == kinds) {
            Some((_, patterns, _)) => patterns.push(&parts.pattern),
            None => arms.push((kinds, vec![&parts.pattern], parts)),
        }
    }
    let fields =
        arms.iter().map(|(_, patterns, Parts { cfgs, fields, .. })| quote!(#(#cfgs)* #(#patterns)|* => #fields));
    let decode = all.iter().map(|parts| &parts.decode);
    let conversions = all.iter().filter_map(|parts| {
        let conversion = parts.conversion.as_ref()?;
        Some(quote!(#(#conditions)* #conversion))
    });
    let bubbling = (!all.iter().any(Parts::is_call_error)).then(|| {
        quote! {
            /// Reverts with the callee's revert data: so `?` passes on what a call failed with.
            #(#conditions)*
            #[automatically_derived]
            impl ::core::convert::From<::esker_sdk::CallError> for #name {
                fn from(error: ::esker_sdk::CallError) -> Self {
                    error.raise()
                }
            }
        }
    });
    let undocumented = undocumented();
    Ok(quote! {
        #undocumented
        #item

        #(#conditions)*
        #[automatically_derived]
        impl ::esker_sdk::ContractError for #name {
            const ERRORS: &'static ::esker_sdk::expansion::ErrorSet = &::esker_sdk::expansion::ErrorSet {
                items: &[#(#items),*],
                wrapped: &[#(#wrapped_sets),*],
            };

            #[allow(unreachable_code, unused_mut, reason = "an error may only wrap others, or have no fields")]
            fn encode(&self) -> ::esker_sdk::expansion::Vec<u8> {
                // One beginning and one end for all variants: that is most of what each would take by itself.
                let (selector, size) = #heads;
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
        #bubbling
    })
}

/// The selector, reversed, and the heads' size of `self`, as an expression: from a table, unless a variant may not be there.
fn heads(all: &[Parts]) -> TokenStream {
    let (heads, rests): (Vec<_>, Vec<_>) = all.iter().map(|parts| (&parts.head, &parts.rest)).unzip();
    if all.iter().any(|parts| !parts.cfgs.is_empty()) {
        let cfgs = all.iter().map(|parts| &parts.cfgs);
        let arms = cfgs.zip(heads).zip(rests).map(|((cfgs, head), rest)| quote!(#(#cfgs)* #rest => const { #head }));
        return quote!(match self { #(#arms,)* });
    }
    let (count, numbers) = (heads.len(), 0..heads.len());
    quote! {{
        const HEADS: [(u32, usize); #count] = [#(#heads),*];
        let number: usize = match self {
            #(#rests => #numbers,)*
        };
        HEADS.get(number).copied().unwrap_or_default()
    }}
}
