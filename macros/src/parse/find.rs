//! Finds each `remote!` in a stream of tokens, however deep, and keeps everything else as it is.
//!
//! The tokens of other macros are searched like all others. Nested `fn` items and `macro_rules!`
//! definitions are not: a `remote!` there belongs to another function, or to none.

use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::quote;

use crate::errors::Errors;
use crate::parse::block::RemoteBlock;

/// Tokens in which each `remote!` has been read.
pub(crate) type Code = Vec<Piece>;

/// A part of [`Code`].
pub(crate) enum Piece {
    /// A token other than a group.
    Token(TokenTree),
    /// What stands between two delimiters.
    Group(Delimiter, Span, Code),
    /// A nested item, in which nothing is replaced.
    Item(TokenStream),
    /// A `remote!` with all that belongs to it.
    Remote(Box<RemoteBlock>),
}

/// Walks a function's tokens and numbers its blocks in the order of their `remote!`.
pub(crate) struct Finder<'e> {
    next: usize,
    /// The conditions under which the tokens now looked at are compiled.
    pub(crate) conditions: Vec<TokenStream>,
    /// The items that the blocks around declare.
    pub(crate) items: Vec<TokenStream>,
    /// The paths under which the user calls the macro.
    pub(crate) paths: Vec<TokenStream>,
    pub(crate) errors: &'e mut Errors,
}

impl<'e> Finder<'e> {
    pub(crate) fn new(errors: &'e mut Errors) -> Self {
        Self { next: 0, conditions: Vec::new(), items: Vec::new(), paths: Vec::new(), errors }
    }

    /// The number of blocks found so far.
    pub(crate) fn found(&self) -> usize {
        self.next
    }

    pub(crate) fn find(&mut self, tokens: TokenStream) -> Code {
        let mut code = Code::new();
        let outside = self.conditions.len();
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let ends = ends_statement(&token, tokens.peek());
            self.conditions.extend(condition(&code, &token));
            match token {
                TokenTree::Ident(name) => self.name(name, &mut tokens, &mut code),
                TokenTree::Group(group) => {
                    let inner = self.find(group.stream());
                    code.push(Piece::Group(group.delimiter(), group.span(), inner));
                }
                other => code.push(Piece::Token(other)),
            }
            if ends {
                self.conditions.truncate(outside);
            }
        }
        self.conditions.truncate(outside);
        code
    }

    fn name(&mut self, name: Ident, tokens: &mut Peekable<IntoIter>, code: &mut Code) {
        let is_member = ends_with_dot(code);
        if name == "fn" && matches!(tokens.peek(), Some(TokenTree::Ident(_))) {
            return code.push(Piece::Item(item(name, tokens)));
        }
        if is_member || !is_punct(tokens.peek(), '!') || !(name == "remote" || name == "macro_rules") {
            return code.push(Piece::Token(name.into()));
        }
        if name == "macro_rules" {
            return code.push(Piece::Item(item(name, tokens)));
        }
        let bang = tokens.next();
        let Some(TokenTree::Group(_)) = tokens.peek() else {
            // `remote != x`.
            code.push(Piece::Token(name.into()));
            return code.extend(bang.map(Piece::Token));
        };
        let Some(TokenTree::Group(arguments)) = tokens.next() else { return };
        let path = take_path(code, &name);
        self.paths.push(path.clone());
        let ordinal = self.next;
        self.next += 1;
        // A mistake has been told; whatever stands here is not expanded.
        if let Some(block) = RemoteBlock::parse(ordinal, path, name, &arguments, self) {
            code.push(Piece::Remote(Box::new(block)));
        }
    }
}

