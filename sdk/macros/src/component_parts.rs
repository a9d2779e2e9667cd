//! The fields of a contract or component that may be components: each gets a type that names it, by which the component
//! finds its owner's hooks and the dispatcher finds the component.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Fields, GenericParam, Ident, ItemStruct, Meta, Token, Type, parse_quote, punctuated::Punctuated, spanned::Spanned,
};

use crate::{
    attributes::{Errors, take},
    hook,
    names::plain,
    owner::Owner,
};

/// The SDK's own storage types, which are no components, and values that are mistaken for them: what is wrong there is said
/// once and not of the component that they might have been.
const OTHER_TYPES: [&str; 27] = [
    "Address",
    "Array",
    "B256",
    "Blob",
    "Bytes",
    "Cell",
    "FixedBytes",
    "I256",
    "Int",
    "List",
    "Map",
    "Option",
    "PhantomData",
    "String",
    "Text",
    "TransientCell",
    "U256",
    "Uint",
    "Vec",
    "bool",
    "i128",
    "i64",
    "u128",
    "u16",
    "u32",
    "u64",
    "u8",
];

/// A field that may be a component.
pub struct PartField {
    pub ident: Ident,
    /// As written.
    pub ty: Type,
    /// The type that names it.
    marker: Ident,
    /// Which methods are exposed, if any.
    exposed: Option<Exposed>,
}

struct Exposed {
    span: Span,
    /// All, if `None`.
    methods: Option<Vec<Ident>>,
}

/// Reads `#[expose]` off the fields, and gives the fields that may be components the type that has their owner in it.
pub fn fields(item: &mut ItemStruct, owner: &Owner) -> syn::Result<Vec<PartField>> {
    let mut errors = Errors::default();
    let mut found = Vec::new();
    let Fields::Named(fields) = &mut item.fields else { return Ok(found) };
    for field in &mut fields.named {
        let exposed = take(&mut field.attrs, "expose").and_then(|attribute| {
            let methods = match &attribute.meta {
                Meta::Path(_) => Ok(None),
                Meta::List(list) => {
                    let names = list.parse_args_with(Punctuated::<Ident, Token![,]>::parse_terminated);
                    names.map(|names| Some(names.into_iter().collect()))
                }
                Meta::NameValue(_) => Err(syn::Error::new(attribute.span(), "")),
            };
            let methods = methods.map_err(|_| {
                syn::Error::new(
                    attribute.span(),
                    "write #[expose] for all of the component's methods, or name some: #[expose(transfer, balance_of)]",
                )
            });
            errors.keep(methods).map(|methods| Exposed { span: attribute.path().span(), methods })
        });
        let Some(ident) = field.ident.clone() else { continue };
        if !may_be_component(&field.ty, owner) {
            if let Some(exposed) = exposed {
                errors
                    .at(exposed.span, "this field is no component, so there is nothing to expose: leave #[expose] out");
            }
            continue;
        }
        let marker = format_ident!("__{}_{}", owner.name, plain(&ident), span = ident.span());
        let part = PartField { ident, ty: field.ty.clone(), marker, exposed };
        field.ty = Type::Verbatim(part.field_type(owner));
        found.push(part);
    }
    errors.finish()?;
    Ok(found)
}

fn may_be_component(ty: &Type, owner: &Owner) -> bool {
    let path = match ty {
        // What a macro was given is in a group.
        Type::Group(group) => return may_be_component(&group.elem, owner),
        Type::Paren(paren) => return may_be_component(&paren.elem, owner),
        Type::Path(path) => path,
        _ => return false,
    };
    if path.qself.is_some() {
        return false;
    }
    let Some(last) = path.path.segments.last() else { return false };
    let is_parameter = path.path.get_ident().is_some_and(|ident| {
        owner.parameters().any(|parameter| matches!(parameter, GenericParam::Type(ty) if ty.ident == *ident))
    });
    !is_parameter && !OTHER_TYPES.iter().any(|name| last.ident == name)
}

