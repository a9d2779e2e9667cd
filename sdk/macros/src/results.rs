//! Which types are `Result`s, and of what.

use proc_macro2::Ident;
use syn::{
    GenericArgument, GenericParam, Item, ItemType, PathArguments, Type, TypePath, parse_quote,
    visit_mut::{self, VisitMut},
};

use crate::method::last_segment;

/// The aliases that a module defines, and its types.
#[derive(Default)]
pub struct Results {
    aliases: Vec<ItemType>,
    own_types: Vec<Ident>,
}

impl Results {
    pub fn of(items: &[Item]) -> Self {
        let mut this = Self::default();
        for item in items {
            match item {
                Item::Type(alias) => this.aliases.push(alias.clone()),
                Item::Struct(item) => this.own_types.push(item.ident.clone()),
                Item::Enum(item) => this.own_types.push(item.ident.clone()),
                _ => {}
            }
        }
        this
    }

    /// The value's and the error's type, if `ty` is a `Result`: by its own name, `CallResult`, or an alias of this module.
    /// What an alias from elsewhere has for an error the compiler says.
    pub fn split(&self, ty: &Type) -> Option<(Type, Type)> {
        // An alias that leads to itself is rustc's to refuse.
        self.split_within(ty, self.aliases.len())
    }

    fn split_within(&self, ty: &Type, depth: usize) -> Option<(Type, Type)> {
        let segment = last_segment(ty)?;
        let mut types: Vec<Type> = match &segment.arguments {
            PathArguments::AngleBracketed(arguments) => arguments
                .args
                .iter()
                .filter_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(ty.clone()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        let is_local = matches!(ty, Type::Path(path) if path.path.segments.len() == 1);
        if is_local {
            if let Some(alias) = self.aliases.iter().find(|alias| alias.ident == segment.ident) {
                return self.split_within(&substituted(alias, &types), depth.checked_sub(1)?);
            }
            if self.own_types.contains(&segment.ident) {
                return None;
            }
        }
        let is_result = segment.ident == "Result";
        if !is_result && segment.ident != "CallResult" {
            return None;
        }
        if is_result && types.len() == 2 {
            let error = types.pop()?;
            return Some((types.pop()?, error));
        }
        let error = parse_quote!(<#ty as ::esker_sdk::expansion::Fallible>::Error);
        Some((types.into_iter().next().unwrap_or_else(|| parse_quote!(())), error))
    }
}

/// The aliased type with these arguments.
fn substituted(alias: &ItemType, arguments: &[Type]) -> Type {
    let parameters = alias.generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(parameter),
        _ => None,
    });
    let mut arguments = arguments.iter().cloned();
    let pairs = parameters
        .filter_map(|parameter| Some((parameter.ident.clone(), arguments.next().or(parameter.default.clone())?)));
    let mut ty = (*alias.ty).clone();
    Substitution(pairs.collect()).visit_type_mut(&mut ty);
    ty
}

struct Substitution(Vec<(Ident, Type)>);

impl VisitMut for Substitution {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::Path(TypePath { qself: None, path }) = ty
            && let Some((_, argument)) = self.0.iter().find(|(parameter, _)| path.is_ident(parameter))
        {
            *ty = argument.clone();
        } else {
            visit_mut::visit_type_mut(self, ty);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::text;

    #[test]
    fn results_are_seen_through_aliases() {
        let module: syn::File = parse_quote! {
            type Result<T, E = Error> = core::result::Result<T, E>;
            type Done = Result<()>;
            type Loop = Loop;
            type Amount = U256;
        };
        let here = Results::of(&module.items);
        let parts = |results: &Results, ty: Type| {
            results.split(&ty).map(|(value, error)| format!("{} / {}", text(&value), text(&error)))
        };
        assert_eq!(parts(&here, parse_quote!(Result<bool>)).as_deref(), Some("bool / Error"));
        assert_eq!(parts(&here, parse_quote!(Result<bool, Other>)).as_deref(), Some("bool / Other"));
        assert_eq!(parts(&here, parse_quote!(Done)).as_deref(), Some("() / Error"));
        assert_eq!(parts(&here, parse_quote!(Amount)), None);
        assert_eq!(parts(&here, parse_quote!(Loop)), None);
        let projected = "bool / < super :: Result < bool > as :: esker_sdk :: expansion :: Fallible > :: Error";
        assert_eq!(parts(&here, parse_quote!(super::Result<bool>)).as_deref(), Some(projected));

        let elsewhere = Results::of(&[parse_quote!(
            struct Result {
                won: bool,
            }
        )]);
        assert_eq!(parts(&elsewhere, parse_quote!(Result)), None, "a struct of that name is a value");
    }
}
