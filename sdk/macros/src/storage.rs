//! `#[storage]`.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Field, Fields, GenericParam, Ident, ItemStruct, LitStr, PathArguments, Type,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use crate::{
    attributes::{Errors, arguments, no_generics, option, take, take_flag},
    component_parts::{self, PartField},
    names::plain,
};

pub fn expand_attribute(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    option(arguments, "storage", "nested")?;
    let item: ItemStruct =
        syn::parse2(item).map_err(|error| syn::Error::new(error.span(), "#[storage] goes on a struct"))?;
    expand(&item, &Role::Nested)
}

/// Whose struct it is.
pub enum Role<'a> {
    /// A contract's own, with the fields that may be components.
    Contract(&'a [PartField]),
    /// A component's own.
    Component(&'a [PartField]),
    /// One that lies inside others.
    Nested,
}

impl Role<'_> {
    fn parts(&self) -> &[PartField] {
        match self {
            Self::Contract(parts) | Self::Component(parts) => parts,
            Self::Nested => &[],
        }
    }
}

/// Whether a type names one of these parameters.
pub fn mentions<'a>(ty: &Type, mut parameters: impl Iterator<Item = &'a GenericParam>) -> bool {
    fn names(tokens: TokenStream, found: &mut Vec<Ident>) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => found.push(ident),
                TokenTree::Group(group) => names(group.stream(), found),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    names(ty.to_token_stream(), &mut found);
    parameters.any(|parameter| match parameter {
        GenericParam::Type(parameter) => found.contains(&parameter.ident),
        GenericParam::Const(parameter) => found.contains(&parameter.ident),
        GenericParam::Lifetime(parameter) => found.contains(&parameter.lifetime.ident),
    })
}

/// Where a field was asked to go.
enum Placement {
    Next,
    Flat,
    Fixed(TokenStream),
}

/// Takes `#[flatten]` and `#[at("…")]` off a field.
fn placement(attributes: &mut Vec<Attribute>) -> syn::Result<Placement> {
    let flat = take_flag(attributes, "flatten")?;
    let Some(at) = take(attributes, "at") else {
        return Ok(if flat.is_some() { Placement::Flat } else { Placement::Next });
    };
    if flat.is_some() {
        return Err(syn::Error::new(
            at.span(),
            "a field with #[at(\"…\")] has a slot of its own, one with #[flatten] goes on where the others are: leave one out",
        ));
    }
    let text: LitStr = syn::parse2(arguments(&at)?).map_err(|_| syn::Error::new(at.span(), SLOTS))?;
    Ok(Placement::Fixed(fixed_slot(&text)?))
}

const SLOTS: &str = "say which slot: #[at(\"erc7201:example.main\")], #[at(\"eip1967:implementation\")] (or admin, beacon), \
                     or its number as #[at(\"0x…\")]";

