//! `#[hook]`: functions of a component that whoever embeds it may implement.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Attribute, FnArg, Ident, ImplItem, ImplItemFn, Pat, ReturnType, Token, Type, Visibility, parse::Parser,
    parse_quote, punctuated::Punctuated, spanned::Spanned,
};

use crate::{
    attributes::{Errors, arguments, cfgs, is},
    method::{is_context, text},
    owner::Owner,
    results::Results,
};

/// The parameters behind the receiver.
struct Parameters {
    is_mutable: bool,
    names: Vec<Ident>,
    types: Vec<Type>,
}

/// `is_declared`: the function hands its parameters on, so they all have names.
fn parameters(function: &ImplItemFn, is_declared: bool) -> syn::Result<Parameters> {
    let signature = &function.sig;
    let mut found = Parameters { is_mutable: false, names: Vec::new(), types: Vec::new() };
    let mut errors = Errors::default();
    if let Some(parameter) = signature.generics.params.first() {
        errors.at(parameter.span(), "a hook has no parameters of its own: the component's are known to it");
    }
    if let Some(cfg) = cfgs(&function.attrs).first() {
        errors.at(cfg.span(), "a hook is always there: put the #[cfg] on statements inside");
    }
    match signature.inputs.first() {
        Some(FnArg::Receiver(this)) if this.reference.is_some() && this.colon_token.is_none() => {
            found.is_mutable = this.mutability.is_some();
        }
        _ => errors.at(signature.ident.span(), "a hook takes `&mut self`, or `&self` if it may change nothing"),
    }
    for input in signature.inputs.iter().skip(1) {
        let FnArg::Typed(parameter) = input else { continue };
        match &*parameter.pat {
            Pat::Ident(pattern) => {
                found.names.push(pattern.ident.clone());
                found.types.push((*parameter.ty).clone());
            }
            Pat::Wild(pattern) if !is_declared => {
                found.names.push(format_ident!("__unused_{}", found.names.len(), span = pattern.span()));
                found.types.push((*parameter.ty).clone());
            }
            other => errors.at(other.span(), "a hook's parameters have names"),
        }
    }
    errors.finish()?;
    Ok(found)
}

/// A hook that a component declares.
pub struct Hook {
    pub ident: Ident,
    default: Ident,
    is_mutable: bool,
    types: Vec<Type>,
    output: ReturnType,
}

