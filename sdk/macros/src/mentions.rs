//! Events and errors that methods' bodies name, wherever they are defined: what is emitted and reverted with belongs in the
//! ABI.
//!
//! The macro sees names, not types. So it hands the compiler the same expression with every field replaced
//! (`other::Paid { by: anything() }`) and lets it say which type that is.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Attribute, Block, Expr, ExprCall, ExprMethodCall, FnArg, ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, Local, Pat,
    Path, Signature, Stmt, UseTree,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::{attributes::cfgs, method::is_context};

/// What the module's functions mention, as expressions that give items for the ABI.
#[derive(Default)]
pub struct Mentions {
    pub events: Vec<TokenStream>,
    pub errors: Vec<TokenStream>,
}

impl Mentions {
    /// Reads all functions of the module; `own` are the events and errors that are defined in it.
    pub fn of(items: &[Item], own: &[Ident]) -> Self {
        let mut reader =
            Reader { own, found: Self::default(), seen: Vec::new(), conditions: Vec::new(), scope: Scope::default() };
        items.iter().for_each(|item| reader.visit_item(item));
        reader.found
    }
}

/// What is known within a function.
#[derive(Default)]
struct Scope {
    cfgs: Vec<Attribute>,
    /// The parameters that are contexts.
    contexts: Vec<Ident>,
    /// Variables that were made by an expression with a name in it.
    made: Vec<(Ident, Expr)>,
    /// Names that mean something inside the function only.
    hidden: Vec<Ident>,
}

struct Reader<'a> {
    own: &'a [Ident],
    found: Mentions,
    seen: Vec<String>,
    /// Those of the `impl` around.
    conditions: Vec<Attribute>,
    scope: Scope,
}

