//! `#[component]`.
//!
//! The storage struct gets a last type parameter that the author does not see: the type that names the field it lies in,
//! whose owner has the hooks. Without an owner it is `()`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Fields, GenericArgument, GenericParam, ItemImpl, ItemStruct, PathArguments, Type, parse_quote, spanned::Spanned,
    token,
};

use crate::{
    component_parts::Handles,
    contract::{Found, expand_module},
    description,
    dispatch::{self, selector_constant},
    handle,
    owner::Owner,
};

pub fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let span = arguments.span();
    let found = Found::with_arguments(arguments).ok().filter(|found| found.erc165.is_none()).ok_or_else(|| {
        syn::Error::new(span, "#[component] takes nothing, or `events(path::Event, …)` and `errors(path::Error, …)`")
    })?;
    expand_module(item, found, "component", |found, owner, _| generate(found, owner))
}

/// Adds the hidden parameter to the storage struct.
pub fn with_host(item: &mut ItemStruct) {
    item.generics.params.push(parse_quote!(__Host: ?::core::marker::Sized = ()));
    let host = parse_quote!(__host: ::core::marker::PhantomData<__Host>);
    match &mut item.fields {
        Fields::Named(fields) => fields.named.push(host),
        fields @ Fields::Unit => {
            let mut named = syn::FieldsNamed { brace_token: token::Brace::default(), named: Default::default() };
            named.named.push(host);
            *fields = Fields::Named(named);
            item.semi_token = None;
        }
        // `#[storage]` refuses it.
        Fields::Unnamed(_) => {}
    }
}

