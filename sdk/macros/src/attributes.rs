//! The attributes that mean something to these macros.

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Expr, ExprLit, Generics, Ident, Lit, Meta, spanned::Spanned};

/// Combines errors so that all of them are reported.
#[derive(Default)]
pub struct Errors(Option<syn::Error>);

impl Errors {
    pub fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    pub fn at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.push(syn::Error::new(span, message));
    }

    /// Keeps a result's error and gives its value.
    pub fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Takes the attribute `name` off an item, if it is there. It may be written with a path: `esker_sdk::event`.
pub fn take(attributes: &mut Vec<Attribute>, name: &str) -> Option<Attribute> {
    let index = attributes.iter().position(|attribute| is(attribute, name))?;
    Some(attributes.remove(index))
}

pub fn is(attribute: &Attribute, name: &str) -> bool {
    let path = attribute.path();
    path.is_ident(name)
        || (path.segments.len() == 2
            && path.segments[0].ident == "esker_sdk"
            && path.segments.last().is_some_and(|last| last.ident == name))
}

/// Takes a bare attribute off: `#[payable]`.
pub fn take_flag(attributes: &mut Vec<Attribute>, name: &str) -> syn::Result<Option<Span>> {
    let Some(attribute) = take(attributes, name) else { return Ok(None) };
    match &attribute.meta {
        Meta::Path(path) => Ok(Some(path.span())),
        _ => Err(syn::Error::new(attribute.span(), format!("#[{name}] takes no arguments"))),
    }
}

/// Takes `#[name = "…"]` off.
pub fn take_name(attributes: &mut Vec<Attribute>) -> syn::Result<Option<String>> {
    let Some(attribute) = take(attributes, "name") else { return Ok(None) };
    if let Meta::NameValue(pair) = &attribute.meta
        && let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value
    {
        let name = text.value();
        let mut letters = name.chars();
        let starts = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic() || matches!(letter, '_' | '$'));
        if starts && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '$')) {
            return Ok(Some(name));
        }
        return Err(syn::Error::new(text.span(), "not a Solidity name: write for example #[name = \"tokenURI\"]"));
    }
    Err(syn::Error::new(attribute.span(), "write the Solidity name as #[name = \"tokenURI\"]"))
}

/// The one word in an attribute's arguments, if there are any: `#[event(anonymous)]`.
pub fn option(arguments: TokenStream, attribute: &str, allowed: &str) -> syn::Result<bool> {
    if arguments.is_empty() {
        return Ok(false);
    }
    let span = arguments.span();
    match syn::parse2::<Ident>(arguments) {
        Ok(word) if word == allowed => Ok(true),
        _ => Err(syn::Error::new(span, format!("#[{attribute}] takes nothing or `{allowed}`"))),
    }
}

/// The arguments of an attribute that was taken off.
pub fn arguments(attribute: &Attribute) -> syn::Result<TokenStream> {
    match &attribute.meta {
        Meta::Path(_) => Ok(TokenStream::new()),
        Meta::List(list) => Ok(list.tokens.clone()),
        Meta::NameValue(_) => Err(syn::Error::new(attribute.span(), "write #[attribute] or #[attribute(…)]")),
    }
}

/// Refuses type parameters and lifetimes.
pub fn no_generics(generics: &Generics, what: &str) -> syn::Result<()> {
    if let Some(first) = generics.params.first() {
        return Err(syn::Error::new(first.span(), format!("{what} cannot be generic: the ABI names concrete types")));
    }
    match &generics.where_clause {
        Some(clause) => Err(syn::Error::new(clause.span(), format!("{what} cannot have a where clause"))),
        None => Ok(()),
    }
}

/// The conditions under which the item is compiled: what is generated for it stands under them too.
pub fn cfgs(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect()
}

/// The doc comments.
pub fn docs(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).cloned().collect()
}

/// The text of the doc comments, line by line.
pub fn doc_text(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).filter_map(|attribute| {
        match &attribute.meta {
            Meta::NameValue(pair) => match &pair.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
                // `#[doc = include_str!(…)]` and the like.
                _ => None,
            },
            _ => None,
        }
    });
    let lines: Vec<String> = lines.map(|line| line.trim().to_owned()).collect();
    lines.join("\n")
}

/// An event's and an error's fields are explained by their names: no documentation is asked of them.
pub fn undocumented() -> TokenStream {
    quote::quote!(#[allow(missing_docs, reason = "the names of fields and variants are Solidity's, and their documentation")])
}

/// `#[derive(…)]` of those of the traits that the item does not derive itself.
pub fn missing_derives(attributes: &[Attribute], wanted: &[&str]) -> TokenStream {
    let mut present = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        // A malformed derive is the compiler's to report.
        let _ = attribute.parse_nested_meta(|meta| {
            present.extend(meta.path.segments.last().map(|segment| segment.ident.to_string()));
            Ok(())
        });
    }
    let missing = wanted.iter().filter(|name| !present.iter().any(|derived| derived == *name));
    let missing: Vec<Ident> = missing.map(|name| Ident::new(name, Span::call_site())).collect();
    if missing.is_empty() { TokenStream::new() } else { quote::quote!(#[derive(#(#missing),*)]) }
}
