//! A hash of what tokens say, not of how they are laid out.
//!
//! Names, literals, punctuation and delimiters count. Comments, doc comments, white space, line
//! numbers, and the commas and braces that a formatter adds and removes do not.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// FNV-1a with 64 bits; each word is preceded by its kind and followed by a byte that no word
/// contains.
#[derive(Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Fnv {
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) const fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u64).wrapping_mul(0x0100_0000_01b3))
    }

    pub(crate) fn word(self, kind: u8, word: &str) -> Self {
        word.bytes().fold(self.byte(kind), Self::byte).byte(0xff)
    }

    pub(crate) fn number(self, number: u64) -> Self {
        number.to_le_bytes().into_iter().fold(self, Self::byte)
    }

    pub(crate) const fn get(self) -> u64 {
        self.0
    }

    pub(crate) fn tokens(mut self, tokens: TokenStream) -> Self {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            if let Some(length) = doc_comment(&tokens[index..]) {
                index += length;
                continue;
            }
            match arm_in_braces(&tokens, index) {
                Some(arm) => {
                    match in_braces_for_length(&arm) {
                        true => self = self.tokens(arm.stream()),
                        false => self = self.token(token, false),
                    }
                    // Between braces and the next arm there may be a comma or none.
                    if tokens.len() > index + 1 && !is(tokens.get(index + 1), ',') {
                        self = self.word(b'p', ",");
                    }
                }
                None => self = self.token(token, holds_arguments(&tokens[..index])),
            }
            index += 1;
        }
        self
    }

    /// A token; in parentheses that hold arguments, one argument with a comma is no tuple.
    fn token(self, token: &TokenTree, holds_arguments: bool) -> Self {
        match token {
            TokenTree::Ident(name) => self.word(b'i', &name.to_string()),
            TokenTree::Literal(literal) => self.word(b'l', &literal.to_string()),
            TokenTree::Punct(punct) => self.word(b'p', punct.as_char().encode_utf8(&mut [0; 4])),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => (b'(', b')'),
                    Delimiter::Brace => (b'{', b'}'),
                    Delimiter::Bracket => (b'[', b']'),
                    // What another macro substituted is as if it had been written.
                    Delimiter::None => return self.tokens(group.stream()),
                };
                let may_be_tuple = group.delimiter() == Delimiter::Parenthesis && !holds_arguments;
                self.byte(open).tokens(without_trailing_comma(may_be_tuple, group.stream())).byte(close)
            }
        }
    }
}

fn is(token: Option<&TokenTree>, char: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}

/// The braces after `=>`, if they stand at this index.
fn arm_in_braces(tokens: &[TokenTree], index: usize) -> Option<Group> {
    let TokenTree::Group(group) = &tokens[index] else { return None };
    let arrow = index >= 2 && is(tokens.get(index - 2), '=') && is(tokens.get(index - 1), '>');
    (arrow && group.delimiter() == Delimiter::Brace).then(|| group.clone())
}

/// Whether there is a single expression in the braces of an arm. A formatter puts it there where
/// the line is too long.
fn in_braces_for_length(arm: &Group) -> bool {
    let value = arm.stream();
    !value.is_empty() && !value.into_iter().any(|token| is(Some(&token), ';'))
}

/// Whether parentheses after these tokens are those of a call, a pattern or a macro, and not a
/// tuple.
fn holds_arguments(before: &[TokenTree]) -> bool {
    const BEFORE_VALUES: [&str; 13] =
        ["as", "await", "break", "else", "if", "in", "let", "match", "move", "mut", "ref", "return", "while"];
    match before.last() {
        Some(TokenTree::Ident(name)) => !BEFORE_VALUES.iter().any(|word| name == word),
        Some(TokenTree::Group(_)) => true,
        Some(TokenTree::Punct(punct)) => match punct.as_char() {
            '!' => true,
            // The end of `f::<T>(..)`, not an arrow.
            '>' => {
                !before.iter().rev().nth(1).is_some_and(|token| is(Some(token), '=') || is(Some(token), '-'))
            }
            _ => false,
        },
        _ => false,
    }
}

/// A comma before a closing delimiter says nothing, except that `(a,)` is a tuple.
fn without_trailing_comma(may_be_tuple: bool, tokens: TokenStream) -> TokenStream {
    let is_comma = |token: &TokenTree| is(Some(token), ',');
    let mut tokens: Vec<_> = tokens.into_iter().collect();
    let commas = tokens.iter().filter(|token| is_comma(token)).count();
    if tokens.last().is_some_and(is_comma) && (!may_be_tuple || commas > 1) {
        tokens.pop();
    }
    tokens.into_iter().collect()
}

/// The number of tokens of the doc comment, `#[doc = ".."]` or `#![doc = ".."]`, that stands here.
fn doc_comment(tokens: &[TokenTree]) -> Option<usize> {
    if !is(tokens.first(), '#') {
        return None;
    }
    let at = if is(tokens.get(1), '!') { 2 } else { 1 };
    let Some(TokenTree::Group(group)) = tokens.get(at) else { return None };
    let mut inner = group.stream().into_iter();
    let is_doc = matches!(inner.next(), Some(TokenTree::Ident(name)) if name == "doc");
    (is_doc && is(inner.next().as_ref(), '=')).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_source(body: &str) -> u64 {
        Fnv::new().tokens(body.parse().unwrap()).get()
    }

    #[test]
    fn comments_and_layout_do_not_count() {
        let plain = of_source("let a = -1; f(a, b); match a { 1 => x, _ => y }");
        assert_eq!(plain, of_source("let a =-1;\n\n  f(a ,b); // why\n match a { 1=>x, _=>y /* so */ }"));
        assert_eq!(plain, of_source("let a = -1; f(a, b,); match a { 1 => x, _ => y, }"));
        assert_eq!(of_source("f(a); x.g::<T>(a); h!(a)"), of_source("f(a,); x.g::<T>(a,); h!(a,)"));
        assert_ne!(of_source("let a = (b);"), of_source("let a = (b,);"));
        assert_ne!(of_source("return (b)"), of_source("return (b,)"));
        assert_ne!(of_source("x => (b)"), of_source("x => (b,)"));
        assert_eq!(of_source("struct A;"), of_source("/// An a.\nstruct A;"));
    }

    #[test]
    fn the_braces_and_commas_of_match_arms_do_not_count() {
        let plain = of_source("match a { 1 => x, 2 => { y(); z } _ => w(x, y) }");
        assert_eq!(plain, of_source("match a { 1 => { x } 2 => { y(); z }, _ => { w(x, y) } }"));
        assert_eq!(plain, of_source("match a { 1 => { x }, 2 => { y(); z } _ => { w(x, y,) }, }"));
        assert_ne!(plain, of_source("match a { 1 => { x; } 2 => { y(); z } _ => w(x, y) }"));
    }

    #[test]
    fn tokens_count() {
        let versions = [
            "",
            "a",
            "b",
            "a b",
            "ab",
            "a + b",
            "a - b",
            "(a)",
            "[a]",
            "{ a }",
            "(a,)",
            "1",
            "1.0",
            "\"1\"",
            "'1'",
            "r#a",
            "#[allow(x)] a",
        ];
        let mut hashes: Vec<_> = versions.iter().map(|body| of_source(body)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), versions.len());
    }
}