/// Adds the hidden parameter to an `impl` of the storage struct.
pub fn host(item: &mut ItemImpl, owner: &Owner) -> syn::Result<()> {
    let Type::Path(ty) = &mut *item.self_ty else { return Ok(()) };
    let Some(last) = ty.path.segments.last_mut() else { return Ok(()) };
    let written = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => {
            let arguments: Vec<String> =
                arguments.args.iter().map(|argument| argument.to_token_stream().to_string()).collect();
            arguments
        }
        _ => Vec::new(),
    };
    let parameters: Vec<String> = owner.generics.iter().flat_map(|generics| &generics.params).map(name).collect();
    if written != parameters {
        return Err(syn::Error::new(
            last.span(),
            format!(
                "write the component's parameters as its storage struct does: `impl<…> {}<{}>`",
                owner.name,
                parameters.join(", ")
            ),
        ));
    }
    let host: GenericArgument = parse_quote!(__Host);
    match &mut last.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.push(host),
        arguments => *arguments = PathArguments::AngleBracketed(parse_quote!(<#host>)),
    }
    item.generics.params.push(parse_quote!(__Host: ?::core::marker::Sized));
    let (this, hooks, arguments) = (owner.this(), owner.hooks(), owner.arguments());
    item.generics
        .make_where_clause()
        .predicates
        .push(parse_quote!(__Host: ::esker_sdk::expansion::Host<#this, Hooks = #hooks<#arguments __Host>>));
    Ok(())
}

fn name(parameter: &GenericParam) -> String {
    match parameter {
        GenericParam::Type(parameter) => parameter.ident.to_string(),
        GenericParam::Const(parameter) => parameter.ident.to_string(),
        GenericParam::Lifetime(parameter) => parameter.lifetime.to_string(),
    }
}

/// The hooks, as functions.
fn hooks(found: &Found, owner: &Owner) -> TokenStream {
    let (hooks, visibility) = (owner.hooks(), &owner.visibility);
    let (declared, arguments, types, predicates) =
        (owner.declared(), owner.arguments(), owner.types(), owner.predicates());
    let own = found.hooks.iter().map(|hook| hook.field(owner));
    let inner = found.parts.iter().map(|part| {
        let (ident, ty) = (&part.ident, part.hooks_type(owner));
        quote!(pub #ident: #ty)
    });
    quote! {
        #[doc(hidden)]
        #visibility struct #hooks<#declared __Host: ?::core::marker::Sized> where #predicates {
            #(#own,)*
            #(#inner,)*
            __host: ::core::marker::PhantomData<__Host>,
            __types: ::core::marker::PhantomData<#types>,
        }

        #[automatically_derived]
        impl<#declared __Host: ?::core::marker::Sized> ::core::clone::Clone for #hooks<#arguments __Host>
        where #predicates
        {
            fn clone(&self) -> Self {
                *self
            }
        }

        #[automatically_derived]
        impl<#declared __Host: ?::core::marker::Sized> ::core::marker::Copy for #hooks<#arguments __Host>
        where #predicates
        {}
    }
}

fn generate(found: &Found, owner: &Owner) -> TokenStream {
    let (this, unit, hooks_name, name) = (owner.this(), owner.unit(), owner.hooks(), &owner.name);
    let (declared, arguments, predicates) = (owner.declared(), owner.arguments(), owner.predicates());
    let (introduced, bounds) = (owner.introduced(), owner.bounds());
    let handle_name = quote::format_ident!("{}Handle", name, span = name.span());
    let end = quote!(__N);
    let inner = Handles::of(&found.parts, owner, &end);
    let handle = handle::component(owner, &found.functions, inner.as_ref());
    let markers = found.parts.iter().map(|part| part.expand(owner, &found.implementations));
    let hooks = hooks(found, owner);
    let own_defaults = found.hooks.iter().map(|hook| hook.default(owner));
    let inner_defaults = found.parts.iter().map(|part| {
        let (ident, hooks) = (&part.ident, part.hooks(owner, &found.implementations));
        quote!(#ident: #hooks)
    });
    let selectors = found.functions.iter().enumerate().map(|(index, method)| {
        let (cfgs, constant, selector) = (&method.cfgs, selector_constant(index), method.selector());
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            const #constant: u32 = #selector;
        }
    });
    let (part, call) = (description::part(found, owner), dispatch::component(found, owner));
    let checks = description::component(found, owner);
    quote! {
        #(#markers)*

        #hooks

        #handle

        #[automatically_derived]
        impl #introduced #this #bounds {
            #(#selectors)*

            #[doc(hidden)]
            const __ESKER_PART: &'static ::esker_sdk::expansion::Part = &#part;
        }

        #[automatically_derived]
        impl #introduced ::esker_sdk::expansion::Embed<__Host> for #unit where #predicates {
            type Field = #this;
            type Hooks = #hooks_name<#arguments __Host>;
            const PART: &'static ::esker_sdk::expansion::Part = <#unit>::__ESKER_PART;
            type Handle<__A: ::esker_sdk::expansion::Exposes, __N: ::esker_sdk::expansion::PartHandle> =
                #handle_name<#arguments __A, __N>;
        }

        #[automatically_derived]
        impl #introduced ::esker_sdk::expansion::Attached<__Host> for #unit #bounds {
            const DEFAULTS: #hooks_name<#arguments __Host> = #hooks_name {
                #(#own_defaults,)*
                #(#inner_defaults,)*
                __host: ::core::marker::PhantomData,
                __types: ::core::marker::PhantomData,
            };

            #[inline(always)]
            #[allow(unused_variables, reason = "perhaps no method takes or returns anything")]
            fn call<__A: ::esker_sdk::expansion::Access<Part = #this>>(
                __selector: u32,
                __root: &mut __A::Root,
                __decoder: &mut ::esker_sdk::expansion::Decoder<'_>,
                __encoder: &mut ::esker_sdk::expansion::Encoder,
                __authority: &::esker_sdk::Authority,
            ) -> bool {
                #call
            }
        }

        #checks

        // Without an owner the hooks are what the component says.
        #[automatically_derived]
        impl<#declared> ::esker_sdk::expansion::Host<#unit> for () where #predicates {
            type Hooks = #hooks_name<#arguments ()>;
            const HOOKS: Self::Hooks = <#unit as ::esker_sdk::expansion::Attached<()>>::DEFAULTS;
            fn part(_: &::esker_sdk::Authority) -> #unit {
                ::esker_sdk::expansion::unembedded()
            }
        }
    }
}
