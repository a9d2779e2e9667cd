//! A contract's ABI as a constant, its selectors, and the check that they differ.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use crate::{
    attributes::doc_text,
    contract::Found,
    dispatch::selector_constant,
    interface::constants,
    method::{Method, text},
};

/// `const __ESKER_ABI`.
pub fn abi(found: &Found) -> TokenStream {
    let functions = found.functions.iter().map(conditional);
    let constructor = found.constructor.as_ref().map_or(quote!(None), |method| {
        let (inputs, payable, docs) = (method.parameters(), method.payable, doc_text(&method.docs));
        quote!(Some(::esker_sdk::expansion::ConstructorItem { inputs: #inputs, payable: #payable, docs: #docs }))
    });
    let fallback = found.fallback.as_ref().map_or(quote!(None), |method| {
        let variant = if method.payable { quote!(Payable) } else { quote!(NonPayable) };
        quote!(Some(::esker_sdk::expansion::Mutability::#variant))
    });
    let (receive, docs) = (found.receive.is_some(), &found.docs);
    let events = found.events.iter().map(|(cfgs, path)| quote!(#(#cfgs)* <#path as ::esker_sdk::Event>::ITEM));
    let (mentioned_events, mentioned_errors) = (&found.mentions.events, &found.mentions.errors);
    let errors = errors(found);
    let guard = guard(found);
    quote! {
        #[doc(hidden)]
        const __ESKER_ABI: &::esker_sdk::expansion::Description = &::esker_sdk::expansion::Description {
            constructor: ::core::option::Option::#constructor,
            functions: &[#(#functions),*],
            events: &[#(#events,)* #(#mentioned_events),*],
            errors: &[#(#errors,)* #(#mentioned_errors,)* #(#guard),*],
            fallback: ::core::option::Option::#fallback,
            receive: #receive,
            docs: #docs,
        };
    }
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

/// The sets of the module's errors and of those that its methods return, each once.
fn errors(found: &Found) -> Vec<TokenStream> {
    let own = found.errors.iter().map(|(cfgs, path)| (cfgs.as_slice(), syn::parse_quote!(#path)));
    let returned = found.all().filter_map(|method| Some((method.cfgs.as_slice(), method.error.clone()?)));
    let mut seen = BTreeSet::new();
    let sets = own.chain(returned).filter_map(|(cfgs, ty)| {
        let name = text(&ty);
        if !seen.insert((quote!(#(#cfgs)*).to_string(), name)) {
            return None;
        }
        Some(quote_spanned!(ty.span()=> #(#cfgs)* <#ty as ::esker_sdk::ContractError>::ERRORS))
    });
    sets.collect()
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
        let check = quote_spanned! {method.ident.span()=>
            const _: () = ::esker_sdk::expansion::assert_unique_selector(SELECTORS, #constant, #number);
        };
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
            #(#cfgs)*
            #check
            #payability
        }
    });
    let all = functions.iter().enumerate().map(|(number, method)| {
        let (cfgs, constant) = (&method.cfgs, selector_constant(number));
        let complaint = format!(
            "this method has the selector of `{}`: give one of them another Solidity name with #[name = \"…\"]",
            method.ident
        );
        quote!(#(#cfgs)* (#constant, #number, #complaint))
    });
    quote! {
        const SELECTORS: &[::esker_sdk::expansion::Selector] = &[#(#all),*];
        #(#constants)*
    }
}
