//! The arguments of `#[distributed(..)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Token;
use syn::parse::Parser;

use crate::errors::Errors;
use crate::parse::requirement::Requirement;

/// What stands in the parentheses of `#[distributed(..)]`.
pub(crate) struct Args {
    /// Where the crate `distributed-scope` is found.
    pub(crate) krate: TokenStream,
    /// Whether the user says so.
    pub(crate) has_crate: bool,
    /// What its blocks ask of their callers, unless they say otherwise.
    pub(crate) require: Option<Requirement>,
    /// Whether the bodies of its blocks are part of their versions, unless they have names of
    /// their own.
    pub(crate) is_exact: bool,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        Self { krate: quote!(::distributed_scope), has_crate: false, require: None, is_exact: false }
            .and(tokens, errors)
    }

    /// The arguments of a method, which go before those of its `impl`.
    pub(crate) fn of_method(&self, tokens: TokenStream, errors: &mut Errors) -> Self {
        let Self { krate, has_crate, require, is_exact } = self;
        let (has_crate, is_exact) = (*has_crate, *is_exact);
        Self { krate: krate.clone(), has_crate, require: require.clone(), is_exact }.and(tokens, errors)
    }

    fn and(self, tokens: TokenStream, errors: &mut Errors) -> Self {
        let Self { mut krate, mut has_crate, require: default, mut is_exact } = self;
        let mut require = None;
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("require") {
                if require.is_some() {
                    return Err(meta.error("a function says once what its blocks ask of their callers"));
                }
                require = Some(meta.value()?.parse()?);
                return Ok(());
            }
            if meta.path.is_ident("exact") {
                if !(meta.input.is_empty() || meta.input.peek(Token![,])) {
                    return Err(meta.error("`exact` takes no value: write `#[distributed(exact)]`"));
                }
                is_exact = true;
                return Ok(());
            }
            if meta.path.is_ident("evolving") {
                return Err(meta.error(
                    "a block says for itself that its data may grow: write `#[block(name = \"search\", evolving)]` before it",
                ));
            }
            if !meta.path.is_ident("crate") {
                let name = meta.path.to_token_stream().to_string().replace(' ', "");
                return Err(meta.error(format_args!(
                    "`#[distributed]` has no argument `{name}`; it has `#[distributed(require = authenticated)]`, \
                     for what its blocks ask of their callers, `#[distributed(exact)]`, for bodies that are part of their \
                     versions, and `#[distributed(crate = path)]`, for a renamed `distributed-scope`"
                )));
            }
            let path = meta.value()?.call(syn::Path::parse_mod_style)?;
            if meta.input.is_empty() || meta.input.peek(Token![,]) {
                krate = path.into_token_stream();
                has_crate = true;
            }
            Ok(())
        });
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        Self { krate, has_crate, require: require.or(default), is_exact }
    }
}
