//! Typed handles: one method of the handle per method of the contract, returning an encoded call.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, Ident, Type, Visibility, spanned::Spanned};

use crate::method::{Access, Method, Returned};

const PRIMITIVES: [&str; 11] = ["u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "bool"];

/// An argument's type in the handle: whatever converts to it, except where that would leave a literal's type open.
fn parameter_type(ty: &Type) -> TokenStream {
    match ty {
        Type::Path(path) if !PRIMITIVES.iter().any(|primitive| path.path.is_ident(primitive)) => {
            quote!(impl ::core::convert::Into<#ty>)
        }
        _ => quote!(#ty),
    }
}

fn is_converted(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if !PRIMITIVES.iter().any(|primitive| path.path.is_ident(primitive)))
}

/// The parameters of an encoder, and the statements that write them to `encoder`.
fn encoded(method: &Method) -> (Vec<TokenStream>, Vec<TokenStream>) {
    let parameters = method.arguments.iter().map(|argument| {
        let (ident, ty) = (&argument.ident, parameter_type(&argument.ty));
        quote!(#ident: #ty)
    });
    let statements = method.arguments.iter().map(|argument| {
        let (ident, owned, span) = (&argument.ident, &argument.owned, argument.ty.span());
        // With the type's span, so that what is wrong with it is reported there.
        let encode = quote_spanned!(span=> ::esker_sdk::expansion::AbiEncode::encode);
        if is_converted(&argument.ty) {
            quote_spanned! {span=>
                let __value: #owned = ::core::convert::Into::into(#ident);
                #encode(&__value, &mut __encoder);
            }
        } else {
            let reference = (!argument.is_reference).then(|| quote!(&));
            quote_spanned!(span=> #encode(#reference #ident, &mut __encoder);)
        }
    });
    (parameters.collect(), statements.collect())
}

fn method(method: &Method) -> TokenStream {
    let (ident, docs, solidity) = (&method.ident, &method.docs, &method.solidity);
    let (parameters, statements) = encoded(method);
    let (inputs, output, size) = (method.parameters(), method.output(), method.arguments_size());
    let marker = match (method.payable, method.receiver) {
        (true, _) => quote!(Payable),
        (false, Access::Mutable) => quote!(Write),
        (false, _) => quote!(View),
    };
    let fallback_doc = method.docs.is_empty().then(|| {
        let text = format!("A call of `{solidity}`.");
        quote!(#[doc = #text])
    });
    let returned = match &method.returned {
        Returned::One(ty) | Returned::Several(ty) => ty.span(),
        Returned::Nothing => ident.span(),
    };
    let call = quote_spanned!(returned=> ::esker_sdk::MethodCall::new(self.address, __encoder.finish()));
    quote! {
        #(#docs)*
        #fallback_doc
        pub fn #ident(&self, #(#parameters),*) -> ::esker_sdk::MethodCall<::esker_sdk::#marker, #output> {
            const SELECTOR: [u8; 4] = ::esker_sdk::expansion::selector(#solidity, #inputs).to_be_bytes();
            #[allow(unused_mut, reason = "a method may have no arguments")]
            let mut __encoder = ::esker_sdk::expansion::Encoder::new(&SELECTOR, const { #size });
            #(#statements)*
            #call
        }
    }
}

/// A contract's `constructor` encoder.
pub fn constructor(contract: &Ident, method: Option<&Method>) -> TokenStream {
    let (parameters, statements) = method.map(encoded).unwrap_or_default();
    let size = method.map_or(quote!(0), Method::arguments_size);
    quote! {
        /// The constructor with its arguments, ready to be deployed.
        pub fn constructor(#(#parameters),*) -> ::esker_sdk::Deployment<#contract> {
            #[allow(unused_mut, reason = "a constructor may have no arguments")]
            let mut __encoder = ::esker_sdk::expansion::Encoder::new(&[], const { #size });
            #(#statements)*
            ::esker_sdk::Deployment::new(__encoder.finish())
        }
    }
}

/// The handle's struct with a method per function, and `extra` in its `impl`.
pub fn expand(
    docs: &[Attribute],
    visibility: &Visibility,
    name: &Ident,
    methods: &[&Method],
    extra: &TokenStream,
) -> TokenStream {
    let methods = methods.iter().map(|one| method(one));
    quote! {
        #(#docs)*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #visibility struct #name {
            address: ::esker_sdk::Address,
        }

        #[automatically_derived]
        #[allow(
            clippy::too_many_arguments,
            clippy::wrong_self_convention,
            clippy::should_implement_trait,
            dead_code,
            reason = "the contract chooses its methods' names and arguments"
        )]
        impl #name {
            /// The contract at an address. Nothing is checked.
            #[must_use]
            pub const fn at(address: ::esker_sdk::Address) -> Self {
                Self { address }
            }

            /// The contract's address.
            #[must_use]
            pub const fn address(&self) -> ::esker_sdk::Address {
                self.address
            }

            #extra

            #(#methods)*
        }

        #[automatically_derived]
        impl ::core::convert::From<::esker_sdk::Address> for #name {
            fn from(address: ::esker_sdk::Address) -> Self {
                Self::at(address)
            }
        }

        #[automatically_derived]
        impl ::core::convert::From<#name> for ::esker_sdk::Address {
            fn from(handle: #name) -> Self {
                handle.address
            }
        }
    }
}
