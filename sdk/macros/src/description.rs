//! A contract's ABI as a constant, its selectors, and the check that they differ.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use crate::{
    attributes::doc_text,
    contract::Found,
    dispatch::{none_payable, selector_constant},
    interface::constants,
    method::{Method, text},
    names::plain,
    owner::Owner,
};

/// `const __ESKER_ABI`, and in front of it what it is made of if there are parts.
pub fn abi(found: &Found, owner: &Owner) -> TokenStream {
    let constructor = found.constructor.as_ref().map_or(quote!(None), |method| {
        let (inputs, payable, docs) = (method.parameters(), method.payable, doc_text(&method.docs));
        quote!(Some(::esker_sdk::expansion::ConstructorItem { inputs: #inputs, payable: #payable, docs: #docs }))
    });
    let fallback = found.fallback.as_ref().map_or(quote!(None), |method| {
        let variant = if method.payable { quote!(Payable) } else { quote!(NonPayable) };
        quote!(Some(::esker_sdk::expansion::Mutability::#variant))
    });
    let (receive, docs) = (found.receive.is_some(), &found.docs);
    let (parts, functions, events, errors) = if found.parts.is_empty() {
        let functions = found.functions.iter().map(conditional);
        let (events, errors, guard) = (events(found), errors(found), guard(found));
        (quote!(), quote!(&[#(#functions),*]), quote!(&[#(#events),*]), quote!(&[#(#errors,)* #(#guard),*]))
    } else {
        let (part, own_payable) = (part(found, owner), !none_payable(found));
        let parts = quote! {
            const __ESKER_PART: &::esker_sdk::expansion::Part = &#part;
            const __ESKER_COUNT: usize = ::esker_sdk::expansion::count(__ESKER_PART);
            const __ESKER_EXPOSED: &::esker_sdk::expansion::Exposed<__ESKER_COUNT> =
                &::esker_sdk::expansion::Exposed::of(__ESKER_PART);
            const __ESKER_FUNCTIONS: [::esker_sdk::expansion::FunctionItem; __ESKER_EXPOSED.functions_count()] =
                __ESKER_EXPOSED.functions();
            const __ESKER_EVENTS:
                [&::esker_sdk::expansion::EventItem; ::esker_sdk::expansion::events_count(__ESKER_PART)] =
                ::esker_sdk::expansion::all_events(__ESKER_PART);
            const __ESKER_ERRORS:
                [&::esker_sdk::expansion::ErrorSet; ::esker_sdk::expansion::errors_count(__ESKER_PART)] =
                ::esker_sdk::expansion::all_errors(__ESKER_PART);
            const __ESKER_NONE_PAYABLE: bool = !#own_payable && __ESKER_EXPOSED.none_payable();
        };
        let errors = quote! {
            &[
                &::esker_sdk::expansion::ErrorSet { items: &[], wrapped: &__ESKER_ERRORS },
                &::esker_sdk::expansion::ErrorSet { items: __ESKER_EXPOSED.guard_errors(), wrapped: &[] },
            ]
        };
        (parts, quote!(&__ESKER_FUNCTIONS), quote!(&__ESKER_EVENTS), errors)
    };
    quote! {
        #parts

        #[doc(hidden)]
        const __ESKER_ABI: &::esker_sdk::expansion::Description = &::esker_sdk::expansion::Description {
            constructor: ::core::option::Option::#constructor,
            functions: #functions,
            events: #events,
            errors: #errors,
            fallback: ::core::option::Option::#fallback,
            receive: #receive,
            docs: #docs,
        };
    }
}

/// What a component, or a contract with parts, brings into an ABI: a `Part`.
pub fn part(found: &Found, owner: &Owner) -> TokenStream {
    let this = owner.this();
    let methods = found.functions.iter().enumerate().map(|(index, method)| {
        let (cfgs, item, name) = (&method.cfgs, function(method), plain(&method.ident));
        let (guarded, overrides, selector) = (method.is_guarded(), method.overrides, selector_constant(index));
        let selector = if owner.is_component() { quote!(<#this>::#selector) } else { quote!(#item.selector()) };
        // A contract says it apart, where the method stands.
        let payable = method.payable;
        let item = if owner.is_component() && method.interface.is_some() {
            quote_spanned! {method.ident.span()=>
                {
                    let item = #item;
                    ::esker_sdk::expansion::assert_payability(&item, #payable);
                    item
                }
            }
        } else {
            item
        };
        quote! {
            #(#cfgs)*
            ::esker_sdk::expansion::PartMethod {
                name: #name,
                selector: #selector,
                item: #item,
                guarded: #guarded,
                overrides: #overrides,
            }
        }
    });
    let (events, errors) = (events(found), errors(found));
    let fields = found.parts.iter().map(|part| part.entry(owner));
    let (is_component, is_checked) = (owner.is_component(), !owner.is_generic());
    let interfaces = found.interfaces.iter().filter(|_| is_component);
    let interfaces = interfaces.map(|(cfgs, path)| quote!(#(#cfgs)* <#this as #path>::INTERFACE_ID));
    quote! {
        ::esker_sdk::expansion::Part {
            is_component: #is_component,
            is_checked: #is_checked,
            methods: &[#(#methods),*],
            events: &[#(#events),*],
            errors: &[#(#errors),*],
            interfaces: &[#(#interfaces),*],
            fields: &[#(#fields),*],
        }
    }
}

/// That a component's methods differ, and that those which override do. A generic one is checked where it is a field.
pub fn component(found: &Found, owner: &Owner) -> TokenStream {
    if owner.is_generic() {
        return TokenStream::new();
    }
    let unit = owner.unit();
    let differ = distinct(&found.functions, |number| {
        let constant = selector_constant(number);
        quote!(<#unit>::#constant)
    });
    let overrides =
        found.functions.iter().enumerate().filter(|(_, method)| method.overrides).map(|(number, method)| {
            let (cfgs, name, constant) = (&method.cfgs, plain(&method.ident), selector_constant(number));
            quote_spanned! {method.ident.span()=>
                #(#cfgs)*
                const _: () = ::esker_sdk::expansion::assert_overrides(
                    <#unit as ::esker_sdk::expansion::Embed<()>>::PART,
                    #name,
                    <#unit>::#constant,
                );
            }
        });
    quote! {
        const _: () = {
            #differ

            #(#overrides)*
        };
    }
}

/// That what the contract's parts expose differs from its own methods, and from each other.
pub fn exposures(found: &Found) -> TokenStream {
    if found.parts.is_empty() {
        return TokenStream::new();
    }
    let own = found.functions.iter().enumerate().filter(|(_, method)| !method.is_generated);
    let own = own.map(|(index, method)| {
        let (cfgs, selector, overrides) = (&method.cfgs, selector_constant(index), method.overrides);
        quote_spanned! {method.ident.span()=>
            #(#cfgs)*
            const _: () = __ESKER_EXPOSED.check_own(#selector, #overrides);
        }
    });
    let fields = found.parts.iter().enumerate().map(|(index, part)| {
        quote_spanned! {part.ident.span()=>
            const _: () = {
                ::esker_sdk::expansion::check_part(__ESKER_PART.fields[#index].part);
                __ESKER_EXPOSED.check_field(#index);
            };
        }
    });
    quote!(#(#own)* #(#fields)*)
}

/// The events of the module, and those that its functions emit.
fn events(found: &Found) -> Vec<TokenStream> {
    let own = found.events.iter().map(|(cfgs, path)| quote!(#(#cfgs)* <#path as ::esker_sdk::Event>::ITEM));
    own.chain(found.mentions.events.iter().cloned()).collect()
}

/// A method's item, with its conditions.
fn conditional(method: &Method) -> TokenStream {
    let (cfgs, item) = (&method.cfgs, function(method));
    quote!(#(#cfgs)* #item)
}

/// A method's item.
pub fn function(method: &Method) -> TokenStream {
    if let Some(interface) = &method.interface {
        let (item, _) = constants(&method.ident);
        return quote!(#interface::#item);
    }
    let (name, inputs, output) = (&method.solidity, method.parameters(), method.output());
    let (mutability, names, docs) = (method.mutability(), &method.output_names, doc_text(&method.docs));
    quote! {
        ::esker_sdk::expansion::FunctionItem {
            name: #name,
            inputs: #inputs,
            outputs: <#output as ::esker_sdk::expansion::Output>::SHAPES,
            output_names: &[#(#names),*],
            mutability: #mutability,
            docs: #docs,
        }
    }
}

/// The sets of the module's errors, of those that its methods, hooks and guards return, and of those that its functions
/// revert with.
fn errors(found: &Found) -> Vec<TokenStream> {
    let own = found.errors.iter().map(|(cfgs, path)| (cfgs.as_slice(), syn::parse_quote!(#path)));
    let returned = found.all().filter_map(|method| Some((method.cfgs.as_slice(), method.error.clone()?)));
    let hooks = found.implementations.iter().filter_map(|hook| Some((&[][..], hook.error.clone()?)));
    let mut seen = BTreeSet::new();
    let sets = own.chain(returned).chain(hooks).filter_map(|(cfgs, ty)| {
        let name = text(&ty);
        if !seen.insert((quote!(#(#cfgs)*).to_string(), name)) {
            return None;
        }
        Some(quote_spanned!(ty.span()=> #(#cfgs)* <#ty as ::esker_sdk::ContractError>::ERRORS))
    });
    sets.chain(found.mentions.errors.iter().cloned()).chain(found.guards.iter().cloned()).collect()
}

/// The error of re-entered methods, if there are guarded ones.
fn guard(found: &Found) -> Vec<TokenStream> {
    let mut seen = BTreeSet::new();
    let conditions = found.all().filter(|method| method.is_guarded()).filter_map(|method| {
        let cfgs = &method.cfgs;
        let conditions = quote!(#(#cfgs)*);
        seen.insert(conditions.to_string()).then_some(conditions)
    });
    let sets = conditions.map(|conditions| {
        quote! {
            #conditions
            &::esker_sdk::expansion::ErrorSet { items: &[::esker_sdk::expansion::REENTRANT_CALL], wrapped: &[] }
        }
    });
    sets.collect()
}

/// The selectors under the names that the dispatcher knows, and the check that they differ.
pub fn selectors(functions: &[Method], handle: &Ident) -> TokenStream {
    let constants = functions.iter().enumerate().map(|(number, method)| {
        let (cfgs, constant) = (&method.cfgs, selector_constant(number));
        let payability = method.interface.as_ref().map(|_| {
            let (item, payable) = (function(method), method.payable);
            quote_spanned! {method.ident.span()=>
                #(#cfgs)*
                const _: () = ::esker_sdk::expansion::assert_payability(&#item, #payable);
            }
        });
        quote! {
            #(#cfgs)*
            const #constant: u32 = #handle::#constant;
            #payability
        }
    });
    let differ = distinct(functions, |number| selector_constant(number).into_token_stream());
    quote!(#(#constants)* #differ)
}

/// That methods differ by their selectors, which are these expressions.
fn distinct(functions: &[Method], selector: impl Fn(usize) -> TokenStream) -> TokenStream {
    let checks = functions.iter().enumerate().map(|(number, method)| {
        let (cfgs, selector) = (&method.cfgs, selector(number));
        quote_spanned! {method.ident.span()=>
            #(#cfgs)*
            const _: () = ::esker_sdk::expansion::assert_unique_selector(SELECTORS, #selector, #number);
        }
    });
    let all = functions.iter().enumerate().map(|(number, method)| {
        let (cfgs, selector) = (&method.cfgs, selector(number));
        let complaint = format!(
            "this method has the selector of `{}`: give one of them another Solidity name with #[name = \"…\"]",
            method.ident
        );
        quote!(#(#cfgs)* (#selector, #number, #complaint))
    });
    quote! {
        const SELECTORS: &[::esker_sdk::expansion::Selector] = &[#(#all),*];
        #(#checks)*
    }
}
