//! Typed handles: one method of the handle per method of the contract, returning an encoded call.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, Ident, Type, Visibility, spanned::Spanned};

use crate::{
    dispatch::selector_constant,
    method::{Access, Method, Returned},
};

const PRIMITIVES: [&str; 11] = ["u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "bool"];

/// An argument's type in the handle: whatever stands for it.
fn parameter_type(ty: &Type) -> TokenStream {
    if is_converted(ty) { quote!(impl ::esker_sdk::Operand<#ty>) } else { quote!(#ty) }
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
                let __value: #owned = ::esker_sdk::Operand::operand(#ident);
                #encode(&__value, &mut __encoder);
            }
        } else {
            let reference = (!argument.is_reference).then(|| quote!(&));
            quote_spanned!(span=> #encode(#reference #ident, &mut __encoder);)
        }
    });
    (parameters.collect(), statements.collect())
}

fn method(index: usize, method: &Method) -> TokenStream {
    let (ident, docs, cfgs, solidity) = (&method.ident, &method.docs, &method.cfgs, &method.solidity);
    let (selector, value) = (selector_constant(index), method.selector());
    let (parameters, statements) = encoded(method);
    let (output, size) = (method.output(), method.arguments_size());
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
        // The one place where the compiler hashes the signature.
        #(#cfgs)*
        #[doc(hidden)]
        pub const #selector: u32 = #value;

        #(#docs)*
        #fallback_doc
        #(#cfgs)*
        pub fn #ident(&self, #(#parameters),*) -> ::esker_sdk::MethodCall<::esker_sdk::#marker, #output> {
            #[allow(unused_mut, reason = "a method may have no arguments")]
            let mut __encoder =
                ::esker_sdk::expansion::Encoder::new(&Self::#selector.to_be_bytes(), const { #size });
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
    // The contract's methods come first: where one takes a name of the handle's own, `From` does the same.
    let is_free = |name: &str| methods.iter().all(|method| method.ident != name);
    let at = is_free("at").then(|| {
        quote! {
            /// The contract at an address. Nothing is checked.
            #[must_use]
            pub const fn at(address: ::esker_sdk::Address) -> Self {
                Self { address }
            }
        }
    });
    let address = is_free("address").then(|| {
        quote! {
            /// The contract's address.
            #[must_use]
            pub const fn address(&self) -> ::esker_sdk::Address {
                self.address
            }
        }
    });
    let methods = methods.iter().enumerate().map(|(index, one)| method(index, one));
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
            #at

            #address

            #extra

            #(#methods)*
        }

        #[automatically_derived]
        impl ::core::convert::From<::esker_sdk::Address> for #name {
            fn from(address: ::esker_sdk::Address) -> Self {
                Self { address }
            }
        }

        #[automatically_derived]
        impl ::core::convert::From<#name> for ::esker_sdk::Address {
            fn from(handle: #name) -> Self {
                handle.address
            }
        }

        #[automatically_derived]
        impl ::esker_sdk::Operand<::esker_sdk::Address> for #name {
            fn operand(self) -> ::esker_sdk::Address {
                self.address
            }
        }
    }
}
