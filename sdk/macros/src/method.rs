//! A method as its signature tells it.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Attribute, FnArg, Ident, Pat, ReturnType, Signature, Token, Type, TypeReference, punctuated::Punctuated,
    spanned::Spanned,
};

use crate::{
    attributes::{Errors, cfgs, docs, no_generics, take, take_flag, take_name},
    interface::constants,
    names::camel_case,
    results::Results,
};

/// `&self`, `&mut self` or neither; or the same of a [`Context`](https://docs.rs/esker-sdk) parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    None,
    Shared,
    Mutable,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Function,
    Constructor,
    Fallback,
    Receive,
}

pub struct Argument {
    pub ident: Ident,
    /// As written: perhaps a reference.
    pub ty: Type,
    /// What is decoded.
    pub owned: TokenStream,
    pub is_reference: bool,
}

pub enum Returned {
    Nothing,
    /// `&'static str`: what the code holds. A caller gets a `String`.
    Text(Type),
    One(Type),
    Several(Type),
}

pub struct Method {
    pub kind: Kind,
    pub ident: Ident,
    pub solidity: String,
    pub docs: Vec<Attribute>,
    /// The conditions under which it exists.
    pub cfgs: Vec<Attribute>,
    pub receiver: Access,
    /// The context parameter's access and its position among the parameters behind the receiver.
    pub context: Access,
    pub context_position: usize,
    pub arguments: Vec<Argument>,
    pub returned: Returned,
    /// The Solidity names of what is returned; empty if it has none.
    pub output_names: Vec<String>,
    /// The interface whose method it implements, as `<Storage as Interface>`.
    pub interface: Option<TokenStream>,
    /// Whether `#[name = "…"]` was there.
    pub is_renamed: bool,
    pub error: Option<Type>,
    pub payable: bool,
    pub reentrant: bool,
    /// Whether it takes the place of a component's method.
    pub overrides: bool,
    /// Whether the macro wrote it: it overrides what components have of it, if they have.
    pub is_generated: bool,
}

/// What a type is called in messages and compared by.
pub fn text(ty: &Type) -> String {
    quote!(#ty).to_string()
}

pub fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name && segment.arguments.is_empty())
}