/// The expression of the slot that `text` names.
fn fixed_slot(text: &LitStr) -> syn::Result<TokenStream> {
    let value = text.value();
    let refuse = |message: &str| Err(syn::Error::new(text.span(), message));
    if let Some(id) = value.strip_prefix("erc7201:") {
        if id.is_empty() || id.contains(char::is_whitespace) {
            return refuse("an ERC-7201 namespace has a name without spaces: #[at(\"erc7201:example.main\")]");
        }
        return Ok(quote!(::esker_sdk::expansion::erc7201_slot(#id)));
    }
    if let Some(name) = value.strip_prefix("eip1967:") {
        if !["implementation", "admin", "beacon"].contains(&name) {
            return refuse("EIP-1967 has the slots eip1967:implementation, eip1967:admin and eip1967:beacon");
        }
        let label = format!("eip1967.proxy.{name}");
        return Ok(quote!(::esker_sdk::expansion::eip1967_slot(#label)));
    }
    let Some(digits) = value.strip_prefix("0x") else { return refuse(SLOTS) };
    if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return refuse("a slot's number is 0x and up to 64 hexadecimal digits");
    }
    let padded = format!("{digits:0>64}");
    let bytes = (0..32).filter_map(|index| u8::from_str_radix(padded.get(2 * index..2 * index + 2)?, 16).ok());
    Ok(quote!(::esker_sdk::expansion::slot_from([#(#bytes),*])))
}

/// Puts a stand-in where a struct's own type is what a mapping or an array holds: its description would have no end.
/// Elsewhere a struct cannot hold its own kind, but name it.
struct Recursion<'a> {
    name: &'a Ident,
    /// The struct that describes it.
    described: &'a TokenStream,
    /// Its parameters, as they are written behind its name.
    parameters: &'a [String],
    is_held: bool,
    errors: &'a mut Errors,
}

impl VisitMut for Recursion<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        let Type::Path(path) = ty else { return visit_mut::visit_type_mut(self, ty) };
        let Some(last) = path.path.segments.last() else { return };
        // A longer path leads to another struct of that name.
        if self.is_held && path.path.segments.len() == 1 && last.ident == *self.name {
            let written: Vec<String> = match &last.arguments {
                PathArguments::AngleBracketed(list) => {
                    list.args.iter().map(|argument| argument.to_token_stream().to_string()).collect()
                }
                _ => Vec::new(),
            };
            if written != self.parameters {
                let parameters = self.parameters.join(", ");
                self.errors.at(
                    last.span(),
                    format!(
                        "a storage struct holds its own kind with its own parameters only: `{}<{parameters}>`",
                        self.name
                    ),
                );
            }
            let described = self.described;
            *ty = syn::parse_quote!(::esker_sdk::expansion::Again<#described>);
            return;
        }
        let was_held = self.is_held;
        self.is_held |= ["Map", "List", "Array", "Vec"].iter().any(|container| last.ident == container);
        visit_mut::visit_type_mut(self, ty);
        self.is_held = was_held;
    }
}

/// The parameters of a struct as they are written behind its name, without the one that its author does not see.
fn written(item: &ItemStruct) -> Vec<String> {
    let parameters = item.generics.params.iter().map(|parameter| match parameter {
        GenericParam::Type(parameter) => parameter.ident.to_string(),
        GenericParam::Const(parameter) => parameter.ident.to_string(),
        GenericParam::Lifetime(parameter) => parameter.lifetime.to_string(),
    });
    parameters.filter(|name| name != "__Host").collect()
}

/// Puts a struct's name where its fields say `Self`: what is said of them stands outside of the struct too.
struct OwnName(Type);

impl VisitMut for OwnName {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::Path(path) if path.path.is_ident("Self") => *ty = self.0.clone(),
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }
}

/// A field's type with stand-ins for the struct's own, which `name` and `parameters` are and `described` describes.
pub fn without_itself(
    ty: &Type,
    name: &Ident,
    parameters: &[String],
    described: &TokenStream,
    errors: &mut Errors,
) -> Type {
    let mut ty = ty.clone();
    Recursion { name, described, parameters, is_held: false, errors }.visit_type_mut(&mut ty);
    ty
}

/// The struct, and what opens it at a place.
pub fn expand(item: &ItemStruct, role: &Role<'_>) -> syn::Result<TokenStream> {
    expand_described(item, role, &[])
}

/// The same, with other types than the fields' own to describe them by, for those fields for which there are any.
pub fn expand_described(item: &ItemStruct, role: &Role<'_>, described: &[Type]) -> syn::Result<TokenStream> {
    let is_root = matches!(role, Role::Contract(_));
    if is_root {
        no_generics(&item.generics, "a contract's own storage struct")?;
    }
    let mut item = item.clone();
    let own_type = {
        let (name, (_, parameters, _)) = (&item.ident, item.generics.split_for_impl());
        syn::parse_quote!(#name #parameters)
    };
    OwnName(own_type).visit_fields_mut(&mut item.fields);
    let mut errors = Errors::default();
    let fields: Vec<(Field, Placement)> = match &mut item.fields {
        Fields::Named(fields) => {
            let read = |field: &mut Field| {
                let placement = errors.keep(placement(&mut field.attrs))?;
                Some((field.clone(), placement))
            };
            fields.named.iter_mut().filter_map(read).collect()
        }
        Fields::Unit => Vec::new(),
        Fields::Unnamed(fields) => {
            return Err(syn::Error::new(fields.span(), "a storage struct's fields have names: struct Token { … }"));
        }
    };
    errors.finish()?;
    let name = &item.ident;
    let (generics, parameters, bounds) = item.generics.split_for_impl();
    let is_generic = !item.generics.params.is_empty();

    let pieces = fields.iter().map(|(Field { ty, .. }, placement)| {
        let (place, slot) = match placement {
            Placement::Next => (quote!(next), quote!()),
            Placement::Flat => (quote!(flat), quote!()),
            Placement::Fixed(slot) => (quote!(fixed), quote!(#slot,)),
        };
        // Not as the type parameter of a function: a type that cannot be stored would be reported twice.
        quote_spanned! {ty.span()=>
            ::esker_sdk::expansion::Piece::#place(
                #slot
                <#ty as ::esker_sdk::expansion::StorageType>::SIZE,
                <#ty as ::esker_sdk::expansion::StorageType>::PIECES,
            )
        }
    });
    let clear = fields.iter().map(|(Field { ty, ident, .. }, _)| {
        quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::StorageType>::clear(&mut self.#ident);)
    });
    // What depends on a struct's parameters is known where it is a field, and where it is opened, only.
    let (mut valid, mut owned_inside, mut valid_inside) = (Vec::new(), Vec::new(), Vec::new());
    for (Field { ty, ident, .. }, _) in &fields {
        // What every component has, see `component::with_host`.
        if ident.as_ref().is_some_and(|ident| ident == "__host") {
            continue;
        }
        let part = role.parts().iter().find(|part| Some(&part.ident) == ident.as_ref());
        let is_valid = quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::StorageType>::VALID);
        let has_owner = part.map_or_else(
            || quote_spanned!(ty.span()=> !<#ty as ::esker_sdk::expansion::StorageType>::HAS_COMPONENT),
            PartField::has_owner,
        );
        let written = part.map_or(ty, |part| &part.ty);
        let owned = quote_spanned!(written.span()=> ::esker_sdk::expansion::assert_owner(#has_owner));
        if !mentions(written, item.generics.params.iter()) {
            valid.push(quote!(const _: () = #owned;));
            if part.is_none() {
                valid.push(quote!(const _: () = #is_valid;));
                continue;
            }
        } else {
            owned_inside.push(owned);
        }
        valid_inside.push(is_valid);
    }
    if !is_generic {
        valid.extend(valid_inside.drain(..).map(|is_valid| quote!(const _: () = #is_valid;)));
    }
    let valid_inside = (!valid_inside.is_empty()).then(|| {
        quote!(const {
            <Self as ::esker_sdk::expansion::StorageType>::VALID;
            #(#valid_inside;)*
        })
    });
    let owned_inside = (!owned_inside.is_empty()).then(|| quote!(const VALID: () = { #(#owned_inside;)* };));
    let is_component = matches!(role, Role::Component(_));
    let components = fields.iter().map(
        |(Field { ty, .. }, _)| quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::StorageType>::HAS_COMPONENT),
    );
    let has_component = quote!(#is_component #(|| #components)*);
    let apart = fields.iter().enumerate().filter(|_| is_root).map(|(index, (field, _))| {
        quote_spanned! {field.ident.span()=>
            const _: () = ::esker_sdk::expansion::check_piece(
                <#name as ::esker_sdk::expansion::StorageType>::PIECES,
                #index,
            );
        }
    });
    let place = |index: usize, placement: &Placement| match placement {
        Placement::Fixed(slot) => quote!(::esker_sdk::expansion::Place::at(const { #slot })),
        _ => quote! {
            __base.field(const {
                ::esker_sdk::expansion::field_place(
                    <__A as ::esker_sdk::expansion::At>::CURSOR,
                    <Self as ::esker_sdk::expansion::StorageType>::PIECES,
                    #index,
                )
            })
        },
    };
    let open = fields.iter().enumerate().map(|(index, (Field { ty, ident, .. }, placement))| {
        let opened = match placement {
            Placement::Flat => quote_spanned! {ty.span()=>
                <#ty as ::esker_sdk::expansion::StorageStruct>::open_in::<
                    __B,
                    ::esker_sdk::expansion::Within<__A, Self, #index>,
                >(__base, __authority)
            },
            _ => {
                let place = place(index, placement);
                quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::StorageType>::open(#place, __authority))
            }
        };
        quote!(#ident: #opened)
    });
    let lies = fields.iter().enumerate().map(|(index, (Field { ty, ident, .. }, placement))| match placement {
        Placement::Flat => quote_spanned! {ty.span()=>
            && <#ty as ::esker_sdk::expansion::StorageStruct>::lies_in::<
                __B,
                ::esker_sdk::expansion::Within<__A, Self, #index>,
            >(&self.#ident, __base)
        },
        _ => {
            let place = place(index, placement);
            quote_spanned!(ty.span()=> && <#ty as ::esker_sdk::expansion::StorageType>::lies_at(&self.#ident, &#place))
        }
    });
    let value = match item.fields {
        Fields::Unit => quote!(Self),
        _ => quote!(Self { #(#open),* }),
    };
    let root = (!is_generic).then(|| {
        quote! {
            #[automatically_derived]
            impl #name {
                /// The contract's storage, for its dispatcher.
                #[doc(hidden)]
                #[allow(dead_code, reason = "only a contract's own storage struct is opened at the root")]
                #[cfg_attr(target_arch = "wasm32", inline(never))]
                fn __esker_root(__authority: &::esker_sdk::Authority) -> Self {
                    <Self as ::esker_sdk::expansion::StorageStruct>::open_in::<
                        ::esker_sdk::expansion::Root,
                        ::esker_sdk::expansion::Origin,
                    >(&::esker_sdk::expansion::Root, __authority)
                }
            }
        }
    });
    let title = plain(name);
    let own_parameters = written(&item);
    let mut errors = Errors::default();
    let members: Vec<_> = fields
        .iter()
        .enumerate()
        .map(|(index, (Field { ty, ident, .. }, _))| {
            let label = ident.as_ref().map(plain).unwrap_or_default();
            let ty = match described.get(index) {
                Some(ty) => ty.clone(),
                None => without_itself(ty, name, &own_parameters, &quote!(#name #parameters), &mut errors),
            };
            let layout = quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::StorageType>::LAYOUT);
            quote!(::esker_sdk::expansion::Member { label: #label, layout: #layout })
        })
        .collect();
    errors.finish()?;
    let no_component = component_parts::plain_struct(&item);
    Ok(quote! {
        #item

        #no_component

        #(#valid)*

        #(#apart)*

        const _: () = {
            #root

            #[automatically_derived]
            impl #generics ::esker_sdk::expansion::StorageStruct for #name #parameters #bounds {
                const NAME: &'static str = #title;
                const MODULE: &'static str = ::core::module_path!();

                #[allow(unused_variables, reason = "a struct without fields lies nowhere")]
                #[inline(always)]
                fn open_in<__B: ::esker_sdk::expansion::Base, __A: ::esker_sdk::expansion::At>(
                    __base: &__B,
                    __authority: &::esker_sdk::Authority,
                ) -> Self {
                    #valid_inside
                    #value
                }

                #[cfg(not(target_arch = "wasm32"))]
                #[allow(unused_variables, reason = "a struct without fields lies nowhere")]
                fn lies_in<__B: ::esker_sdk::expansion::Base, __A: ::esker_sdk::expansion::At>(
                    &self,
                    __base: &__B,
                ) -> bool {
                    true #(#lies)*
                }
            }

            #[automatically_derived]
            impl #generics ::esker_sdk::expansion::StorageType for #name #parameters #bounds {
                const SIZE: ::esker_sdk::expansion::Size =
                    ::esker_sdk::expansion::struct_size(<Self as ::esker_sdk::expansion::StorageType>::PIECES);

                const LAYOUT: &'static ::esker_sdk::expansion::Layout =
                    &::esker_sdk::expansion::Layout::Struct(&::esker_sdk::expansion::StructLayout {
                        name: <Self as ::esker_sdk::expansion::StorageStruct>::NAME,
                        module: <Self as ::esker_sdk::expansion::StorageStruct>::MODULE,
                        members: &[#(#members),*],
                        pieces: <Self as ::esker_sdk::expansion::StorageType>::PIECES,
                        size: <Self as ::esker_sdk::expansion::StorageType>::SIZE,
                    });

                const PIECES: &'static [::esker_sdk::expansion::Piece] = &[#(#pieces),*];

                const HAS_COMPONENT: bool = #has_component;

                #owned_inside

                fn open(__place: ::esker_sdk::expansion::Place, __authority: &::esker_sdk::Authority) -> Self {
                    <Self as ::esker_sdk::expansion::StorageStruct>::open_in::<
                        ::esker_sdk::expansion::Place,
                        ::esker_sdk::expansion::Origin,
                    >(&__place, __authority)
                }

                fn clear(&mut self) {
                    #(#clear)*
                }

                #[cfg(not(target_arch = "wasm32"))]
                fn lies_at(&self, __place: &::esker_sdk::expansion::Place) -> bool {
                    <Self as ::esker_sdk::expansion::StorageStruct>::lies_in::<
                        ::esker_sdk::expansion::Place,
                        ::esker_sdk::expansion::Origin,
                    >(self, __place)
                }
            }

            #[automatically_derived]
            impl #generics ::esker_sdk::expansion::Stored for #name #parameters #bounds {
                type Handle = Self;
            }
        };
    })
}
