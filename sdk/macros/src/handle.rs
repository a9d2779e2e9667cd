//! Typed handles: one method of the handle per method of the contract, returning an encoded call.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Ident, Type, Visibility, spanned::Spanned};

use crate::{
    component_parts::Handles,
    dispatch::selector_constant,
    method::{Access, Method, Returned},
    names::plain,
    owner::Owner,
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

/// A method: `value` is the expression of its selector, `target` of whom to call, `check` stands in front.
fn method(
    index: usize,
    method: &Method,
    value: &TokenStream,
    target: &TokenStream,
    check: &TokenStream,
) -> TokenStream {
    let (ident, docs, cfgs, solidity) = (&method.ident, &method.docs, &method.cfgs, &method.solidity);
    let selector = selector_constant(index);
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
        Returned::One(ty) | Returned::Several(ty) | Returned::Text(ty) => ty.span(),
        Returned::Nothing => ident.span(),
    };
    let call = quote_spanned!(returned=> ::esker_sdk::MethodCall::new(#target, __encoder.finish()));
    quote! {
        // The one place where the compiler hashes the signature.
        #(#cfgs)*
        #[doc(hidden)]
        pub const #selector: u32 = #value;

        #(#docs)*
        #fallback_doc
        #(#cfgs)*
        pub fn #ident(&self, #(#parameters),*) -> ::esker_sdk::MethodCall<::esker_sdk::#marker, #output> {
            #check
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

/// The handle's struct with a method per function, and `extra` in its `impl`. `parts` are the handles that it gives by
/// `Deref` and as fields, if there are any.
pub fn expand(
    docs: &[Attribute],
    visibility: &Visibility,
    name: &Ident,
    methods: &[&Method],
    extra: &TokenStream,
    parts: Option<&Handles>,
) -> TokenStream {
    // The contract's methods come first: where one takes a name of the handle's own, `From` does the same.
    let is_free = |name: &str| methods.iter().all(|method| method.ident != name);
    let constness = parts.is_none().then(|| quote!(const));
    let (field, made, target) = match parts {
        None => (quote!(address: ::esker_sdk::Address), quote!(Self { address }), quote!(self.address)),
        Some(Handles { row, .. }) => {
            let (fields, made) = (Handles::declared(parts), Handles::made(parts));
            (
                quote!(#fields __row: #row),
                quote!(Self { #made __row: ::core::convert::From::from(address) }),
                quote!(::esker_sdk::expansion::PartHandle::target(&self.__row)),
            )
        }
    };
    let at = is_free("at").then(|| {
        quote! {
            /// The contract at an address. Nothing is checked.
            #[must_use]
            pub #constness fn at(address: ::esker_sdk::Address) -> Self {
                #made
            }
        }
    });
    let address = is_free("address").then(|| {
        quote! {
            /// The contract's address.
            #[must_use]
            pub #constness fn address(&self) -> ::esker_sdk::Address {
                #target
            }
        }
    });
    let methods =
        methods.iter().enumerate().map(|(index, one)| method(index, one, &one.selector(), &target, &quote!()));
    let deref = parts.map(|Handles { row, .. }| {
        quote! {
            /// The methods of the components that the contract exposes.
            #[automatically_derived]
            impl ::core::ops::Deref for #name {
                type Target = #row;
                fn deref(&self) -> &#row {
                    &self.__row
                }
            }
        }
    });
    let target =
        parts.map_or(quote!(handle.address), |_| quote!(::esker_sdk::expansion::PartHandle::target(&handle.__row)));
    let own_target =
        parts.map_or(quote!(self.address), |_| quote!(::esker_sdk::expansion::PartHandle::target(&self.__row)));
    quote! {
        #(#docs)*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #visibility struct #name {
            #field,
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

        #deref

        #[automatically_derived]
        impl ::core::convert::From<::esker_sdk::Address> for #name {
            fn from(address: ::esker_sdk::Address) -> Self {
                #made
            }
        }

        #[automatically_derived]
        impl ::core::convert::From<#name> for ::esker_sdk::Address {
            fn from(handle: #name) -> Self {
                #target
            }
        }

        #[automatically_derived]
        impl ::esker_sdk::Operand<::esker_sdk::Address> for #name {
            fn operand(self) -> ::esker_sdk::Address {
                #own_target
            }
        }
    }
}