/// The type that is decoded for an argument written as a reference.
fn owned(reference: &TypeReference) -> syn::Result<TokenStream> {
    if let Some(mutable) = reference.mutability {
        return Err(syn::Error::new(mutable.span, "an argument cannot be a mutable reference: it comes from calldata"));
    }
    let span = reference.span();
    Ok(match &*reference.elem {
        Type::Slice(slice) if is_named(&slice.elem, "u8") => quote_spanned!(span=> ::esker_sdk::Bytes),
        Type::Slice(slice) => {
            let element = &slice.elem;
            quote_spanned!(span=> ::esker_sdk::expansion::Vec<#element>)
        }
        other if is_named(other, "str") => quote_spanned!(span=> ::esker_sdk::expansion::String),
        other => quote!(#other),
    })
}

fn returned(ty: Type) -> Returned {
    match &ty {
        Type::Tuple(tuple) if tuple.elems.is_empty() => Returned::Nothing,
        Type::Tuple(_) => Returned::Several(ty),
        Type::Reference(reference) if is_static_text(reference) => Returned::Text(ty),
        _ => Returned::One(ty),
    }
}

/// Whether a type is `&'static str`.
fn is_static_text(reference: &TypeReference) -> bool {
    let lifetime = reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
    lifetime && reference.mutability.is_none() && is_named(&reference.elem, "str")
}

impl Method {
    /// Reads a method and takes this macro's attributes off it.
    pub fn parse(attributes: &mut Vec<Attribute>, signature: &Signature, results: &Results) -> syn::Result<Self> {
        let mut errors = Errors::default();
        let mut flag = |name: &str| errors.keep(take_flag(attributes, name)).flatten();
        let constructor = flag("constructor");
        let fallback = flag("fallback");
        let receive = flag("receive");
        let payable = flag("payable");
        let reentrant = flag("reentrant");
        let overrides = flag("overrides");
        let solidity = errors.keep(take_name(attributes)).flatten();
        let output_names = take(attributes, "returns").and_then(|attribute| errors.keep(output_names(&attribute)));
        let kind = match (constructor, fallback, receive) {
            (None, None, None) => Kind::Function,
            (Some(_), None, None) => Kind::Constructor,
            (None, Some(_), None) => Kind::Fallback,
            (None, None, Some(_)) => Kind::Receive,
            (_, Some(span), _) | (_, _, Some(span)) => {
                errors.at(span, "a method is one of #[constructor], #[fallback] and #[receive]");
                Kind::Function
            }
        };
        check_signature(signature, &mut errors);

        let (mut receiver, mut context, mut context_position) = (Access::None, Access::None, 0);
        let mut context_span = Span::call_site();
        let mut arguments = Vec::new();
        for input in &signature.inputs {
            match input {
                FnArg::Receiver(this) => {
                    if this.colon_token.is_some() || this.reference.is_none() {
                        errors.at(
                            this.span(),
                            "a method takes `&self` to read storage or `&mut self` to write it, and nothing else for self",
                        );
                    }
                    receiver = if this.mutability.is_some() { Access::Mutable } else { Access::Shared };
                }
                FnArg::Typed(parameter) => match context_access(&parameter.ty) {
                    Some(access) => {
                        if context != Access::None {
                            errors.at(parameter.span(), "one Context is enough");
                        }
                        context = access;
                        context_position = arguments.len();
                        context_span = parameter.span();
                    }
                    None => arguments.extend(errors.keep(argument(parameter))),
                },
            }
        }
        if context == Access::Mutable && receiver != Access::Mutable {
            errors.at(
                context_span,
                "`&mut Context` emits events and changes state, so the method needs `&mut self`; to read take `&Context`",
            );
        }
        if let Some(span) = payable
            && receiver != Access::Mutable
        {
            errors.at(span, "a payable method changes state: take `&mut self`");
        }
        if let Some(span) = reentrant
            && (receiver != Access::Mutable || kind != Kind::Function)
        {
            errors
                .at(span, "only ordinary methods with `&mut self` refuse re-entry, so #[reentrant] means nothing here");
        }
        if let Some(span) = constructor
            && receiver != Access::Mutable
        {
            errors.at(span, "a constructor writes storage: take `&mut self`");
        }
        let (value, error) = match &signature.output {
            ReturnType::Default => (None, None),
            ReturnType::Type(_, ty) => match results.split(ty) {
                Some((value, error)) => (Some(value), Some(error)),
                None => (Some((**ty).clone()), None),
            },
        };
        let returned = value.map_or(Returned::Nothing, returned);
        let output_names = output_names.unwrap_or_default();
        let count = match &returned {
            Returned::Nothing => 0,
            Returned::One(_) | Returned::Text(_) => 1,
            Returned::Several(Type::Tuple(tuple)) => tuple.elems.len(),
            Returned::Several(_) => output_names.len(),
        };
        if !output_names.is_empty() && output_names.len() != count {
            errors.at(
                signature.output.span(),
                format!("#[returns(…)] names what is returned, one for each: here {count}"),
            );
        }
        let method = Self {
            kind,
            ident: signature.ident.clone(),
            interface: None,
            is_renamed: solidity.is_some(),
            solidity: solidity.unwrap_or_else(|| camel_case(&signature.ident)),
            docs: docs(attributes),
            cfgs: cfgs(attributes),
            receiver,
            context,
            context_position,
            arguments,
            returned,
            output_names,
            error,
            payable: payable.is_some() || kind == Kind::Receive,
            reentrant: reentrant.is_some(),
            overrides: overrides.is_some(),
            is_generated: false,
        };
        method.check_kind(signature, &mut errors);
        if let Returned::One(ty) = &method.returned {
            errors.keep(check_returned(ty));
        }
        errors.finish()?;
        Ok(method)
    }

    fn check_kind(&self, signature: &Signature, errors: &mut Errors) {
        errors.keep(self.is_always_there(&self.cfgs));
        if self.kind == Kind::Function && self.solidity == "constructor" {
            errors.at(signature.ident.span(), "`constructor` is Solidity's own word: call the method something else");
        }
        if self.kind != Kind::Function && self.overrides {
            errors.at(signature.ident.span(), "only ordinary methods take the place of others: leave #[overrides] out");
        }
        let returns = !matches!(self.returned, Returned::Nothing);
        match self.kind {
            Kind::Function => {}
            Kind::Constructor => {
                if returns {
                    errors.at(signature.output.span(), "a constructor returns nothing, or Result<(), Error>");
                }
            }
            Kind::Fallback => {
                let takes_bytes = match &self.arguments[..] {
                    [] => true,
                    [only] => only.owned.to_string().ends_with("Bytes"),
                    _ => false,
                };
                let returns_bytes = match &self.returned {
                    Returned::Nothing => true,
                    Returned::One(ty) => is_named(ty, "Bytes"),
                    Returned::Several(_) | Returned::Text(_) => false,
                };
                if !takes_bytes || !returns_bytes || self.receiver == Access::None {
                    errors.at(
                        signature.span(),
                        "a fallback is `fn fallback(&mut self, input: &[u8]) -> Bytes`; context, input and output are optional",
                    );
                }
            }
            Kind::Receive => {
                if !self.arguments.is_empty() || returns || self.receiver != Access::Mutable {
                    errors.at(signature.span(), "a receive is `fn receive(&mut self)`; the context is optional");
                }
            }
        }
    }

    /// That a constructor, fallback or receive stands under no conditions.
    pub fn is_always_there(&self, conditions: &[Attribute]) -> syn::Result<()> {
        match conditions.first() {
            Some(cfg) if self.kind != Kind::Function => Err(syn::Error::new(
                cfg.span(),
                "constructor, fallback and receive are always there: put the #[cfg] on statements inside, or on the module",
            )),
            _ => Ok(()),
        }
    }

    /// The function itself.
    pub fn path(&self, contract: &TokenStream) -> TokenStream {
        let ident = &self.ident;
        match &self.interface {
            Some(interface) => quote_spanned!(ident.span()=> #interface::#ident),
            None => quote_spanned!(ident.span()=> <#contract>::#ident),
        }
    }

    /// The selector, as an expression.
    pub fn selector(&self) -> TokenStream {
        let (name, inputs) = (&self.solidity, self.parameters());
        match &self.interface {
            Some(interface) => {
                let (_, selector) = constants(&self.ident);
                quote!(#interface::#selector)
            }
            None => quote!(::esker_sdk::expansion::selector(#name, #inputs)),
        }
    }

    /// The state mutability's variant.
    pub fn mutability(&self) -> TokenStream {
        let variant = match (self.payable, self.receiver, self.context) {
            (true, ..) => quote!(Payable),
            (_, Access::Mutable, _) => quote!(NonPayable),
            (_, Access::Shared, _) | (_, _, Access::Shared | Access::Mutable) => quote!(View),
            (_, Access::None, Access::None) => quote!(Pure),
        };
        quote!(::esker_sdk::expansion::Mutability::#variant)
    }

    /// The arguments as ABI parameters.
    pub fn parameters(&self) -> TokenStream {
        let parameters = self.arguments.iter().map(|argument| {
            let (name, owned) = (camel_case(&argument.ident), &argument.owned);
            let shape = quote_spanned!(argument.ty.span()=> <#owned as ::esker_sdk::expansion::AbiType>::SHAPE);
            quote!(::esker_sdk::expansion::Parameter { name: #name, shape: #shape, indexed: false })
        });
        quote!(&[#(#parameters),*])
    }

    /// What it returns, as an `Output`.
    pub fn output(&self) -> TokenStream {
        match &self.returned {
            Returned::Nothing => quote!(()),
            Returned::One(ty) => quote_spanned!(ty.span()=> ::esker_sdk::expansion::One<#ty>),
            Returned::Text(_) => quote!(::esker_sdk::expansion::One<::esker_sdk::expansion::String>),
            Returned::Several(ty) => quote!(#ty),
        }
    }

    /// Bytes of the arguments' heads, as an expression.
    pub fn arguments_size(&self) -> TokenStream {
        let shapes = self.arguments.iter().map(|argument| {
            let owned = &argument.owned;
            quote_spanned!(argument.ty.span()=> <#owned as ::esker_sdk::expansion::AbiType>::SHAPE.head_size())
        });
        quote!(0 #(+ #shapes)*)
    }

    /// Whether the dispatcher refuses to run it when the contract is on the call stack already.
    pub fn is_guarded(&self) -> bool {
        self.kind == Kind::Function && self.receiver == Access::Mutable && !self.reentrant
    }
}

fn check_signature(signature: &Signature, errors: &mut Errors) {
    if let Some(token) = &signature.asyncness {
        errors.at(token.span(), "a contract's method cannot be async: a call runs to its end");
    }
    if let Some(token) = &signature.unsafety {
        errors.at(token.span(), "a contract's method cannot be unsafe: anybody may call it with anything");
    }
    if let Some(token) = &signature.abi {
        errors.at(token.span(), "a contract's method has no `extern` ABI: the dispatcher decodes its arguments");
    }
    if let Some(token) = &signature.variadic {
        errors.at(token.span(), "a contract's method cannot be variadic: take a Vec<T>");
    }
    errors.keep(no_generics(&signature.generics, "a contract's method"));
}

/// Whether a type is `&Context` or `&mut Context`.
fn context_access(ty: &Type) -> Option<Access> {
    match ty {
        Type::Reference(reference) if is_named(&reference.elem, "Context") => {
            Some(if reference.mutability.is_some() { Access::Mutable } else { Access::Shared })
        }
        _ => None,
    }
}

/// The names in `#[returns(amount, price)]`.
fn output_names(attribute: &Attribute) -> syn::Result<Vec<String>> {
    let names = attribute.parse_args_with(Punctuated::<Ident, Token![,]>::parse_terminated).map_err(|error| {
        syn::Error::new(error.span(), "write the names of what is returned as #[returns(amount, price)]")
    })?;
    Ok(names.iter().map(camel_case).collect())
}

/// Whether a type is a reference to a context.
pub fn is_context(ty: &Type) -> bool {
    context_access(ty).is_some()
}

fn check_returned(ty: &Type) -> syn::Result<()> {
    match ty {
        Type::Reference(_) => Err(syn::Error::new(
            ty.span(),
            "a method returns what it owns, or what the code holds: String or &'static str for &str, Bytes for &[u8], Vec<T> for &[T]",
        )),
        Type::ImplTrait(_) => {
            Err(syn::Error::new(ty.span(), "a method returns a type with a name: the ABI names concrete types"))
        }
        _ => Ok(()),
    }
}

fn argument(parameter: &syn::PatType) -> syn::Result<Argument> {
    if let Some(attribute) = parameter.attrs.first() {
        return Err(syn::Error::new(
            attribute.span(),
            "an argument has no attributes: the selector follows from all arguments; put a #[cfg] on the method",
        ));
    }
    let Pat::Ident(pattern) = &*parameter.pat else {
        return Err(syn::Error::new(parameter.pat.span(), "an argument has a name: it enters the ABI"));
    };
    if is_named(&parameter.ty, "Context") {
        return Err(syn::Error::new(parameter.ty.span(), "take the context as `&Context` or `&mut Context`"));
    }
    let (owned, is_reference) = match &*parameter.ty {
        Type::Reference(reference) => (owned(reference)?, true),
        Type::ImplTrait(ty) => {
            return Err(syn::Error::new(
                ty.span(),
                "a contract's method cannot be generic: the ABI names concrete types",
            ));
        }
        other => (quote!(#other), false),
    };
    Ok(Argument { ident: pattern.ident.clone(), ty: (*parameter.ty).clone(), owned, is_reference })
}
