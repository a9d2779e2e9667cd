//! The dispatcher: from calldata to methods and back.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use crate::{
    component_parts::PartField,
    contract::Found,
    method::{Access, Method, Returned},
    names::plain,
    owner::Owner,
};

/// The constant that holds the `index`-th function's selector.
pub fn selector_constant(index: usize) -> Ident {
    format_ident!("__ESKER_SELECTOR_{index}")
}

/// Where a dispatcher stands: what its methods run on, and what the code around it calls things.
pub struct Site {
    /// The type that has the methods.
    pub this: TokenStream,
    /// Opens the contract's storage, for `__root`; nothing where it is open.
    pub root: Option<TokenStream>,
    /// What a method's `&self` and `&mut self` are.
    pub shared: TokenStream,
    pub mutable: TokenStream,
    /// What a native run checks behind a method.
    pub check: TokenStream,
    pub authority: TokenStream,
    pub decoder: TokenStream,
}

impl Site {
    /// The contract's own, in an entry point.
    fn contract(owner: &Owner) -> Self {
        let (this, open) = (owner.this(), owner.open());
        Self {
            this,
            root: Some(open),
            shared: quote!(&__root),
            mutable: quote!(&mut __root),
            check: owner.check(&quote!(&__root)),
            authority: quote!(&__authority),
            decoder: quote!(&mut __decoder),
        }
    }

    /// The contract's own, where storage, decoder and encoder are given.
    fn answer(owner: &Owner) -> Self {
        Self {
            this: owner.this(),
            root: None,
            shared: quote!(__root),
            mutable: quote!(__root),
            check: owner.check(&quote!(__root)),
            authority: quote!(&__authority),
            decoder: quote!(__decoder),
        }
    }

    /// A component's, somewhere in a contract.
    fn component(owner: &Owner) -> Self {
        Self {
            this: owner.this(),
            root: None,
            shared: quote!(__A::part(__root)),
            mutable: quote!(__A::part_mut(__root)),
            check: quote!(__A::check(__root);),
            authority: quote!(__authority),
            decoder: quote!(__decoder),
        }
    }
}

/// Whether coins are refused in front of all methods: always, never, or as this constant says.
#[derive(Clone)]
pub enum Refused {
    Before,
    Here,
    As(TokenStream),
}

