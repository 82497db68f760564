//! One `remote!`: what stands between its parentheses.

use proc_macro2::extra::DelimSpan;
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, Ident, LitStr, Token, Type};

use crate::errors::Errors;
use crate::expand::fingerprint::Fnv;
use crate::expand::version::Rule;
use crate::parse::attributes::Attributes;
use crate::parse::capture::Capture;
use crate::parse::find::{Code, Finder};
use crate::parse::function::Body;
use crate::parse::requirement::Requirement;
use crate::validate::blocking;
use crate::validate::jumps;

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
    /// The name that it gives itself.
    pub(crate) stable_name: Option<LitStr>,
    /// What it asks of its caller, if it says so itself.
    pub(crate) require: Option<Requirement>,
    pub(crate) is_bound: bool,
    /// Whether it runs on the blocking pool.
    pub(crate) is_blocking: bool,
    /// The predicates that its body is compiled under.
    pub(crate) condition: Vec<TokenStream>,
    /// The predicate that its body is not compiled under, if there is one.
    pub(crate) otherwise: Option<TokenStream>,
    /// The predicates of the blocks around it.
    pub(crate) around: Vec<TokenStream>,
    /// The items that the blocks around it declare.
    pub(crate) items_around: Vec<TokenStream>,
    /// What runs.
    pub(crate) body: Code,
    /// Where the `remote!` ends.
    pub(crate) end: Span,
    /// Where the braces of the body stand.
    pub(crate) braces: DelimSpan,
    /// What it says of its version.
    pub(crate) rule: Rule,
    /// A hash of the tokens of its body, with those of the blocks in it.
    pub(crate) tokens: u64,
}

/// A capture whose value has been searched for blocks.
pub(crate) struct BoundCapture {
    pub(crate) mutability: Option<Token![mut]>,
    pub(crate) name: Ident,
    pub(crate) ty: Option<Type>,
    pub(crate) value: Option<Code>,
}

/// The parts of a `remote!`, before they are searched.
pub(crate) struct Parts {
    pub(crate) peer: Expr,
    pub(crate) captures: Vec<Capture>,
    pub(crate) result: Option<Type>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) body: Group,
}

const FORM: &str = "`remote!(peer, [a, b], { body })`";

/// The arguments of a `remote!`, as they are read.
struct Arguments<'a> {
    input: ParseStream<'a>,
    /// The closing parenthesis, where something may be missing.
    end: Span,
}

impl Parts {
    /// Reads the arguments of a `remote!`.
    pub(crate) fn parse(arguments: &Group, errors: &mut Errors) -> syn::Result<Self> {
        let end = arguments.span_close();
        let parser = |input: ParseStream<'_>| Arguments { input, end }.parts(errors);
        parser.parse2(arguments.stream())
    }
}

