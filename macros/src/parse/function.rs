//! A function with `#[distributed]`: its signature, its items and its body.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{AttrStyle, Attribute, Block, Signature, Stmt, Visibility};

/// An `async fn` as it was written, its body still in tokens.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        let body = match input.parse()? {
            TokenTree::Group(body) => body,
            other => {
                return Err(syn::Error::new(
                    other.span(),
                    "`#[distributed]` needs the body of the function; on a trait, put it on the `impl`",
                ));
            }
        };
        Ok(Self { attributes, visibility, signature, body })
    }
}

/// The body, cut into what is declared and what is done.
pub(crate) struct Body {
    /// `#![..]` at its start, moved to the function.
    pub(crate) attributes: Vec<Attribute>,
    /// The items at its top level: they are seen by the function and by its blocks, so they must
    /// stand only once.
    pub(crate) items: Vec<TokenStream>,
    /// Everything else.
    pub(crate) statements: TokenStream,
    /// The body as a syntax tree, where it could be read as one.
    pub(crate) tree: Option<Vec<Stmt>>,
    pub(crate) braces: Span,
}

impl Body {
    pub(crate) fn of(group: &Group) -> Self {
        let parser = |input: ParseStream<'_>| {
            let attributes = input.call(Attribute::parse_inner)?;
            Ok((attributes, Block::parse_within(input)?))
        };
        let braces = group.span();
        let Ok((mut attributes, tree)) = parser.parse2(group.stream()) else {
            // rustc reads it, and says what is wrong or knows more than this parser.
            let (attributes, items) = (Vec::new(), Vec::new());
            return Self { attributes, items, statements: group.stream(), tree: None, braces };
        };
        for attribute in &mut attributes {
            attribute.style = AttrStyle::Outer;
        }
        let (mut items, mut statements) = (Vec::new(), TokenStream::new());
        for statement in &tree {
            match statement {
                Stmt::Item(item) => items.push(item.to_token_stream()),
                other => other.to_tokens(&mut statements),
            }
        }
        Self { attributes, items, statements, tree: Some(tree), braces }
    }
}
