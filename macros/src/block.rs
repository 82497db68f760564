//! One `remote!`: what stands between its parentheses.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, Ident, Token, Type};

use crate::capture::Capture;
use crate::errors::Errors;
use crate::find::{Code, Finder};
use crate::fingerprint;

/// A block, with the blocks inside it.
pub(crate) struct RemoteBlock {
    /// Its number in its function, counted from 0 in the order of the `remote!`s.
    pub(crate) ordinal: usize,
    /// `remote`, or the path to it that the user wrote.
    pub(crate) path: TokenStream,
    /// The `remote` of `remote!`.
    pub(crate) name: Ident,
    /// Where it runs.
    pub(crate) peer: Code,
    /// What travels with it.
    pub(crate) captures: Vec<BoundCapture>,
    /// Its written result.
    pub(crate) result: Option<Type>,
    /// The predicates that its body is compiled under.
    pub(crate) condition: Vec<TokenStream>,
    /// The predicates of the blocks around it.
    pub(crate) around: Vec<TokenStream>,
    /// What runs.
    pub(crate) body: Code,
    /// Where the braces of the body stand.
    pub(crate) braces: Span,
    /// Its version.
    pub(crate) fingerprint: u64,
}

/// A capture whose value has been searched for blocks.
pub(crate) struct BoundCapture {
    pub(crate) name: Ident,
    pub(crate) ty: Option<Type>,
    pub(crate) value: Option<Code>,
}

/// The parts of a `remote!`, before they are searched.
pub(crate) struct Parts {
    pub(crate) peer: Expr,
    pub(crate) captures: Vec<Capture>,
    pub(crate) list: Span,
    pub(crate) result: Option<Type>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) body: Group,
}

const FORM: &str = "`remote!(peer, [a, b], { body })`";

impl Parts {
    /// Reads the arguments of a `remote!`.
    pub(crate) fn parse(arguments: TokenStream, errors: &mut Errors) -> syn::Result<Self> {
        (|input: ParseStream<'_>| Self::parse_arguments(input, errors)).parse2(arguments)
    }

    fn parse_arguments(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Self> {
        if input.is_empty() {
            return Err(input.error(format_args!("expected the peer, the list and the block: {FORM}")));
        }
        if input.peek(syn::token::Bracket) && input.peek2(Token![,]) {
            return Err(
                input.error(format_args!("expected the peer that runs the block, before the list: {FORM}"))
            );
        }
        let peer = input.parse()?;
        expect_comma(input, "the peer")?;
        let list = list(input)?;
        let captures = (|input: ParseStream<'_>| Capture::parse_list(input, errors)).parse2(list.stream())?;
        let result = if input.peek(Token![->]) {
            input.parse::<Token![->]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        expect_comma(input, "the list")?;
        let attributes = Attribute::parse_outer(input)?;
        let body = body(input)?;
        if input.peek(Token![,]) {
            input.parse::<Token![,]>()?;
        }
        if !input.is_empty() {
            return Err(input.error(format_args!("nothing follows the block: {FORM}")));
        }
        Ok(Self { peer, captures, list: list.span(), result, attributes, body })
    }
}

fn list(input: ParseStream<'_>) -> syn::Result<Group> {
    match input.fork().parse::<Group>() {
        Ok(group) if group.delimiter() == Delimiter::Bracket => input.parse(),
        _ => Err(input.error(format_args!(
            "expected the list of the variables that travel, in brackets, `[]` if there are none: {FORM}"
        ))),
    }
}

fn body(input: ParseStream<'_>) -> syn::Result<Group> {
    match input.fork().parse::<Group>() {
        Ok(group) if group.delimiter() == Delimiter::Brace => input.parse(),
        _ if input.peek(Token![async]) || input.peek(Token![move]) || input.peek(Token![|]) => {
            Err(input.error(format_args!("a block is `async` and owns its captures by itself: write {FORM}")))
        }
        _ => Err(input.error(format_args!("expected the block, in braces: {FORM}"))),
    }
}

fn expect_comma(input: ParseStream<'_>, after: &str) -> syn::Result<()> {
    if input.peek(Token![,]) {
        input.parse::<Token![,]>()?;
        return Ok(());
    }
    let message = if input.is_empty() && after == "the peer" {
        format!("expected the list and the block after the peer: {FORM}")
    } else if input.is_empty() {
        format!("expected the block after the list: {FORM}")
    } else {
        format!("expected a comma after {after}: {FORM}")
    };
    Err(input.error(message))
}

impl RemoteBlock {
    /// Reads a `remote!` and what is in it. `None` means that a mistake was told.
    pub(crate) fn parse(
        ordinal: usize,
        path: TokenStream,
        name: Ident,
        arguments: &Group,
        finder: &mut Finder<'_>,
    ) -> Option<Self> {
        let parts = match Parts::parse(arguments.stream(), finder.errors) {
            Ok(parts) => parts,
            Err(error) => {
                let error = if arguments.stream().is_empty() {
                    syn::Error::new(arguments.span(), error)
                } else {
                    error
                };
                finder.errors.push(error);
                return None;
            }
        };
        let names: Vec<_> = parts.captures.iter().map(|capture| capture.name.clone()).collect();
        let fingerprint = fingerprint::of(&names, parts.body.stream());
        let condition = condition(&parts, finder.errors);
        let peer = finder.find(parts.peer.into_token_stream());
        let captures = parts
            .captures
            .into_iter()
            .map(|Capture { name, ty, value }| {
                let value = value.map(|value| finder.find(value.into_token_stream()));
                BoundCapture { name, ty, value }
            })
            .collect();
        let around = finder.conditions.clone();
        finder.conditions.extend(condition.iter().cloned());
        let body = finder.find(parts.body.stream());
        finder.conditions.truncate(around.len());
        let (result, braces) = (parts.result, parts.body.span());
        Some(Self {
            ordinal,
            path,
            name,
            peer,
            captures,
            result,
            condition,
            around,
            body,
            braces,
            fingerprint,
        })
    }
}

/// The predicates in front of the body.
fn condition(parts: &Parts, errors: &mut Errors) -> Vec<TokenStream> {
    for attribute in &parts.attributes {
        if !attribute.path().is_ident("cfg") {
            let message = "only `#[cfg(..)]` may stand before a block; put other attributes on what is in it";
            errors.push(syn::Error::new_spanned(attribute, message));
        }
    }
    let conditions: Vec<_> = parts
        .attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .map(ToTokens::to_token_stream)
        .collect();
    if let (Some(first), None) = (parts.attributes.first(), &parts.result)
        && first.path().is_ident("cfg")
    {
        let message = "where this block is not compiled its result must be known all the same: write it after the list, \
                       `[a, b] -> T, #[cfg(..)] { body }`";
        errors.push(syn::Error::new_spanned(first, message));
    }
    conditions
}