impl Arguments<'_> {
    fn error(&self, message: impl std::fmt::Display) -> syn::Error {
        let span = if self.input.is_empty() { self.end } else { self.input.span() };
        syn::Error::new(span, format_args!("{message}: {FORM}"))
    }

    fn parts(&self, errors: &mut Errors) -> syn::Result<Parts> {
        let input = self.input;
        if input.is_empty() {
            return Err(self.error("expected the peer, the list and the block"));
        }
        if input.peek(syn::token::Bracket) && input.peek2(Token![,]) {
            return Err(self.error("expected the peer that runs the block, before the list"));
        }
        let peer = input.parse()?;
        if let Expr::Index(index) = &peer
            && (input.peek(Token![->]) || input.peek(Token![,]) && input.peek2(syn::token::Brace))
        {
            let message = format!("expected a comma between the peer and the list: {FORM}");
            return Err(syn::Error::new(index.bracket_token.span.join(), message));
        }
        self.comma("the peer", "the list and the block")?;
        let list = self.list()?;
        let captures = (|input: ParseStream<'_>| Capture::parse_list(input, errors)).parse2(list.stream())?;
        let result = if input.peek(Token![->]) {
            input.parse::<Token![->]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        self.comma("the list", "the block")?;
        if result.is_none() && input.peek(Token![->]) {
            let message =
                "write the type of the result before the comma: `remote!(peer, [a, b] -> T, { body })`";
            return Err(syn::Error::new(input.span(), message));
        }
        let attributes = Attribute::parse_outer(input)?;
        let body = self.body()?;
        if input.peek(Token![,]) {
            input.parse::<Token![,]>()?;
        }
        if !input.is_empty() {
            return Err(self.error("nothing follows the block"));
        }
        Ok(Parts { peer, captures, result, attributes, body })
    }

    fn list(&self) -> syn::Result<Group> {
        match self.input.fork().parse::<Group>() {
            Ok(group) if group.delimiter() == Delimiter::Bracket => self.input.parse(),
            _ => Err(self.error(
                "expected the list of the variables that travel, in brackets, `[]` if there are none",
            )),
        }
    }

    fn body(&self) -> syn::Result<Group> {
        let input = self.input;
        match input.fork().parse::<TokenTree>().ok().and_then(braces) {
            Some(body) => input.parse::<TokenTree>().map(|_| body),
            _ if input.peek(Token![async]) || input.peek(Token![move]) || input.peek(Token![|]) => {
                Err(self.error("a block is `async` and owns its captures by itself: write"))
            }
            _ => Err(self.error("expected the block, in braces")),
        }
    }

    fn comma(&self, after: &str, next: &str) -> syn::Result<()> {
        if self.input.peek(Token![,]) {
            self.input.parse::<Token![,]>().map(drop)
        } else if self.input.is_empty() {
            Err(self.error(format_args!("expected {next} after {after}")))
        } else {
            Err(self.error(format_args!("expected a comma after {after}")))
        }
    }
}

/// The braces, if this is a block. A macro that was given it as a `$body:block` or a `$body:expr`
/// hands it on in a group without delimiters.
fn braces(token: TokenTree) -> Option<Group> {
    let TokenTree::Group(group) = token else { return None };
    match group.delimiter() {
        Delimiter::Brace => Some(group),
        Delimiter::None => {
            let mut inside = group.stream().into_iter();
            let only = inside.next()?;
            inside.next().is_none().then(|| braces(only))?
        }
        Delimiter::Parenthesis | Delimiter::Bracket => None,
    }
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
        let parts = match Parts::parse(arguments, finder.errors) {
            Ok(parts) => parts,
            Err(error) => {
                finder.errors.push(error);
                return None;
            }
        };
        let Attributes { stable_name, rule, require, is_bound, is_blocking, condition, otherwise } =
            Attributes::of(&parts, finder.errors);
        let tokens = Fnv::new().tokens(parts.body.stream()).get();
        jumps::check(&parts.body, finder.errors);
        if is_blocking {
            blocking::check(&parts.body, finder.errors);
        }
        let peer = finder.find(parts.peer.into_token_stream());
        let captures = parts
            .captures
            .into_iter()
            .map(|Capture { mutability, name, ty, value }| {
                let value = value.map(|value| finder.find(value.into_token_stream()));
                BoundCapture { mutability, name, ty, value }
            })
            .collect();
        let (around, items_around) = (finder.conditions.clone(), finder.items.clone());
        finder.items.extend(Body::of(&parts.body).items);
        finder.conditions.extend(condition.iter().cloned());
        let body = finder.find(parts.body.stream());
        finder.conditions.truncate(around.len());
        finder.items.truncate(items_around.len());
        let (result, braces) = (parts.result, parts.body.delim_span());
        Some(Self {
            ordinal,
            path,
            name,
            peer,
            captures,
            result,
            stable_name,
            require,
            is_bound,
            is_blocking,
            condition,
            otherwise,
            around,
            items_around,
            body,
            end: arguments.span_close(),
            braces,
            rule,
            tokens,
        })
    }
}