/// A component's handle: the exposed ones of its methods, with the handles of its own parts and of what stands behind it
/// in the contract by `Deref`.
pub fn component(owner: &Owner, methods: &[Method], parts: Option<&Handles>) -> TokenStream {
    let (visibility, unit, title) = (&owner.visibility, owner.unit(), plain(&owner.name));
    let name = format_ident!("{title}Handle", span = owner.name.span());
    let (declared, arguments, types, predicates) =
        (owner.declared(), owner.arguments(), owner.types(), owner.predicates());
    let end = quote!(__N);
    let next = parts.map_or(&end, |parts| &parts.row);
    let (fields, made, defaulted) = (Handles::declared(parts), Handles::made(parts), owner.defaulted());
    let doc = format!(
        "Calls a contract that exposes the component `{title}`, typed: `{title}Handle::at(address).method(…).call(cx)`."
    );
    let target = quote!(::esker_sdk::expansion::PartHandle::target(&self.__next));
    // The component's methods come first: where one takes a name of the handle's own, `From` does the same.
    let is_free = |name: &str| methods.iter().all(|method| method.ident != name);
    let address = is_free("address").then(|| {
        quote! {
            /// The contract's address.
            #[must_use]
            pub fn address(&self) -> ::esker_sdk::Address {
                #target
            }
        }
    });
    let at = is_free("at").then(|| {
        quote! {
            /// The contract at an address. Nothing is checked.
            #[must_use]
            pub fn at(address: ::esker_sdk::Address) -> Self {
                ::core::convert::From::from(address)
            }
        }
    });
    let methods = methods.iter().enumerate().map(|(index, one)| {
        let (selector, called) = (selector_constant(index), plain(&one.ident));
        let check = quote! {
            const {
                ::esker_sdk::expansion::assert_in_handle(
                    &<__A as ::esker_sdk::expansion::Exposes>::WAY,
                    #called,
                    Self::#selector,
                )
            }
        };
        method(index, one, &quote!(<#unit>::#selector), &target, &check)
    });
    let introduced = quote!(<#declared __A: ::esker_sdk::expansion::Exposes, __N: ::esker_sdk::expansion::PartHandle>);
    let this = quote!(#name<#arguments __A, __N>);
    let bounds = quote!(where #predicates);
    quote! {
        #[doc = #doc]
        #visibility struct #name<
            #defaulted
            __A: ::esker_sdk::expansion::Exposes = ::esker_sdk::expansion::Everything,
            __N: ::esker_sdk::expansion::PartHandle = ::esker_sdk::expansion::End,
        > #bounds {
            #fields
            __next: #next,
            __exposed: ::core::marker::PhantomData<(#types, __A, __N)>,
        }

        #[automatically_derived]
        impl<#declared> #name<#arguments ::esker_sdk::expansion::Everything, ::esker_sdk::expansion::End> #bounds {
            #at
        }

        #[automatically_derived]
        #[allow(
            clippy::too_many_arguments,
            clippy::wrong_self_convention,
            clippy::should_implement_trait,
            dead_code,
            reason = "the component chooses its methods' names and arguments"
        )]
        impl #introduced #this #bounds {
            #address

            #(#methods)*
        }

        #[automatically_derived]
        impl #introduced ::core::clone::Clone for #this #bounds {
            fn clone(&self) -> Self {
                *self
            }
        }

        #[automatically_derived]
        impl #introduced ::core::marker::Copy for #this #bounds {}

        #[automatically_derived]
        impl #introduced ::core::fmt::Debug for #this #bounds {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                formatter.debug_tuple(#title).field(&self.__next).finish()
            }
        }

        #[automatically_derived]
        impl #introduced ::core::cmp::PartialEq for #this #bounds {
            fn eq(&self, other: &Self) -> bool {
                self.__next == other.__next
            }
        }

        #[automatically_derived]
        impl #introduced ::core::cmp::Eq for #this #bounds {}

        #[automatically_derived]
        impl #introduced ::core::convert::From<::esker_sdk::Address> for #this #bounds {
            fn from(address: ::esker_sdk::Address) -> Self {
                Self { #made __next: ::core::convert::From::from(address), __exposed: ::core::marker::PhantomData }
            }
        }

        #[automatically_derived]
        impl #introduced ::core::convert::From<#this> for ::esker_sdk::Address #bounds {
            fn from(handle: #this) -> Self {
                ::esker_sdk::expansion::PartHandle::target(&handle)
            }
        }

        #[automatically_derived]
        impl #introduced ::esker_sdk::Operand<::esker_sdk::Address> for #this #bounds {
            fn operand(self) -> ::esker_sdk::Address {
                ::esker_sdk::expansion::PartHandle::target(&self)
            }
        }

        #[automatically_derived]
        impl #introduced ::esker_sdk::expansion::PartHandle for #this #bounds {
            fn target(&self) -> ::esker_sdk::Address {
                #target
            }
        }

        #[automatically_derived]
        impl #introduced ::core::ops::Deref for #this #bounds {
            type Target = #next;
            fn deref(&self) -> &#next {
                &self.__next
            }
        }
    }
}
