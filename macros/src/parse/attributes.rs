//! What stands in front of a block: `#[cfg(..)]` and `#[block(..)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, LitStr, Path, Token};

use crate::errors::Errors;
use crate::expand::version::Rule;
use crate::parse::block::Parts;
use crate::parse::requirement::Requirement;

/// What stands in front of a body.
#[derive(Default)]
pub(crate) struct Attributes {
    /// The name that the block gives itself.
    pub(crate) stable_name: Option<LitStr>,
    /// What it says of its version.
    pub(crate) rule: Rule,
    /// What it asks of its caller.
    pub(crate) require: Option<Requirement>,
    /// Its calls end with their connection.
    pub(crate) is_bound: bool,
    /// Whether it runs on the blocking pool.
    pub(crate) is_blocking: bool,
    /// The predicates that its body is compiled under.
    pub(crate) condition: Vec<TokenStream>,
    /// The predicate that its body is not compiled under, if there is one.
    pub(crate) otherwise: Option<TokenStream>,
}

impl Attributes {
    pub(crate) fn of(parts: &Parts, errors: &mut Errors) -> Self {
        let (mut attributes, mut conditions, mut marks) = (Self::default(), Vec::new(), Marks::default());
        for attribute in &parts.attributes {
            if attribute.path().is_ident("cfg") {
                conditions.push(attribute);
            } else if attribute.path().is_ident("block") {
                if let Err(error) = attributes.block(attribute, &mut marks) {
                    errors.push(error);
                }
            } else {
                let message = "only `#[cfg(..)]` and `#[block(..)]` are allowed before a block; put other attributes on what is in it";
                errors.push(syn::Error::new_spanned(attribute, message));
            }
        }
        attributes.is_bound = marks.without_resume.is_some();
        attributes.is_blocking = marks.blocking.is_some();
        attributes.rule = marks.rule(attributes.stable_name.is_some(), errors);
        if let (Some(first), None) = (conditions.first(), &parts.result) {
            let message = "where this block is not compiled its result must be known all the same: write it after the list, \
                           `[a, b] -> T, #[cfg(..)] { body }`";
            errors.push(syn::Error::new_spanned(first, message));
        }
        let predicates = conditions.iter().filter_map(|condition| {
            let list = condition.meta.require_list().ok()?;
            Some(list.tokens.clone())
        });
        attributes.otherwise = (!conditions.is_empty()).then(|| quote!(#[cfg(not(all(#(#predicates),*)))]));
        attributes.condition = conditions.into_iter().map(ToTokens::to_token_stream).collect();
        attributes
    }

    /// Reads one `#[block(..)]`.
    fn block(&mut self, attribute: &Attribute, marks: &mut Marks) -> syn::Result<()> {
        const FORM: &str = "what `#[block(..)]` says of a block is `name = \"search\"`, `evolving` beside a name, `exact`, \
                            `blocking`, `without_resume` and `require = authenticated`";
        let mut is_empty = true;
        let parsed = attribute.parse_nested_meta(|meta| {
            is_empty = false;
            if meta.path.is_ident("name") {
                if self.stable_name.is_some() {
                    return Err(syn::Error::new_spanned(attribute, "a block has one name"));
                }
                let value = meta.value().map_err(|_| meta.error(FORM))?;
                let name: LitStr = value.parse().map_err(|error| syn::Error::new(error.span(), FORM))?;
                if name.value().trim().is_empty() {
                    return Err(syn::Error::new_spanned(&name, "the name of a block is not empty"));
                }
                self.stable_name = Some(name);
            } else if meta.path.is_ident("require") {
                if self.require.is_some() {
                    return Err(syn::Error::new_spanned(
                        attribute,
                        "a block says once what it asks of its caller",
                    ));
                }
                self.require = Some(meta.value().map_err(|_| meta.error(FORM))?.parse()?);
            } else if let Some(mark) = marks.mark(&meta.path) {
                let word = meta.path.require_ident()?;
                if !(meta.input.is_empty() || meta.input.peek(Token![,])) {
                    return Err(meta.error(format_args!("`{word}` takes no value: write the word alone")));
                }
                if mark.replace(meta.path.clone()).is_some() {
                    return Err(meta.error(format_args!("a block says once that it is `{word}`")));
                }
            } else {
                return Err(meta.error(FORM));
            }
            Ok(())
        });
        match parsed {
            Ok(()) if !is_empty => Ok(()),
            Err(error) if attribute.meta.require_list().is_ok() => Err(error),
            _ => Err(syn::Error::new_spanned(attribute, FORM)),
        }
    }
}

/// The words of `#[block(..)]` without a value, where they stand.
#[derive(Default)]
struct Marks {
    exact: Option<Path>,
    evolving: Option<Path>,
    without_resume: Option<Path>,
    blocking: Option<Path>,
}

impl Marks {
    fn mark(&mut self, path: &Path) -> Option<&mut Option<Path>> {
        if path.is_ident("exact") {
            Some(&mut self.exact)
        } else if path.is_ident("evolving") {
            Some(&mut self.evolving)
        } else if path.is_ident("without_resume") {
            Some(&mut self.without_resume)
        } else if path.is_ident("blocking") {
            Some(&mut self.blocking)
        } else {
            None
        }
    }

    fn rule(&self, is_named: bool, errors: &mut Errors) -> Rule {
        let (exact, evolving) = (self.exact.as_ref(), self.evolving.as_ref());
        let mistake = match (exact, evolving, is_named) {
            (Some(exact), None, true) => Some((
                exact,
                "of a block with a name only the interface counts for its version, so `exact` says nothing here: leave out `exact`, \
                 or the name",
            )),
            (Some(exact), Some(_), _) => {
                Some((exact, "what is `exact` cannot be `evolving`: leave out one of the two"))
            }
            (None, Some(evolving), false) => Some((
                evolving,
                "data may grow only where a name says which block is meant: write `#[block(name = \"search\", evolving)]`, with a \
                 name of its own",
            )),
            (_, None, _) | (None, Some(_), true) => None,
        };
        if let Some((at, message)) = mistake {
            errors.push(syn::Error::new_spanned(at, message));
        }
        match self {
            Self { evolving: Some(_), .. } => Rule::Evolving,
            _ if is_named => Rule::Named,
            Self { exact: Some(_), .. } => Rule::Exact,
            _ => Rule::Function,
        }
    }
}
