//! The dispatcher: from calldata to methods and back.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use crate::method::{Access, Method, Returned};

/// The constant that holds the `index`-th function's selector.
pub fn selector_constant(index: usize) -> Ident {
    format_ident!("__ESKER_SELECTOR_{index}")
}

/// Decodes the arguments from `data`, calls the method, reverts on its error, and leaves its value in `__value`.
fn invoke(contract: &Ident, method: &Method, arguments: &TokenStream, names: &[Ident]) -> TokenStream {
    let ident = &method.ident;
    let mut parameters: Vec<TokenStream> = method
        .arguments
        .iter()
        .zip(names)
        .map(|(argument, name)| if argument.is_reference { quote!(&#name) } else { quote!(#name) })
        .collect();
    let context = match method.context {
        Access::None => None,
        Access::Shared => Some(quote!(&::esker_sdk::Context::new(&__authority))),
        Access::Mutable => Some(quote!(&mut ::esker_sdk::Context::new(&__authority))),
    };
    if let Some(context) = context {
        parameters.insert(method.context_position, context);
    }
    let (root, receiver) = match method.receiver {
        Access::None => (None, None),
        Access::Shared => (Some(quote!(let __root = #contract::__esker_root(&__authority);)), Some(quote!(&__root))),
        Access::Mutable => {
            (Some(quote!(let mut __root = #contract::__esker_root(&__authority);)), Some(quote!(&mut __root)))
        }
    };
    // Two handles of one type can be swapped in memory. That changes nothing in storage, but looks so to the rest of the
    // call: found in native tests, at no cost on the chain.
    let in_place = (method.receiver == Access::Mutable).then(|| {
        let message = format!(
            "fields of `{contract}` were swapped or replaced in memory, which changes nothing in storage: swap their values, \
             with get and set"
        );
        quote! {
            #[cfg(not(target_arch = "wasm32"))]
            if !::esker_sdk::expansion::StorageType::lies_at(&__root, &::esker_sdk::expansion::Place::ROOT) {
                ::core::panic!(#message)
            }
        }
    });
    let parameters = receiver.into_iter().chain(parameters);
    let path = method.path(contract);
    let call = quote_spanned!(ident.span()=> #path(#(#parameters),*));
    let call = match &method.error {
        None => call,
        Some(error) => {
            let revert = quote_spanned!(error.span()=> <#error as ::esker_sdk::ContractError>::revert(&error));
            quote! {
                match #call {
                    ::core::result::Result::Ok(value) => value,
                    ::core::result::Result::Err(error) => #revert,
                }
            }
        }
    };
    quote! {
        #arguments
        #root
        #[allow(clippy::let_unit_value, reason = "a method may return nothing")]
        let __value = #call;
        #in_place
    }
}

/// Decodes the arguments from `__decoder`.
fn decode(method: &Method) -> (TokenStream, Vec<Ident>) {
    let names: Vec<Ident> = (0..method.arguments.len()).map(|index| format_ident!("__argument_{index}")).collect();
    if names.is_empty() {
        return (TokenStream::new(), names);
    }
    let decoded = method.arguments.iter().map(|argument| {
        let owned = &argument.owned;
        quote_spanned!(argument.ty.span()=> <#owned as ::esker_sdk::expansion::AbiType>::decode(&mut __decoder))
    });
    let size = method.arguments_size();
    let shapes = method.arguments.iter().map(|argument| {
        let owned = &argument.owned;
        quote_spanned!(argument.ty.span()=> <#owned as ::esker_sdk::expansion::AbiType>::SHAPE.is_dynamic())
    });
    let is_dynamic = quote!(false #(|| #shapes)*);
    let tokens = quote! {
        // Without a dynamic argument there is one kind of fault: whether the heads are all there shows in reading them.
        if const { #is_dynamic } {
            __decoder.expect(const { #size });
        }
        #(let #names = #decoded;)*
        __decoder.revert_on_fault();
    };
    (tokens, names)
}

fn guards(method: &Method, check_payment: bool) -> TokenStream {
    let payment = (check_payment && !method.payable).then(|| quote!(::esker_sdk::expansion::guard_payment();));
    let reentrancy = method.is_guarded().then(|| quote!(::esker_sdk::expansion::guard_reentrancy();));
    quote!(#payment #reentrancy)
}

fn function(contract: &Ident, method: &Method, check_payment: bool) -> TokenStream {
    let guards = guards(method, check_payment);
    let (arguments, names) = decode(method);
    let invoke = invoke(contract, method, &arguments, &names);
    let output = method.output();
    let encode = match &method.returned {
        Returned::Nothing => quote!(),
        Returned::One(ty) | Returned::Several(ty) => quote_spanned! {ty.span()=>
            __encoder.reserve(const { ::esker_sdk::expansion::output_size::<#output>() });
            <#output as ::esker_sdk::expansion::Output>::encode(&__value, &mut __encoder);
        },
    };
    quote!({ #guards #invoke #encode ::esker_sdk::expansion::done(__encoder) })
}

fn fallback(contract: &Ident, method: &Method, check_payment: bool) -> TokenStream {
    let guards = guards(method, check_payment);
    let names = [format_ident!("__input")];
    // The fallback takes the whole input, undecoded.
    let owned = quote!(let __input = ::esker_sdk::Bytes(__input););
    let invoke = invoke(contract, method, &owned, &names);
    let output = match &method.returned {
        Returned::Nothing => quote!(::esker_sdk::expansion::Vec::new()),
        Returned::One(_) | Returned::Several(_) => quote!(__value.0),
    };
    quote!({ #guards #invoke #output })
}

/// The body of the entry point `call`.
pub fn call(
    contract: &Ident,
    functions: &[Method],
    fallback_method: Option<&Method>,
    receive: Option<&Method>,
) -> TokenStream {
    // When nothing takes value, one check in front serves all.
    let none_payable = functions.iter().chain(fallback_method).chain(receive).all(|method| !method.payable);
    let check_first = none_payable.then(|| quote!(::esker_sdk::expansion::guard_payment();));
    let arms = functions.iter().enumerate().map(|(index, method)| {
        let (selector, body) = (selector_constant(index), function(contract, method, !none_payable));
        let reversed = format_ident!("__REVERSED_{index}");
        let cfgs = &method.cfgs;
        (
            quote!(#(#cfgs)* const #reversed: u32 = #selector.swap_bytes();),
            quote!(#(#cfgs)* ::core::option::Option::Some(#reversed) => #body),
        )
    });
    let (constants, arms): (Vec<TokenStream>, Vec<TokenStream>) = arms.unzip();
    let otherwise = match fallback_method {
        Some(method) => {
            let body = fallback(contract, method, !none_payable);
            quote!(::esker_sdk::expansion::finish(#body),)
        }
        None => quote!(::esker_sdk::expansion::empty_revert(),),
    };
    let receive = receive.map(|method| {
        let guards = guards(method, false);
        let invoke = invoke(contract, method, &TokenStream::new(), &[]);
        quote! {
            if __input.is_empty() {
                #guards
                #invoke
                return ::esker_sdk::expansion::finish(::esker_sdk::expansion::Vec::new());
            }
        }
    });
    quote! {
        #(#constants)*
        #[allow(unused_variables, reason = "no method may touch state")]
        let __authority = ::esker_sdk::expansion::authority();
        let __input = ::esker_sdk::expansion::input();
        #check_first
        #receive
        // One decoder and one encoder serve all functions: that keeps each one's code short.
        #[allow(unused_mut, reason = "no function may have arguments or results")]
        let (__selector, mut __decoder) = ::esker_sdk::expansion::Decoder::with_reversed_selector(&__input);
        #[allow(unused_mut, reason = "no function may have arguments or results")]
        let mut __encoder = ::esker_sdk::expansion::Encoder::empty();
        match __selector {
            #(#arms)*
            _ => #otherwise
        }
    }
}

/// The body of the entry point `deploy`.
pub fn deploy(contract: &Ident, constructor: Option<&Method>) -> TokenStream {
    let Some(method) = constructor else {
        return quote! {
            ::esker_sdk::expansion::guard_payment();
            ::esker_sdk::expansion::finish(::esker_sdk::expansion::Vec::new())
        };
    };
    let guards = guards(method, true);
    let (arguments, names) = decode(method);
    let input = (!names.is_empty()).then(|| {
        quote! {
            let __input = ::esker_sdk::expansion::input();
            let mut __decoder = ::esker_sdk::expansion::Decoder::new(&__input);
        }
    });
    let invoke = invoke(contract, method, &arguments, &names);
    quote! {
        #[allow(unused_variables, reason = "a constructor may ignore its storage and context")]
        let __authority = ::esker_sdk::expansion::authority();
        #guards
        #input
        #invoke
        ::esker_sdk::expansion::finish(::esker_sdk::expansion::Vec::new())
    }
}
