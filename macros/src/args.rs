//! The arguments of `#[distributed(..)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Token;
use syn::parse::Parser;

use crate::errors::Errors;

/// What stands in the parentheses of `#[distributed(..)]`.
pub(crate) struct Args {
    /// Where the crate `distributed-scope` is found.
    pub(crate) krate: TokenStream,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut krate = quote!(::distributed_scope);
        let parser = syn::meta::parser(|meta| {
            if !meta.path.is_ident("crate") {
                let name = meta.path.to_token_stream().to_string().replace(' ', "");
                return Err(meta.error(format_args!(
                    "`#[distributed]` has no argument `{name}`; the only one is `#[distributed(crate = path)]`, for a \
                     renamed `distributed-scope`"
                )));
            }
            let path = meta.value()?.call(syn::Path::parse_mod_style)?;
            if meta.input.is_empty() || meta.input.peek(Token![,]) {
                krate = path.into_token_stream();
            }
            Ok(())
        });
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        Self { krate }
    }
}
