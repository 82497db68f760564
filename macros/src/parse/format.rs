//! The macros of the standard library whose arguments are expressions, and the variables named in
//! format strings.

use proc_macro2::{Ident, Literal, Span};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Lit, Macro, Token};

/// Macros whose first or second argument is a format string.
const FORMATTING: &[&str] = &[
    "format",
    "print",
    "println",
    "eprint",
    "eprintln",
    "write",
    "writeln",
    "panic",
    "format_args",
    "todo",
    "unimplemented",
    "unreachable",
    "assert",
    "debug_assert",
];

/// Further macros that take nothing but expressions. In `assert_eq!` the third may be a format
/// string.
const LISTS: &[&str] =
    &["vec", "dbg", "assert_eq", "assert_ne", "debug_assert_eq", "debug_assert_ne", "join", "try_join"];

/// Macros of `tracing` and `log`, of which only the format string is understood.
const LOGGING: &[&str] = &["trace", "debug", "info", "warn", "error"];

/// What a macro says about the variables it uses.
#[derive(Default)]
pub(crate) struct Arguments {
    /// The expressions among its arguments.
    pub(crate) expressions: Vec<Expr>,
    /// The variables in its format string, each at the string.
    pub(crate) inline: Vec<(String, Span)>,
}

/// The arguments of a macro that is known; nothing for others.
pub(crate) fn arguments(mac: &Macro) -> Arguments {
    let name = mac.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
    let is_in = |list: &[&str]| list.contains(&name.as_str());
    let formats = has_format_string(&name);
    if !(formats || is_in(LISTS)) {
        return Arguments::default();
    }
    let expressions = if name == "vec"
        && let Ok(repeated) = repeat.parse2(mac.tokens.clone())
    {
        repeated
    } else {
        let list = Punctuated::<Expr, Token![,]>::parse_terminated;
        list.parse2(mac.tokens.clone()).map(|list| list.into_iter().collect()).unwrap_or_default()
    };
    let mut arguments = Arguments::default();
    let mut named = Vec::new();
    for expression in expressions {
        match expression {
            // `name = value`, which names what the format string uses.
            Expr::Assign(assign) if formats => {
                if let Expr::Path(path) = &*assign.left
                    && let Some(name) = path.path.get_ident()
                {
                    named.push(name.to_string());
                }
                arguments.expressions.push(*assign.right);
            }
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if formats => {
                let names = inline_names(&text.value());
                arguments.inline.extend(names.into_iter().map(|name| (name, text.span())));
            }
            other => arguments.expressions.push(other),
        }
    }
    if is_in(LOGGING) {
        // Its fields look like expressions and are not.
        arguments.expressions.clear();
    }
    arguments.inline.retain(|(name, _)| !named.contains(name));
    arguments
}

/// Whether a macro of this name takes a format string.
pub(crate) fn has_format_string(name: &str) -> bool {
    FORMATTING.contains(&name) || LOGGING.contains(&name) || name.contains("assert")
}

/// Whether a format string shows `self`, as `"{self}"` and `"{self:?}"` do.
pub(crate) fn shows_self(literal: &Literal) -> bool {
    string(literal).is_some_and(|text| fields(&text.value()).iter().any(|name| name == "self"))
}

/// The format string with another name in the place of `self`.
pub(crate) fn with_receiver(literal: &Literal, receiver: &Ident) -> Option<Literal> {
    let (text, name) = (string(literal)?.value(), receiver.to_string());
    let text = text.replace("{self}", &format!("{{{name}}}")).replace("{self:", &format!("{{{name}:"));
    let mut replaced = Literal::string(&text);
    replaced.set_span(literal.span());
    Some(replaced)
}

fn string(literal: &Literal) -> Option<syn::LitStr> {
    syn::parse2(proc_macro2::TokenTree::from(literal.clone()).into()).ok()
}

/// `value; length`.
fn repeat(input: syn::parse::ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    let value = input.parse()?;
    input.parse::<Token![;]>()?;
    Ok(vec![value, input.parse()?])
}

/// The variables in a format string: `a` and `b` in `"{a} {b:?} {} {0} {{c}}"`.
fn inline_names(text: &str) -> Vec<String> {
    let mut names = fields(text);
    names.retain(|name| syn::parse_str::<Ident>(name).is_ok());
    names
}

/// What stands in its braces, before a colon.
fn fields(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text.replace("{{", "").replace("}}", "");
    while let Some(open) = rest.find('{') {
        rest = rest.split_off(open + 1);
        let end = rest.find(['}', ':']).unwrap_or(rest.len());
        names.push(rest[..end].trim().to_owned());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(source: &str) -> Vec<String> {
        let mac: Macro = syn::parse_str(source).unwrap();
        let found = arguments(&mac);
        let names = found.expressions.iter().map(|e| quote::ToTokens::to_token_stream(e).to_string());
        names.chain(found.inline.into_iter().map(|(name, _)| name)).collect()
    }

    #[test]
    fn names_in_format_strings_are_found() {
        assert_eq!(uses(r#"println!("{a} {b:?} {} {0} {{c}} {d:>5}", e)"#), ["e", "a", "b", "d"]);
        assert_eq!(uses(r#"format!("{a} {b}", b = c)"#), ["c", "a"]);
        assert_eq!(uses(r#"assert!(a, "{b}")"#), ["a", "b"]);
        assert_eq!(uses("vec![a; b]"), ["a", "b"]);
    }

    #[test]
    fn self_in_a_format_string_is_seen_and_can_be_replaced() {
        let replaced = |source: &str| {
            let literal: Literal = syn::parse_str(source).unwrap();
            let receiver = Ident::new("receiver", Span::call_site());
            shows_self(&literal).then(|| with_receiver(&literal, &receiver).unwrap().to_string())
        };
        assert_eq!(replaced(r#""{self} {self:?} {a}""#).as_deref(), Some(r#""{receiver} {receiver:?} {a}""#));
        assert_eq!(replaced(r#""{{self}} {selfish} self""#), None);
        assert_eq!(replaced("b'{'"), None);
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        assert_eq!(uses("my_macro!(a)"), Vec::<String>::new());
        assert_eq!(uses(r#"info!(a, b = c, "{d}")"#), ["d"]);
        assert_eq!(uses(r#"info!(%a, "{d}")"#), Vec::<String>::new());
        assert_eq!(uses("matches!(a, Some(_))"), Vec::<String>::new());
    }
}