impl Hook {
    /// Makes the function call what implements the hook, and its body the default. The default stands among `items`.
    pub fn declared(function: &mut ImplItemFn, items: &mut Vec<ImplItem>, results: &Results) -> syn::Result<Self> {
        if !matches!(function.vis, Visibility::Inherited) {
            return Err(syn::Error::new(
                function.vis.span(),
                "a hook is called by its component only: leave `pub` out",
            ));
        }
        if let ReturnType::Type(_, ty) = &function.sig.output
            && let Some((value, _)) = results.split(ty)
        {
            let value = match text(&value).as_str() {
                "()" => "nothing".to_owned(),
                value => format!("`{value}`"),
            };
            return Err(syn::Error::new(
                ty.span(),
                format!(
                    "a hook returns {value} here, and whoever implements it a `Result` of that with an error of its own, \
                     which reverts; if the hook's own body has to fail, let it revert_with(error)"
                ),
            ));
        }
        let Parameters { is_mutable, names, types } = parameters(function, true)?;
        let ident = function.sig.ident.clone();
        let default = format_ident!("__esker_default_{ident}", span = ident.span());
        let mut body = function.clone();
        body.attrs.retain(|attribute| !["doc", "only", "when"].iter().any(|name| is(attribute, name)));
        body.attrs.push(parse_quote!(
            #[allow(unused_variables, reason = "what a hook does by itself is often nothing")]
        ));
        body.attrs.push(parse_quote!(#[inline]));
        body.sig.ident = default.clone();
        items.push(ImplItem::Fn(body));
        function.attrs.push(parse_quote!(#[inline(always)]));
        for input in &mut function.sig.inputs {
            if let FnArg::Typed(parameter) = input
                && let Pat::Ident(pattern) = &mut *parameter.pat
            {
                pattern.mutability = None;
            }
        }
        function.block = parse_quote!({
            (const { <__Host as ::esker_sdk::expansion::Host<Self>>::HOOKS.#ident })(self, #(#names),*)
        });
        Ok(Self { ident, default, is_mutable, types, output: function.sig.output.clone() })
    }

    /// The field of the struct of hooks.
    pub fn field(&self, owner: &Owner) -> TokenStream {
        let (ident, types, output, this) = (&self.ident, &self.types, &self.output, owner.this());
        let mutable = self.is_mutable.then(|| quote!(mut));
        quote_spanned! {ident.span()=>
            #[allow(clippy::type_complexity, reason = "parameters are as many as the hook's")]
            pub #ident: fn(& #mutable #this, #(#types),*) #output
        }
    }

    /// The field's value without an owner.
    pub fn default(&self, owner: &Owner) -> TokenStream {
        let (ident, default, this) = (&self.ident, &self.default, owner.this());
        quote_spanned!(ident.span()=> #ident: <#this>::#default)
    }
}

/// A hook that an owner implements.
pub struct Implementation {
    /// Fields and, last, the hook.
    pub path: Vec<Ident>,
    function: Ident,
    is_mutable: bool,
    names: Vec<Ident>,
    types: Vec<Type>,
    is_fallible: bool,
    /// What it reverts with.
    pub error: Option<Type>,
}

impl Implementation {
    /// Reads `#[hook(token.before_update)]`.
    pub fn read(attribute: &Attribute, function: &ImplItemFn, results: &Results) -> syn::Result<Self> {
        let path = Punctuated::<Ident, Token![.]>::parse_separated_nonempty
            .parse2(arguments(attribute)?)
            .ok()
            .filter(|path| path.len() >= 2)
            .ok_or_else(|| {
                syn::Error::new(
                    attribute.span(),
                    "say whose hook this implements: #[hook(token.before_update)], the field's name and the hook's",
                )
            })?;
        let Parameters { is_mutable, names, types } = parameters(function, false)?;
        let (value, error) = match &function.sig.output {
            ReturnType::Default => (None, None),
            ReturnType::Type(_, ty) => match results.split(ty) {
                Some((value, error)) => (Some(value), Some(error)),
                None => (Some((**ty).clone()), None),
            },
        };
        if let Some(value) = value.filter(|value| path.len() > 2 && text(value) != "()") {
            return Err(syn::Error::new(
                value.span(),
                "the hook of a component inside a component returns nothing: what it gives is for the one in between to \
                 say, which can pass the question on by a hook of its own",
            ));
        }
        Ok(Self {
            path: path.into_iter().collect(),
            function: function.sig.ident.clone(),
            is_mutable,
            names,
            types,
            is_fallible: error.is_some(),
            error,
        })
    }

    pub fn span(&self) -> Span {
        self.path.last().map_or_else(Span::call_site, Ident::span)
    }

    /// The function that takes the hook's place: it opens the owner, whose error ends the frame.
    ///
    /// A hook of a part's part runs as the part has it first.
    pub fn closure(&self, owner: &Owner, attached: &TokenStream) -> TokenStream {
        let (function, names, types, this) = (&self.function, &self.names, &self.types, owner.this());
        let span = function.span();
        let mutable = self.is_mutable.then(|| quote!(mut));
        let open = owner.open();
        let inner = (self.path.len() > 2).then(|| {
            let fields = &self.path[1..];
            let again = names.iter().zip(types).map(|(name, ty)| {
                if is_context(ty) { quote!(#name) } else { quote!(::esker_sdk::expansion::again(&#name)) }
            });
            quote_spanned! {span=>
                let () = (#attached::DEFAULTS.#(#fields).*)(__part, #(#again),*);
            }
        });
        let part = if inner.is_some() { quote!(__part) } else { quote!(_) };
        let call = quote_spanned!(span=> <#this>::#function(&#mutable __owner, #(#names),*));
        let value = if self.is_fallible {
            quote_spanned! {span=>
                match #call {
                    ::core::result::Result::Ok(value) => value,
                    ::core::result::Result::Err(error) => ::esker_sdk::ContractError::revert(&error),
                }
            }
        } else {
            call
        };
        let check = (self.is_mutable && !owner.is_component()).then(|| {
            let check = owner.check(&quote!(&__owner));
            quote!(#[cfg(not(target_arch = "wasm32"))] #check)
        });
        quote_spanned! {span=>
            |#part: & #mutable _, #(#names: #types),*| {
                #inner
                let __authority = ::esker_sdk::expansion::authority();
                let #mutable __owner = #open;
                #[allow(clippy::let_unit_value, reason = "most hooks return nothing")]
                let __value = #value;
                #check
                __value
            }
        }
    }
}
