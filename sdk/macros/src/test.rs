//! `#[esker_sdk::test]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, ItemFn, Pat, spanned::Spanned};

use crate::names::plain;

const SHAPE: &str = "an Esker test is `fn name(chain: &mut Chain, alice: User, …)`";

pub fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(syn::Error::new(arguments.span(), "#[esker_sdk::test] takes no arguments"));
    }
    let item: ItemFn = syn::parse2(item)?;
    let signature = &item.sig;
    if let Some(asyncness) = signature.asyncness {
        return Err(syn::Error::new(
            asyncness.span(),
            format!("{SHAPE}, not async: calls of the chain come back at once"),
        ));
    }
    if !matches!(signature.output, syn::ReturnType::Default) {
        return Err(syn::Error::new(signature.output.span(), format!("{SHAPE} and returns nothing: use assertions")));
    }
    let mut parameters = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(parameter) = input else { return Err(syn::Error::new(input.span(), SHAPE)) };
        if !matches!(&*parameter.pat, Pat::Ident(_)) {
            return Err(syn::Error::new(parameter.pat.span(), SHAPE));
        }
        parameters.push(parameter);
    }
    let Some((chain, users)) = parameters.split_first() else {
        return Err(syn::Error::new(signature.ident.span(), SHAPE));
    };
    let (chain, chain_type) = (&chain.pat, &chain.ty);
    let (attributes, name, body) = (&item.attrs, &signature.ident, &item.block);
    let names = users.iter().map(|user| match &*user.pat {
        Pat::Ident(pattern) => plain(&pattern.ident),
        _ => String::new(),
    });
    let patterns = users.iter().map(|user| &user.pat);
    let types = users.iter().map(|user| &user.ty);
    let indices = 0..users.len();
    Ok(quote! {
        #[test]
        #(#attributes)*
        fn #name() {
            ::esker_sdk_test::dual_run(
                ::core::stringify!(#name),
                ::core::module_path!(),
                ::core::env!("CARGO_MANIFEST_DIR"),
                &[#(#names),*],
                |#chain: #chain_type, __users: &[::esker_sdk_test::User]| {
                    #(let #patterns: #types = ::core::clone::Clone::clone(&__users[#indices]);)*
                    #body
                },
            )
        }
    })
}
