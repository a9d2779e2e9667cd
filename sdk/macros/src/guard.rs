//! `#[only(…)]` and `#[when(…)]`: what has to hold before a method's body runs.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Expr, FnArg, ImplItemFn, Pat, Token, parenthesized,
    parse::{Parse, ParseStream},
    parse_quote,
    punctuated::Punctuated,
    spanned::Spanned,
    token,
};

use crate::{
    attributes::{arguments, is},
    method::is_context,
};

/// `ownable.owner` or `roles.role(MINTER)`.
struct Condition {
    fields: Vec<Ident>,
    name: Ident,
    arguments: Vec<Expr>,
}

impl Parse for Condition {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut fields: Vec<Ident> =
            Punctuated::<Ident, Token![.]>::parse_separated_nonempty(input)?.into_iter().collect();
        let name = fields.pop().ok_or_else(|| input.error("a name"))?;
        let mut arguments = Vec::new();
        if input.peek(token::Paren) {
            let inner;
            parenthesized!(inner in input);
            arguments = Punctuated::<Expr, Token![,]>::parse_terminated(&inner)?.into_iter().collect();
        }
        Ok(Self { fields, name, arguments })
    }
}

/// Takes the guards off a function and puts their calls in front of its body, in order. Gives the expressions of their
/// errors, for the ABI; `this` is the type of `self`.
pub fn take(function: &mut ImplItemFn, this: &TokenStream) -> syn::Result<Vec<TokenStream>> {
    let mut attributes = Vec::new();
    function.attrs.retain(|attribute| {
        let is_guard = is(attribute, "only") || is(attribute, "when");
        if is_guard {
            attributes.push(attribute.clone());
        }
        !is_guard
    });
    let Some(first) = attributes.first() else { return Ok(Vec::new()) };
    if function.sig.receiver().is_none() {
        return Err(syn::Error::new(first.span(), "a guard reads storage: the method needs `&self` or `&mut self`"));
    }
    let context = function.sig.inputs.iter().find_map(|input| match input {
        FnArg::Typed(parameter) if is_context(&parameter.ty) => match &*parameter.pat {
            Pat::Ident(pattern) => Some(pattern.ident.clone()),
            _ => None,
        },
        _ => None,
    });
    let context = match context {
        Some(ident) => quote!(#ident),
        None => quote!(&::esker_sdk::Context::new(&::esker_sdk::expansion::authority())),
    };
    let (mut calls, mut errors) = (Vec::new(), Vec::new());
    for attribute in &attributes {
        let kind = if is(attribute, "only") { "only" } else { "when" };
        let condition = syn::parse2::<Condition>(arguments(attribute)?).map_err(|_| {
            syn::Error::new(
                attribute.span(),
                format!(
                    "name the guard: #[{kind}(ownable.owner)] calls `self.ownable.{kind}_owner(cx)`; arguments follow in \
                     parentheses"
                ),
            )
        })?;
        let Condition { fields, name, arguments } = &condition;
        let guard = format_ident!("{kind}_{name}", span = name.span());
        let anything = arguments.iter().map(|_| quote!(::esker_sdk::expansion::anything()));
        let call = quote_spanned!(name.span()=> self #(.#fields)* .#guard(#context, #(#arguments),*));
        calls.push(quote_spanned!(name.span()=> ::esker_sdk::expansion::Guarded::pass(#call);));
        errors.push(quote_spanned! {name.span()=>
            ::esker_sdk::expansion::guard_errors(|__this: &mut #this, __cx: &mut ::esker_sdk::Context| {
                __this #(.#fields)* .#guard(__cx, #(#anything),*)
            })
        });
    }
    let body = &function.block;
    function.block = parse_quote!({ #(#calls)* #body });
    Ok(errors)
}