impl PartField {
    fn marker_type(&self, owner: &Owner) -> TokenStream {
        let (marker, arguments) = (&self.marker, owner.arguments());
        if owner.is_component() { quote!(#marker<#arguments __Host>) } else { quote!(#marker) }
    }

    fn through(&self) -> Ident {
        format_ident!("{}_through", self.marker)
    }

    /// The way to it, behind the way to its owner.
    fn through_type(&self, owner: &Owner) -> TokenStream {
        let (through, arguments) = (self.through(), owner.arguments());
        quote!(#through<#arguments __A>)
    }

    /// `<Erc20 as Embed<…>>`.
    fn embed(&self, owner: &Owner) -> TokenStream {
        let (ty, marker) = (&self.ty, self.marker_type(owner));
        quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::Embed<#marker>>)
    }

    fn attached(&self, owner: &Owner) -> TokenStream {
        let (ty, marker) = (&self.ty, self.marker_type(owner));
        quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::Attached<#marker>>)
    }

    fn field_type(&self, owner: &Owner) -> TokenStream {
        let embed = self.embed(owner);
        quote_spanned!(self.ty.span()=> #embed::Field)
    }

    /// The field of the struct of hooks.
    pub fn hooks_type(&self, owner: &Owner) -> TokenStream {
        let embed = self.embed(owner);
        quote_spanned!(self.ty.span()=> #embed::Hooks)
    }

    /// Whether it is a component, which has this owner, or holds none.
    pub fn has_owner(&self) -> TokenStream {
        let ty = &self.ty;
        quote_spanned! {ty.span()=>
            <#ty as ::esker_sdk::expansion::Embed<()>>::PART.is_component
                || !<<#ty as ::esker_sdk::expansion::Embed<()>>::Field as ::esker_sdk::expansion::StorageType>::HAS_COMPONENT
        }
    }

    /// Whether any of its methods are exposed.
    pub fn is_exposed(&self) -> bool {
        self.exposed.is_some()
    }

    fn filter(&self) -> TokenStream {
        let filter = match &self.exposed {
            None => quote!(Nothing),
            Some(Exposed { methods: None, .. }) => quote!(All),
            Some(Exposed { methods: Some(methods), .. }) => {
                let names = methods.iter().map(plain);
                quote!(Only(&[#(#names),*]))
            }
        };
        quote!(::esker_sdk::expansion::Filter::#filter)
    }

    /// What it brings into the ABI, as an entry of `Part::fields`.
    pub fn entry(&self, owner: &Owner) -> TokenStream {
        let (embed, filter) = (self.embed(owner), self.filter());
        let part = quote_spanned!(self.ty.span()=> #embed::PART);
        quote!(::esker_sdk::expansion::PartField { part: #part, filter: #filter })
    }

    /// The hooks, with those that the owner implements.
    pub fn hooks(&self, owner: &Owner, implementations: &[hook::Implementation]) -> TokenStream {
        let attached = self.attached(owner);
        let set = implementations.iter().filter(|one| one.path[0] == self.ident).map(|one| {
            let (fields, function) = (&one.path[1..], one.closure(owner, &attached));
            quote_spanned!(one.span()=> __hooks.#(#fields).* = #function;)
        });
        quote! {{
            #[allow(unused_mut, reason = "perhaps the owner implements none")]
            let mut __hooks = #attached::DEFAULTS;
            #(#set)*
            __hooks
        }}
    }

    /// The types that name the field, and what they say of it.
    pub fn expand(&self, owner: &Owner, implementations: &[hook::Implementation]) -> TokenStream {
        let (marker, ident, visibility) = (&self.marker, &self.ident, &owner.visibility);
        let (declared, types, predicates) = (owner.declared(), owner.types(), owner.predicates());
        let (introduced, bounds, this) = (owner.introduced(), owner.bounds(), owner.this());
        let (embed, marker_type, open) = (self.embed(owner), self.marker_type(owner), owner.open());
        let field_type = self.field_type(owner);
        let (definition, hooks) = if owner.is_component() {
            let definition = quote! {
                #visibility struct #marker<#declared __Host: ?::core::marker::Sized>(
                    ::core::marker::PhantomData<#types>,
                    ::core::marker::PhantomData<__Host>,
                ) where #predicates;
            };
            (definition, quote!(<__Host as ::esker_sdk::expansion::Host<#this>>::HOOKS.#ident))
        } else {
            (quote!(#visibility enum #marker {}), self.hooks(owner, implementations))
        };
        let access = self.access(owner);
        let checks = self.checks(owner);
        quote! {
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code, reason = "it only names a field")]
            #definition

            #[automatically_derived]
            impl #introduced ::esker_sdk::expansion::Host<#field_type> for #marker_type #bounds {
                type Hooks = #embed::Hooks;
                const HOOKS: Self::Hooks = #hooks;
                #[inline(always)]
                fn part(__authority: &::esker_sdk::Authority) -> #field_type {
                    #open.#ident
                }
            }

            #access

            #checks
        }
    }

    /// The way to it, for the dispatcher.
    fn access(&self, owner: &Owner) -> TokenStream {
        if self.exposed.is_none() {
            return TokenStream::new();
        }
        let (marker, ident, visibility, this) = (&self.marker, &self.ident, &owner.visibility, owner.this());
        let (filter, field_type) = (self.filter(), self.field_type(owner));
        if !owner.is_component() {
            let check = owner.check(&quote!(__root));
            return quote! {
                #[automatically_derived]
                impl ::esker_sdk::expansion::Exposes for #marker {
                    const WAY: ::esker_sdk::expansion::Way<'static> =
                        ::esker_sdk::expansion::Way { filter: #filter, around: ::core::option::Option::None };
                }

                #[automatically_derived]
                impl ::esker_sdk::expansion::Access for #marker {
                    type Root = #this;
                    type Part = #field_type;
                    const REFUSED_COINS: bool = __ESKER_NONE_PAYABLE;
                    #[inline(always)]
                    fn part(__root: &#this) -> &#field_type {
                        &__root.#ident
                    }
                    #[inline(always)]
                    fn part_mut(__root: &mut #this) -> &mut #field_type {
                        &mut __root.#ident
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    fn check(__root: &#this) {
                        #check
                    }
                }
            };
        }
        let (through, declared, predicates) = (self.through(), owner.declared(), owner.predicates());
        let (through_type, types, unit) = (self.through_type(owner), owner.types(), owner.unit());
        quote! {
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code, reason = "it only names a way")]
            #visibility struct #through<#declared __A>(
                ::core::marker::PhantomData<#types>,
                ::core::marker::PhantomData<__A>,
            ) where #predicates;

            #[automatically_derived]
            impl<#declared __A: ::esker_sdk::expansion::Exposes> ::esker_sdk::expansion::Exposes for #through_type
            where #predicates
            {
                const WAY: ::esker_sdk::expansion::Way<'static> = ::esker_sdk::expansion::Way {
                    filter: #filter,
                    around: ::core::option::Option::Some((
                        <#unit as ::esker_sdk::expansion::Embed<()>>::PART,
                        &<__A as ::esker_sdk::expansion::Exposes>::WAY,
                    )),
                };
            }

            #[automatically_derived]
            impl<#declared __Host: ?::core::marker::Sized, __A> ::esker_sdk::expansion::Access for #through_type
            where
                #predicates
                __A: ::esker_sdk::expansion::Access<Part = #this>,
            {
                type Root = __A::Root;
                type Part = #field_type;
                const REFUSED_COINS: bool = __A::REFUSED_COINS;
                #[inline(always)]
                fn part(__root: &__A::Root) -> &#field_type {
                    &__A::part(__root).#ident
                }
                #[inline(always)]
                fn part_mut(__root: &mut __A::Root) -> &mut #field_type {
                    &mut __A::part_mut(__root).#ident
                }
                #[cfg(not(target_arch = "wasm32"))]
                fn check(__root: &__A::Root) {
                    __A::check(__root);
                }
            }
        }
    }

    /// That what is exposed is there. What depends on a component's parameters is checked where the component is a field.
    fn checks(&self, owner: &Owner) -> TokenStream {
        let Some(exposed) = &self.exposed else { return TokenStream::new() };
        if owner.depends(&self.ty) {
            return TokenStream::new();
        }
        let ty = &self.ty;
        let part = quote_spanned!(ty.span()=> <#ty as ::esker_sdk::expansion::Embed<()>>::PART);
        let component = quote_spanned! {exposed.span=>
            const _: () = ::esker_sdk::expansion::assert_component(#part);
        };
        let methods = exposed.methods.iter().flatten().map(|method| {
            let name = plain(method);
            quote_spanned!(method.span()=> const _: () = ::esker_sdk::expansion::assert_method(#part, #name);)
        });
        quote!(#component #(#methods)*)
    }

    /// Asks the exposed methods: an expression that is true if one ran.
    pub fn call(&self, owner: &Owner) -> Option<TokenStream> {
        self.exposed.as_ref()?;
        let attached = self.attached(owner);
        let access = if owner.is_component() { self.through_type(owner) } else { self.marker_type(owner) };
        let authority = if owner.is_component() { quote!(__authority) } else { quote!(&__authority) };
        Some(quote!(#attached::call::<#access>(__selector, __root, __decoder, __encoder, #authority)))
    }

    /// Its handle in front of `next`.
    fn handle(&self, owner: &Owner, next: &TokenStream) -> Option<TokenStream> {
        self.exposed.as_ref()?;
        let ty = &self.ty;
        let exposes = if owner.is_component() { self.through_type(owner) } else { self.marker_type(owner) };
        Some(quote!(<#ty as ::esker_sdk::expansion::Embed<()>>::Handle<#exposes, #next>))
    }
}

/// The handles of a contract's or component's exposed fields.
pub struct Handles {
    /// All in a row, each of which gives the next one by `Deref`.
    pub row: TokenStream,
    /// Each by itself, by the field's name.
    pub fields: Vec<(Ident, TokenStream)>,
}

impl Handles {
    /// Those of `parts`, the row with `end` behind it; `None` if nothing is exposed.
    pub fn of(parts: &[PartField], owner: &Owner, end: &TokenStream) -> Option<Self> {
        let mut row = None;
        for part in parts.iter().rev() {
            let next = row.clone().unwrap_or_else(|| end.clone());
            row = part.handle(owner, &next).or(row);
        }
        let alone = quote!(::esker_sdk::expansion::End);
        let fields = parts.iter().filter_map(|part| Some((part.ident.clone(), part.handle(owner, &alone)?)));
        Some(Self { row: row?, fields: fields.collect() })
    }

    /// The fields of a handle.
    pub fn declared(this: Option<&Self>) -> TokenStream {
        let fields = this.into_iter().flat_map(|this| &this.fields).map(|(ident, ty)| {
            let doc = format!("The methods of `{}` alone.", plain(ident));
            quote!(#[doc = #doc] pub #ident: #ty,)
        });
        quote!(#(#fields)*)
    }

    /// The fields' values, of `address`.
    pub fn made(this: Option<&Self>) -> TokenStream {
        let fields = this.into_iter().flat_map(|this| &this.fields);
        let fields = fields.map(|(ident, _)| quote!(#ident: ::core::convert::From::from(address),));
        quote!(#(#fields)*)
    }
}

/// That a storage struct is no component.
pub fn plain_struct(item: &ItemStruct) -> TokenStream {
    let mut generics = item.generics.clone();
    if generics.params.iter().any(|parameter| matches!(parameter, GenericParam::Type(ty) if ty.ident == "__Host")) {
        return TokenStream::new();
    }
    let name = &item.ident;
    let (_, parameters, bounds) = item.generics.split_for_impl();
    generics.params.push(parse_quote!(__H: ?::core::marker::Sized));
    let (introduced, _, _) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #introduced ::esker_sdk::expansion::Embed<__H> for #name #parameters #bounds {
            type Field = Self;
            type Hooks = ();
            const PART: &'static ::esker_sdk::expansion::Part = ::esker_sdk::expansion::Part::NONE;
            type Handle<__F: ::esker_sdk::expansion::Exposes, __N: ::esker_sdk::expansion::PartHandle> = __N;
        }

        #[automatically_derived]
        impl #introduced ::esker_sdk::expansion::Attached<__H> for #name #parameters #bounds {
            const DEFAULTS: () = ();
            fn call<__A: ::esker_sdk::expansion::Access<Part = Self>>(
                _: u32,
                _: &mut __A::Root,
                _: &mut ::esker_sdk::expansion::Decoder<'_>,
                _: &mut ::esker_sdk::expansion::Encoder,
                _: &::esker_sdk::Authority,
            ) -> bool {
                false
            }
        }
    }
}
