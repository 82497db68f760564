//! `require = ..`: what a block asks of its caller.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Token, parenthesized};

const FORM: &str = "what a block asks of its caller is `require = anybody`, `require = authenticated` or \
                    `require = claim(\"role\", \"admin\")`";

/// What a block asks of its caller.
#[derive(Clone)]
pub(crate) enum Requirement {
    Anybody,
    Authenticated,
    Claim { name: LitStr, value: LitStr },
}

impl Parse for Requirement {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let wrong = |error: syn::Error| syn::Error::new(error.span(), FORM);
        let word: Ident = input.parse().map_err(wrong)?;
        let requirement = match word.to_string().as_str() {
            "anybody" => Self::Anybody,
            "authenticated" => Self::Authenticated,
            "claim" if input.peek(syn::token::Paren) => {
                let inner;
                parenthesized!(inner in input);
                let texts = Punctuated::<LitStr, Token![,]>::parse_terminated(&inner).map_err(wrong)?;
                let mut texts = texts.into_iter();
                match (texts.next(), texts.next(), texts.next()) {
                    (Some(name), Some(value), None) => Self::Claim { name, value },
                    _ => return Err(syn::Error::new(word.span(), FORM)),
                }
            }
            _ => return Err(syn::Error::new(word.span(), FORM)),
        };
        if input.is_empty() || input.peek(Token![,]) { Ok(requirement) } else { Err(input.error(FORM)) }
    }
}

impl Requirement {
    pub(crate) fn expand(&self, private: &TokenStream) -> TokenStream {
        match self {
            Self::Anybody => quote!(#private::Requirement::Anybody),
            Self::Authenticated => quote!(#private::Requirement::Authenticated),
            Self::Claim { name, value } => {
                quote!(#private::Requirement::Claim { name: #name, value: #value })
            }
        }
    }
}