/// The attribute `#[cfg(..)]`, if this token completes one: what it stands on may not be compiled.
fn condition(before: &Code, token: &TokenTree) -> Option<TokenStream> {
    let TokenTree::Group(group) = token else { return None };
    let is_cfg = matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "cfg");
    let hash = matches!(before.last(), Some(Piece::Token(token)) if is_punct(Some(token), '#'));
    (is_cfg && hash && group.delimiter() == Delimiter::Bracket).then(|| quote!(# #group))
}

/// Whether what an attribute stands on ends here: at `;` or `,`, or at a brace that no operator
/// and no `else` follows.
fn ends_statement(token: &TokenTree, next: Option<&TokenTree>) -> bool {
    match token {
        TokenTree::Punct(punct) => matches!(punct.as_char(), ';' | ','),
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => match next {
            Some(TokenTree::Ident(word)) => word != "else" && word != "as",
            Some(TokenTree::Punct(punct)) => punct.as_char() == '#',
            _ => false,
        },
        _ => false,
    }
}

/// What `#[distributed]` leaves in the place of a `remote!`, under the path that the user wrote.
pub(crate) fn marker(path: &TokenStream) -> TokenStream {
    quote!(#path! { @distributed })
}

/// Whether these are the arguments of a [`marker`].
pub(crate) fn is_marker(arguments: TokenStream) -> bool {
    let mut tokens = arguments.into_iter();
    is_punct(tokens.next().as_ref(), '@')
        && matches!(tokens.next(), Some(TokenTree::Ident(word)) if word == "distributed")
}

/// Whether `tokens` contain a `remote!` that belongs to the function whose body they are.
pub(crate) fn has_remote(tokens: TokenStream) -> bool {
    let mut ignored = Errors::default();
    let mut finder = Finder::new(&mut ignored);
    finder.find(tokens);
    finder.found() > 0
}

/// Whether this word stands in the code, outside its blocks.
pub(crate) fn has(code: &Code, word: &str) -> bool {
    code.iter().any(|piece| match piece {
        Piece::Token(TokenTree::Ident(name)) => name == word,
        Piece::Group(_, _, inner) => has(inner, word),
        Piece::Token(_) | Piece::Item(_) | Piece::Remote(_) => false,
    })
}

/// The rest of an item, up to its body or its semicolon.
fn item(keyword: Ident, tokens: &mut Peekable<IntoIter>) -> TokenStream {
    let mut item = TokenStream::from(TokenTree::from(keyword));
    for token in tokens.by_ref() {
        let ends = match &token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(punct) => punct.as_char() == ';',
            _ => false,
        };
        item.extend([token]);
        if ends {
            break;
        }
    }
    item
}

/// Removes what leads to the `remote` of `distributed_scope::remote!`, and returns the whole path.
fn take_path(code: &mut Code, name: &Ident) -> TokenStream {
    let mut start = code.len();
    while start >= 2 && is_colon(&code[start - 1]) && is_colon(&code[start - 2]) {
        start -= 2;
        if start >= 1 && matches!(&code[start - 1], Piece::Token(TokenTree::Ident(_))) {
            start -= 1;
        } else {
            break;
        }
    }
    let mut path = TokenStream::new();
    path.extend(code.drain(start..).filter_map(|piece| match piece {
        Piece::Token(token) => Some(token),
        _ => None,
    }));
    path.extend([TokenTree::from(name.clone())]);
    path
}

fn is_colon(piece: &Piece) -> bool {
    matches!(piece, Piece::Token(token) if is_punct(Some(token), ':'))
}

fn is_punct(token: Option<&TokenTree>, char: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}

/// Whether the next name is a field or a method; `..` is not a dot.
fn ends_with_dot(code: &Code) -> bool {
    let dot = |piece: &Piece| is_dot(piece).then_some(());
    let last = code.last().and_then(dot);
    let before = code.len().checked_sub(2).and_then(|i| match &code[i] {
        Piece::Token(TokenTree::Punct(p)) if p.as_char() == '.' && p.spacing() == Spacing::Joint => Some(()),
        _ => None,
    });
    last.is_some() && before.is_none()
}

fn is_dot(piece: &Piece) -> bool {
    matches!(piece, Piece::Token(token) if is_punct(Some(token), '.'))
}

/// The group again, with the delimiters where they were.
pub(crate) fn group(delimiter: Delimiter, span: Span, tokens: TokenStream) -> TokenTree {
    let mut group = Group::new(delimiter, tokens);
    group.set_span(span);
    group.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(source: &str) -> usize {
        let mut errors = Errors::default();
        let mut finder = Finder::new(&mut errors);
        finder.find(source.parse().unwrap());
        let found = finder.found();
        assert_eq!(errors.messages(), Vec::<String>::new());
        found
    }

    #[test]
    fn a_remote_is_found_wherever_it_stands() {
        for source in [
            "remote!(p, [], {})",
            "distributed_scope::remote!(p, [], {})",
            "::distributed_scope::remote!(p, [], {})",
            "let x = join!(a, remote!(p, [], {}));",
            "loop { match x { 1 => { break remote![p, [], {}].await? } _ => {} } }",
            "select! { a = remote!(p, [], {}) => a }",
            "let f = |x: u32| remote! { p, [x], { x } };",
            "..remote!(p, [], {})",
        ] {
            assert_eq!(count(source), 1, "{source}");
        }
    }

    #[test]
    fn blocks_in_blocks_in_peers_and_in_captures_are_found() {
        assert_eq!(
            count("remote!(remote!(p, [], { q }), [x = remote!(p, [], {})], { remote!(p, [], {}) })"),
            4
        );
    }

    #[test]
    fn other_things_named_remote_are_not() {
        for source in
            ["remote(p)", "remote != x", "a.remote!", "fn inner() { remote!(p, [], {}) }", "remote::x!()"]
        {
            assert_eq!(count(source), 0, "{source}");
        }
        assert_eq!(count("macro_rules! m { () => { remote!(p, [], {}) } }"), 0);
    }
}