impl Reader<'_> {
    fn function(&mut self, attributes: &[Attribute], signature: &Signature, block: &Block) {
        let contexts = signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(parameter) if is_context(&parameter.ty) => match &*parameter.pat {
                Pat::Ident(pattern) => Some(pattern.ident.clone()),
                _ => None,
            },
            _ => None,
        });
        let conditions = self.conditions.iter().cloned().chain(cfgs(attributes)).collect();
        let scope = Scope { cfgs: conditions, contexts: contexts.collect(), ..Scope::default() };
        let outer = std::mem::replace(&mut self.scope, scope);
        self.visit_block(block);
        self.scope = outer;
    }

    /// The expression as the compiler is to type it; `None` if it is no event's or error's literal or constructor.
    fn typed(&self, expression: &Expr) -> Option<Typed> {
        match expression {
            Expr::Struct(literal) => {
                let path = self.visible(&literal.path)?;
                let fields = literal.fields.iter().map(|field| {
                    let member = &field.member;
                    quote!(#member: ::esker_sdk::expansion::anything())
                });
                let rest = literal.rest.is_some().then(|| quote!(..::esker_sdk::expansion::anything()));
                Some(Typed::Value(quote!(#path { #(#fields,)* #rest })))
            }
            Expr::Call(ExprCall { func, args, .. }) => {
                let Expr::Path(function) = &**func else { return None };
                let path = self.visible(&function.path)?;
                if is_type_like(path.segments.last()?) {
                    let fields = args.iter().map(|_| quote!(::esker_sdk::expansion::anything()));
                    return Some(Typed::Value(quote!(#path(#(#fields),*))));
                }
                // `Event::new(…)` makes an `Event`.
                let mut ty = path.clone();
                ty.segments.pop();
                ty.segments.pop_punct();
                is_type_like(ty.segments.last()?).then_some(Typed::Type(ty))
            }
            Expr::Path(path) => {
                if let Some(variable) = path.path.get_ident()
                    && let Some((_, made)) = self.scope.made.iter().rev().find(|(name, _)| name == variable)
                {
                    return self.typed(made);
                }
                let path = self.visible(&path.path)?;
                // An unit struct or variant, and no constant.
                let last = path.segments.last()?;
                let is_item = is_type_like(last) && last.ident.to_string().chars().any(|letter| letter.is_lowercase());
                is_item.then(|| Typed::Value(quote!(#path)))
            }
            Expr::Paren(inner) => self.typed(&inner.expr),
            Expr::Group(inner) => self.typed(&inner.expr),
            Expr::Reference(inner) => self.typed(&inner.expr),
            _ => None,
        }
    }

    /// The path, if it means the same outside the function and is none of the module's own items.
    fn visible<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        let first = &path.segments.first()?.ident;
        let hidden = first == "Self" || self.scope.hidden.contains(first) || self.own.contains(first);
        (!hidden).then_some(path)
    }

    fn event(&mut self, expression: &Expr) {
        if let Some(typed) = self.typed(expression) {
            let item = match typed {
                Typed::Value(value) => quote_spanned!(expression.span()=> ::esker_sdk::expansion::event_of(|| #value)),
                Typed::Type(ty) => quote!(<#ty as ::esker_sdk::Event>::ITEM),
            };
            let item = self.fresh(item);
            self.found.events.extend(item);
        }
    }

    fn error(&mut self, expression: &Expr) {
        if let Some(typed) = self.typed(expression) {
            let set = match typed {
                Typed::Value(value) => quote_spanned!(expression.span()=> ::esker_sdk::expansion::errors_of(|| #value)),
                Typed::Type(ty) => quote!(<#ty as ::esker_sdk::ContractError>::ERRORS),
            };
            let set = self.fresh(set);
            self.found.errors.extend(set);
        }
    }

    fn fresh(&mut self, item: TokenStream) -> Option<TokenStream> {
        let cfgs = &self.scope.cfgs;
        let item = quote!(#(#cfgs)* #item);
        let text = item.to_string();
        let is_new = !self.seen.contains(&text);
        self.seen.push(text);
        is_new.then_some(item)
    }

    fn hide(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => self.hide(&path.tree),
            UseTree::Name(name) => self.scope.hidden.push(name.ident.clone()),
            UseTree::Rename(name) => self.scope.hidden.push(name.rename.clone()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.hide(tree)),
            UseTree::Glob(_) => {}
        }
    }
}

enum Typed {
    Value(TokenStream),
    Type(Path),
}

fn is_type_like(segment: &syn::PathSegment) -> bool {
    segment.ident.to_string().starts_with(|letter: char| letter.is_uppercase())
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        self.conditions = cfgs(&item.attrs);
        visit::visit_item_impl(self, item);
        self.conditions.clear();
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
    }

    // Paths in a module within this one mean something else there.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_block(&mut self, block: &'ast Block) {
        for statement in &block.stmts {
            match statement {
                Stmt::Item(Item::Use(item)) => self.hide(&item.tree),
                Stmt::Item(Item::Struct(item)) => self.scope.hidden.push(item.ident.clone()),
                Stmt::Item(Item::Enum(item)) => self.scope.hidden.push(item.ident.clone()),
                _ => {}
            }
        }
        visit::visit_block(self, block);
    }

    fn visit_local(&mut self, local: &'ast Local) {
        visit::visit_local(self, local);
        let pattern = match &local.pat {
            Pat::Type(typed) => &*typed.pat,
            other => other,
        };
        if let (Pat::Ident(variable), Some(init)) = (pattern, &local.init) {
            self.scope.made.push((variable.ident.clone(), (*init.expr).clone()));
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        visit::visit_expr_method_call(self, call);
        if call.method == "emit"
            && let (Expr::Path(receiver), [event]) = (&*call.receiver, &call.args.iter().collect::<Vec<_>>()[..])
            && receiver.path.get_ident().is_some_and(|name| self.scope.contexts.contains(name))
        {
            self.event(event);
        }
        if call.method == "call_optional" {
            let set = quote!(<::esker_sdk::SafeERC20FailedOperation as ::esker_sdk::ContractError>::ERRORS);
            let set = self.fresh(set);
            self.found.errors.extend(set);
        }
        // A variable's `revert` may be anybody's.
        let is_variable = matches!(&*call.receiver, Expr::Path(path) if path.path.get_ident().is_some());
        if call.method == "revert" && call.args.is_empty() && !is_variable {
            self.error(&call.receiver);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        visit::visit_expr_call(self, call);
        if let Expr::Path(function) = &*call.func
            && function.path.segments.last().is_some_and(|last| last.ident == "revert_with")
            && let Some(error) = call.args.first()
        {
            self.error(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn what_bodies_emit_and_revert_with_is_found() {
        let file: syn::File = parse_quote! {
            impl Token {
                pub fn pay(&mut self, cx: &mut Context) {
                    cx.emit(other::Paid { by: cx.sender(), amount });
                    cx.emit(other::Paid { by: ALICE, amount: 5 });
                    cx.emit(Own { a });
                    cx.emit(Built::new(1));
                    let late = other::Late { at: 3 };
                    cx.emit(late);
                    bell.emit(Ring { loud: true });
                    if amount == 0 {
                        revert_with(other::Error::Wrong { what: 1 });
                        esker_sdk::revert_with(other::Error::Nothing);
                        revert_with(other::Error::Two(a, b));
                    }
                    other::Closed { when: 5 }.revert();
                    error.revert();
                    revert_with(error);
                }
            }
            fn helper(out: &mut Context) {
                use elsewhere::Hidden;
                out.emit(Hidden { a: 1 });
                out.emit(Quiet {});
            }
        };
        let found = Mentions::of(&file.items, &[parse_quote!(Own)]);
        let of = |name: &str, expression: TokenStream| {
            let name = Ident::new(name, proc_macro2::Span::call_site());
            quote!(::esker_sdk::expansion::#name(|| #expression)).to_string()
        };
        let any = quote!(::esker_sdk::expansion::anything());
        let events: Vec<String> = found.events.iter().map(ToString::to_string).collect();
        assert_eq!(
            events,
            [
                of("event_of", quote!(other::Paid { by: #any, amount: #any, })),
                quote!(<Built as ::esker_sdk::Event>::ITEM).to_string(),
                of("event_of", quote!(other::Late { at: #any, })),
                of("event_of", quote!(Quiet {})),
            ]
        );
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            errors,
            [
                of("errors_of", quote!(other::Error::Wrong { what: #any, })),
                of("errors_of", quote!(other::Error::Nothing)),
                of("errors_of", quote!(other::Error::Two(#any, #any))),
                of("errors_of", quote!(other::Closed { when: #any, })),
            ]
        );
    }
}
