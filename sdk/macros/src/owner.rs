//! The contract or component whose module is being expanded, as its storage struct tells it.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{GenericParam, Generics, Ident, Type, Visibility};

use crate::storage;

/// Whose they are.
pub struct Owner {
    pub name: Ident,
    pub visibility: Visibility,
    /// A component's parameters, as the author wrote them; `None` for a contract.
    pub generics: Option<Generics>,
}

impl Owner {
    pub fn is_component(&self) -> bool {
        self.generics.is_some()
    }

    /// Whether its author gave it parameters.
    pub fn is_generic(&self) -> bool {
        self.parameters().next().is_some()
    }

    /// Whether a type is another one for each of the parameters.
    pub fn depends(&self, ty: &Type) -> bool {
        storage::mentions(ty, self.parameters())
    }

    pub fn parameters(&self) -> impl Iterator<Item = &GenericParam> {
        self.generics.iter().flat_map(|generics| &generics.params)
    }

    /// The parameters as they are declared, with defaults, each with a comma behind it.
    pub fn defaulted(&self) -> TokenStream {
        let declared = self.parameters();
        quote!(#(#declared,)*)
    }

    /// The parameters as they are declared, without defaults, each with a comma behind it.
    pub fn declared(&self) -> TokenStream {
        let declared = self.parameters().map(|parameter| {
            let mut parameter = parameter.clone();
            match &mut parameter {
                GenericParam::Type(parameter) => (parameter.eq_token, parameter.default) = (None, None),
                GenericParam::Const(parameter) => (parameter.eq_token, parameter.default) = (None, None),
                GenericParam::Lifetime(_) => {}
            }
            quote!(#parameter,)
        });
        quote!(#(#declared)*)
    }

    /// The parameters' names, each with a comma behind it.
    pub fn arguments(&self) -> TokenStream {
        let names = self.parameters().map(|parameter| match parameter {
            GenericParam::Type(parameter) => parameter.ident.to_token_stream(),
            GenericParam::Const(parameter) => parameter.ident.to_token_stream(),
            GenericParam::Lifetime(parameter) => parameter.lifetime.to_token_stream(),
        });
        quote!(#(#names,)*)
    }

    /// The type parameters as a tuple, for what has to mention them.
    pub fn types(&self) -> TokenStream {
        let types = self.parameters().filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(&parameter.ident),
            _ => None,
        });
        quote!((#(#types,)*))
    }

    /// The author's own conditions, each with a comma behind it.
    pub fn predicates(&self) -> TokenStream {
        let clause = self.generics.as_ref().and_then(|generics| generics.where_clause.as_ref());
        let predicates = clause.iter().flat_map(|clause| &clause.predicates);
        quote!(#(#predicates,)*)
    }

    /// The type itself.
    pub fn this(&self) -> TokenStream {
        let (name, arguments) = (&self.name, self.arguments());
        if self.is_component() { quote!(#name<#arguments __Host>) } else { quote!(#name) }
    }

    /// The type without an owner.
    pub fn unit(&self) -> TokenStream {
        let (name, arguments) = (&self.name, self.arguments());
        if self.is_component() { quote!(#name<#arguments ()>) } else { quote!(#name) }
    }

    /// `<…>` behind `impl`.
    pub fn introduced(&self) -> TokenStream {
        let declared = self.declared();
        if self.is_component() { quote!(<#declared __Host: ?::core::marker::Sized>) } else { quote!() }
    }

    /// The struct of a component's hooks.
    pub fn hooks(&self) -> Ident {
        format_ident!("{}Hooks", self.name, span = self.name.span())
    }

    /// `where …` for what needs the hooks.
    pub fn bounds(&self) -> TokenStream {
        let (this, hooks) = (self.this(), self.hooks());
        let (arguments, predicates) = (self.arguments(), self.predicates());
        if self.is_component() {
            quote!(where #predicates __Host: ::esker_sdk::expansion::Host<#this, Hooks = #hooks<#arguments __Host>>)
        } else {
            quote!()
        }
    }

    /// Opens it, with `__authority`.
    pub fn open(&self) -> TokenStream {
        let this = self.this();
        if self.is_component() {
            quote!(<__Host as ::esker_sdk::expansion::Host<#this>>::part(&__authority))
        } else {
            quote!(#this::__esker_root(&__authority))
        }
    }

    /// What a native run checks of a contract's storage in `root`.
    pub fn check(&self, root: &TokenStream) -> TokenStream {
        let name = &self.name;
        let message = format!(
            "fields of `{name}` were swapped or replaced in memory, which changes nothing in storage: swap their values, \
             with get and set"
        );
        quote! {
            if !::esker_sdk::expansion::StorageType::lies_at(#root, &::esker_sdk::expansion::Place::ROOT) {
                ::core::panic!(#message)
            }
        }
    }
}
