//! Prints an expansion for people: `DISTRIBUTED_SCOPE_EXPAND=1`.
//!
//! It lays tokens out and understands none of them, so that it can print what does not compile,
//! too.

use std::io::Write as _;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// Prints the expansion of the function named `name` to standard error, if the user wants to see
/// it.
pub(crate) fn if_wanted(name: &str, expansion: &TokenStream) {
    if std::env::var_os("DISTRIBUTED_SCOPE_EXPAND").is_none_or(|value| value.is_empty() || value == "0") {
        return;
    }
    let text = format!("// `#[distributed]` makes of `{name}`:\n{}\n", source(expansion.clone()));
    // If stderr cannot be written, the error cannot be reported either.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// The tokens as source code, one statement to a line.
pub(crate) fn source(tokens: TokenStream) -> String {
    let mut page = Page { text: String::new(), depth: 0, glued: true };
    page.tokens(tokens, true);
    page.line();
    page.text
}

struct Page {
    text: String,
    depth: usize,
    /// Whether the next token follows the last one without a space.
    glued: bool,
}

impl Page {
    /// `breaks` tells whether a `;` or a `,` ends a line here.
    fn tokens(&mut self, tokens: TokenStream, breaks: bool) {
        let mut tokens = tokens.into_iter().peekable();
        // After `#` or `#!` a bracket is an attribute, and a line ends behind it.
        let mut is_attribute = false;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => {
                    let is_block = group.delimiter() == Delimiter::Brace;
                    self.group(group.delimiter(), group.stream());
                    let continues = match tokens.peek() {
                        Some(TokenTree::Punct(punct)) => {
                            !matches!(punct.as_char(), '#' | '|' | '*' | '&' | ':')
                        }
                        Some(TokenTree::Ident(word)) => word == "else",
                        Some(TokenTree::Group(_) | TokenTree::Literal(_)) | None => false,
                    };
                    if (is_block && breaks && !continues) || (is_attribute && breaks) {
                        self.line();
                    }
                    is_attribute = false;
                }
                TokenTree::Punct(punct) => {
                    let char = punct.as_char();
                    is_attribute = char == '#' || is_attribute && char == '!';
                    // `a!`, `A<B>` and `a::b`, but `= !a`, `= <A as B>` and `-> ::a`.
                    let follows_name = self.follows_name() || self.text.ends_with([':', '>', '#', ']', ')']);
                    let tight = match char {
                        ',' | ';' | '.' | '?' | '>' => true,
                        '!' | '<' | ':' => {
                            follows_name
                                && !["->", "=>"].iter().any(|end| self.text.ends_with(end))
                                && (self.glued || !self.text.ends_with(':'))
                        }
                        _ => false,
                    };
                    self.word(char.encode_utf8(&mut [0; 4]), tight);
                    self.glued = punct.spacing() == Spacing::Joint
                        || matches!(char, '.' | '&' | '#' | '!' | '<' | '\'')
                        || char == ':' && self.text.ends_with("::");
                    if breaks && matches!(char, ';') {
                        self.line();
                    }
                }
                other => {
                    is_attribute = false;
                    self.word(&other.to_string(), false);
                }
            }
        }
    }

    fn group(&mut self, delimiter: Delimiter, inner: TokenStream) {
        match delimiter {
            Delimiter::None => self.tokens(inner, false),
            Delimiter::Brace if inner.is_empty() => self.word("{}", false),
            Delimiter::Brace => {
                self.word("{", false);
                self.depth += 1;
                self.line();
                self.tokens(inner, true);
                self.depth -= 1;
                self.line();
                self.word("}", false);
            }
            Delimiter::Parenthesis | Delimiter::Bracket => {
                let (open, close) = if delimiter == Delimiter::Bracket { ("[", "]") } else { ("(", ")") };
                // As in `f(x)` and `a[0]`, and not as in `= (x)` and `in [0]`.
                let called = self.follows_name() || self.text.ends_with([')', ']', '>', '?', '!']);
                self.word(open, called);
                self.glued = true;
                self.tokens(inner, false);
                self.word(close, true);
            }
        }
    }

    /// Whether the last token is a name, and not a keyword before an expression or a pattern.
    fn follows_name(&self) -> bool {
        const KEYWORDS: [&str; 8] = ["return", "use", "match", "let", "in", "if", "move", "mut"];
        // A name may hold marks that are no letters; outside of ASCII only names hold anything
        // here.
        let is_of_name = |char: char| char.is_ascii_alphanumeric() || char == '_' || !char.is_ascii();
        let name = self.text.rsplit(|char| !is_of_name(char)).next().unwrap_or_default();
        !name.is_empty() && !KEYWORDS.contains(&name)
    }

    fn word(&mut self, word: &str, tight: bool) {
        if self.text.is_empty() || self.text.ends_with('\n') {
            self.text.extend(std::iter::repeat_n("    ", self.depth));
        } else if !tight && !self.glued {
            self.text.push(' ');
        }
        self.text.push_str(word);
        self.glued = false;
    }

    fn line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.glued = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTION: &str = "\
#[doc(hidden)]
fn f<'a>(x: &'a T, y: u32) -> ::core::option::Option<u32> {
    let z = g!(x.y, [1, 2]);
    if z == 1 {
        return None;
    } else {
        h(| a, b | a + b)?;
    }
    struct A {}
    Some(z)
}
";

    #[test]
    fn a_function_is_laid_out_as_people_write_it() {
        let text = source(FUNCTION.parse().unwrap());
        assert_eq!(text, FUNCTION);
    }

    #[test]
    fn a_name_may_end_with_a_mark_that_is_no_letter() {
        // U+30B is the second character of this name, two bytes long and not alphanumeric.
        let text = source("fn rem\u{30b}<A>() { rem\u{30b}!(a) }".parse().unwrap());
        assert_eq!(text, "fn rem\u{30b}<A>() {\n    rem\u{30b}!(a)\n}\n");
    }

    #[test]
    fn what_is_printed_is_the_same_code() {
        let original: TokenStream = include_str!("print.rs").parse().unwrap();
        let printed: TokenStream = source(original.clone()).parse().unwrap();
        // Where spaces stand, tokens do not tell in the same way.
        let tight = |tokens: TokenStream| tokens.to_string().replace(' ', "");
        assert_eq!(tight(printed), tight(original));
    }
}