/// Decodes the arguments from `data`, calls the method, reverts on its error, and leaves its value in `__value`.
fn invoke(site: &Site, method: &Method, arguments: &TokenStream, names: &[Ident]) -> TokenStream {
    let ident = &method.ident;
    let Site { this, root, shared, mutable, check, authority, .. } = site;
    let mut parameters: Vec<TokenStream> = method
        .arguments
        .iter()
        .zip(names)
        .map(|(argument, name)| if argument.is_reference { quote!(&#name) } else { quote!(#name) })
        .collect();
    let context = match method.context {
        Access::None => None,
        Access::Shared => Some(quote!(&::esker_sdk::Context::new(#authority))),
        Access::Mutable => Some(quote!(&mut ::esker_sdk::Context::new(#authority))),
    };
    if let Some(context) = context {
        parameters.insert(method.context_position, context);
    }
    let (root, receiver) = match method.receiver {
        Access::None => (None, None),
        Access::Shared => (root.as_ref().map(|root| quote!(let __root = #root;)), Some(shared)),
        Access::Mutable => (root.as_ref().map(|root| quote!(let mut __root = #root;)), Some(mutable)),
    };
    // Two handles of one type can be swapped in memory. That changes nothing in storage, but looks so to the rest of the
    // call: found in native tests, at no cost on the chain.
    let in_place = (method.receiver == Access::Mutable).then(|| quote!(#[cfg(not(target_arch = "wasm32"))] { #check }));
    let parameters = receiver.into_iter().cloned().chain(parameters);
    let path = method.path(this);
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
fn decode(site: &Site, method: &Method) -> (TokenStream, Vec<Ident>) {
    let names: Vec<Ident> = (0..method.arguments.len()).map(|index| format_ident!("__argument_{index}")).collect();
    if names.is_empty() {
        return (TokenStream::new(), names);
    }
    let decoder = &site.decoder;
    let decoded = method.arguments.iter().map(|argument| {
        let owned = &argument.owned;
        quote_spanned!(argument.ty.span()=> <#owned as ::esker_sdk::expansion::AbiType>::decode(#decoder))
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

fn guards(method: &Method, refused: &Refused) -> TokenStream {
    let payment = (!method.payable).then(|| match refused {
        Refused::Before => quote!(),
        Refused::Here => quote!(::esker_sdk::expansion::guard_payment();),
        Refused::As(before) => quote!(if !#before { ::esker_sdk::expansion::guard_payment(); }),
    });
    let reentrancy = method.is_guarded().then(|| quote!(::esker_sdk::expansion::guard_reentrancy();));
    quote!(#payment #reentrancy)
}

/// What runs a method and leaves its results in the encoder.
fn function(site: &Site, method: &Method, refused: &Refused) -> TokenStream {
    let guards = guards(method, refused);
    let (arguments, names) = decode(site, method);
    let invoke = invoke(site, method, &arguments, &names);
    let output = method.output();
    let encode = match &method.returned {
        Returned::Nothing => quote!(),
        Returned::Text(ty) => quote_spanned!(ty.span()=> __encoder.bytes(__value.as_bytes());),
        Returned::One(ty) | Returned::Several(ty) => quote_spanned! {ty.span()=>
            if const { ::esker_sdk::expansion::reserved_size::<#output>() > 0 } {
                __encoder.reserve(const { ::esker_sdk::expansion::reserved_size::<#output>() });
            }
            <#output as ::esker_sdk::expansion::Output>::encode(&__value, __encoder);
        },
    };
    quote!(#guards #invoke #encode)
}

fn fallback(site: &Site, method: &Method, refused: &Refused) -> TokenStream {
    let guards = guards(method, refused);
    let names = [format_ident!("__input")];
    // The fallback takes the whole input, undecoded.
    let owned = quote!(let __input = ::esker_sdk::Bytes(__input););
    let invoke = invoke(site, method, &owned, &names);
    let output = match &method.returned {
        Returned::Nothing => quote!(::esker_sdk::expansion::Vec::new()),
        Returned::One(_) | Returned::Several(_) => quote!(__value.0),
        // Refused where the method was read.
        Returned::Text(_) => quote!(::esker_sdk::expansion::Vec::new()),
    };
    quote!({ #guards #invoke #output })
}

/// Whether the contract itself has nothing that takes value.
pub fn none_payable(found: &Found) -> bool {
    found.functions.iter().chain(&found.fallback).chain(&found.receive).all(|method| !method.payable)
}

/// Whether any function has a receiver, or may have one.
fn opens_storage(found: &Found) -> bool {
    found.functions.iter().any(|method| method.receiver != Access::None)
        || found.parts.iter().any(PartField::is_exposed)
}

/// The function that runs the method with `__selector`, if there is one. Storage, decoder and encoder come as parameters: a
/// parameter's address takes two bytes of code wherever it is used, and that of a variable of the frame up to six.
fn answer(found: &Found, owner: &Owner, refused: &Refused) -> TokenStream {
    let site = Site::answer(owner);
    let arms = found.functions.iter().enumerate().map(|(index, method)| {
        let (selector, body) = (selector_constant(index), function(&site, method, refused));
        let reversed = format_ident!("__REVERSED_{index}");
        let cfgs = &method.cfgs;
        (
            quote!(#(#cfgs)* const #reversed: u32 = #selector.swap_bytes();),
            quote! {
                #(#cfgs)*
                #reversed => { #body ::core::option::Option::Some(::esker_sdk::expansion::done(__encoder)) }
            },
        )
    });
    let (constants, arms): (Vec<TokenStream>, Vec<TokenStream>) = arms.unzip();
    // Not matched in front of the contract's own methods, which may override them.
    let parts = found.parts.iter().filter_map(|part| part.call(owner));
    let root = opens_storage(found).then(|| {
        let this = owner.this();
        quote!(__root: &mut #this,)
    });
    quote! {
        #[cfg_attr(target_arch = "wasm32", inline(never))]
        #[allow(unused_variables, reason = "there may be no arguments, no results, and nothing that touches state")]
        fn __answer(
            __selector: u32,
            #root
            __decoder: &mut ::esker_sdk::expansion::Decoder<'_>,
            __encoder: &mut ::esker_sdk::expansion::Encoder,
        ) -> ::core::option::Option<::esker_sdk::expansion::Vec<u8>> {
            #(#constants)*
            let __authority = ::esker_sdk::expansion::authority();
            match __selector {
                #(#arms)*
                _ => (false #(|| #parts)*).then(|| ::esker_sdk::expansion::done(__encoder)),
            }
        }
    }
}

/// The body of the entry point `call`.
pub fn call(found: &Found, owner: &Owner) -> TokenStream {
    let site = Site::contract(owner);
    let (fallback_method, receive) = (found.fallback.as_ref(), found.receive.as_ref());
    // When nothing takes value, one check in front serves all.
    let none_payable = none_payable(found);
    let (check_first, refused) = match (none_payable, found.parts.is_empty()) {
        (false, _) => (None, Refused::Here),
        (true, true) => (Some(quote!(::esker_sdk::expansion::guard_payment();)), Refused::Before),
        (true, false) => (
            Some(quote!(if __ESKER_NONE_PAYABLE {
                ::esker_sdk::expansion::guard_payment();
            })),
            Refused::As(quote!(__ESKER_NONE_PAYABLE)),
        ),
    };
    let answer = answer(found, owner, &refused);
    let otherwise = match fallback_method {
        Some(method) => {
            let body = fallback(&site, method, &refused);
            quote!(::esker_sdk::expansion::finish(#body))
        }
        None => quote!(::esker_sdk::expansion::empty_revert()),
    };
    let receive = receive.map(|method| {
        let guards = guards(method, &Refused::Before);
        let invoke = invoke(&site, method, &TokenStream::new(), &[]);
        quote! {
            if __input.is_empty() {
                #guards
                #invoke
                return ::esker_sdk::expansion::finish(::esker_sdk::expansion::Vec::new());
            }
        }
    });
    let root = opens_storage(found).then(|| {
        let open = owner.open();
        quote!(&mut #open,)
    });
    quote! {
        #answer
        #[allow(unused_variables, reason = "no method may touch state")]
        let __authority = ::esker_sdk::expansion::authority();
        let __input = ::esker_sdk::expansion::input();
        #check_first
        #receive
        let (__selector, mut __decoder) = ::esker_sdk::expansion::Decoder::with_reversed_selector(&__input);
        let mut __encoder = ::esker_sdk::expansion::Encoder::new(&[], 0);
        if let ::core::option::Option::Some(__selector) = __selector
            && let ::core::option::Option::Some(__output) = __answer(__selector, #root &mut __decoder, &mut __encoder)
        {
            return ::esker_sdk::expansion::answered(__output);
        }
        #otherwise
    }
}

/// The body of a component's `Attached::call`: whether an exposed method has `__selector`.
pub fn component(found: &Found, owner: &Owner) -> TokenStream {
    let (site, this) = (Site::component(owner), owner.this());
    let refused = Refused::As(quote!(const { __A::REFUSED_COINS }));
    let methods = found.functions.iter().enumerate().map(|(index, method)| {
        let (selector, body) = (selector_constant(index), function(&site, method, &refused));
        let (cfgs, name) = (&method.cfgs, plain(&method.ident));
        quote! {
            #(#cfgs)*
            if const { <__A as ::esker_sdk::expansion::Exposes>::WAY.lets(#name, <#this>::#selector) }
                && __selector == const { <#this>::#selector.swap_bytes() }
            {
                #body
                return true;
            }
        }
    });
    let parts = found.parts.iter().filter_map(|part| part.call(owner));
    quote! {
        #(#methods)*
        false #(|| #parts)*
    }
}

/// The body of the entry point `deploy`.
pub fn deploy(found: &Found, owner: &Owner) -> TokenStream {
    let Some(method) = &found.constructor else {
        return quote! {
            ::esker_sdk::expansion::guard_payment();
            ::esker_sdk::expansion::finish(::esker_sdk::expansion::Vec::new())
        };
    };
    let site = Site::contract(owner);
    let guards = guards(method, &Refused::Here);
    let (arguments, names) = decode(&site, method);
    let input = (!names.is_empty()).then(|| {
        quote! {
            let __input = ::esker_sdk::expansion::input();
            let mut __decoder = ::esker_sdk::expansion::Decoder::new(&__input);
        }
    });
    let invoke = invoke(&site, method, &arguments, &names);
    quote! {
        #[allow(unused_variables, reason = "a constructor may ignore its storage and context")]
        let __authority = ::esker_sdk::expansion::authority();
        #guards
        #input
        #invoke
        ::esker_sdk::expansion::finish(::esker_sdk::expansion::Vec::new())
    }
}
