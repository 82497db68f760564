//! Mistakes at the end of a body: a call that is not awaited, and `Ok(value)` at the
//! end of a block.
//!
//! rustc would say that a `Call` is not what the function returns, or that it does not know the
//! type of an error, once for each copy of the body, and not what to do.

use proc_macro2::{Delimiter, TokenTree};
use syn::{ReturnType, Type};

use crate::errors::Errors;
use crate::parse::block::RemoteBlock;
use crate::parse::find::{Code, Piece};

/// Tells each body that ends with a call instead of its value: that of the function, if it surely
/// does not return the call, and those of its blocks, which never can.
pub(crate) fn check(output: &ReturnType, code: &Code, errors: &mut Errors) {
    if is_no_call(output) {
        last(code, errors);
    }
    blocks(code, errors);
}

/// Whether this is certainly something else than a call.
fn is_no_call(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => {
            matches!(&**ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Result"))
        }
    }
}

fn last(code: &Code, errors: &mut Errors) {
    if let Some(Piece::Remote(block)) = code.last() {
        let message = "a call is sent when it is awaited: write `.await` after it";
        errors.at(block.name.span(), message);
    }
}

/// Tells `Ok(value)` at the end of a block. The block would always end in `Ok` within `Ok`, and
/// nothing says of which type the other case is.
fn wrapped(block: &RemoteBlock, errors: &mut Errors) {
    let before = match &block.body[..] {
        [before @ .., Piece::Token(TokenTree::Ident(ok)), Piece::Group(Delimiter::Parenthesis, _, _)]
            if ok == "Ok" =>
        {
            before
        }
        _ => return,
    };
    let begins = match before.last() {
        None => true,
        Some(Piece::Token(TokenTree::Punct(punct))) => punct.as_char() == ';',
        Some(Piece::Group(delimiter, ..)) => *delimiter == Delimiter::Brace,
        Some(_) => false,
    };
    if begins && block.result.is_none() && !returns_a_value(&block.body) {
        let Some(Piece::Token(ok)) = block.body.get(before.len()) else { return };
        let message = "a block ends with its value, and an error leaves it by `?` or `return Err(..)`: write the value without `Ok`; if \
                       the value is to be a `Result`, write its type, `[a, b] -> Result<T, E>, { body }`";
        errors.at(ok.span(), message);
    }
}

/// Whether a `return` stands here with something else than `Err(..)`.
fn returns_a_value(code: &Code) -> bool {
    code.iter().enumerate().any(|(index, piece)| match piece {
        Piece::Token(TokenTree::Ident(word)) if word == "return" => {
            !matches!(code.get(index + 1), Some(Piece::Token(TokenTree::Ident(next))) if next == "Err")
        }
        Piece::Group(_, _, inner) => returns_a_value(inner),
        Piece::Token(_) | Piece::Item(_) | Piece::Remote(_) => false,
    })
}

fn blocks(code: &Code, errors: &mut Errors) {
    for piece in code {
        match piece {
            Piece::Group(_, _, inner) => blocks(inner, errors),
            Piece::Remote(block) => {
                last(&block.body, errors);
                wrapped(block, errors);
                blocks(&block.body, errors);
                block
                    .captures
                    .iter()
                    .filter_map(|capture| capture.value.as_ref())
                    .for_each(|value| blocks(value, errors));
            }
            Piece::Token(_) | Piece::Item(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::find::Finder;

    fn count(source: &str) -> usize {
        let function: syn::ItemFn = syn::parse_str(source).unwrap();
        let mut errors = Errors::default();
        let body = quote::ToTokens::to_token_stream(&function.block).into_iter().next();
        let Some(proc_macro2::TokenTree::Group(body)) = body else { panic!("no body") };
        let code = Finder::new(&mut errors).find(body.stream());
        check(&function.sig.output, &code, &mut errors);
        errors.messages().len()
    }

    #[test]
    fn a_call_that_ends_a_body_is_told() {
        for source in [
            "async fn f() -> Result<u32, E> { remote!(p, [], { 1 }) }",
            "async fn f() -> io::Result<u32> { let x = 1; remote!(p, [], { 1 }) }",
            "async fn f() { remote!(p, [], {}) }",
            "async fn f() -> Other { remote!(p, [], { remote!(p, [], { 1 }) }).await }",
            "async fn f() -> Other { g(remote!(p, [], { remote!(p, [], { 1 }) }).await) }",
        ] {
            assert_eq!(count(source), 1, "{source}");
        }
    }

    #[test]
    fn ok_at_the_end_of_a_block_is_told() {
        for body in ["Ok(1)", "let a = 1; Ok(a)", "if a { return Err(b); } Ok(a)"] {
            let source = format!("async fn f() -> Other {{ remote!(p, [], {{ {body} }}).await }}");
            assert_eq!(count(&source), 1, "{source}");
        }
        for body in [
            "if a { return Ok(b); } Ok(a)",
            "Ok::<u32, String>(1)",
            "a.Ok(1)",
            "f(|| Ok(1))",
            "match a { _ => Ok(1) }",
            "Ok(1)?",
            "Result::Ok(1)",
        ] {
            let source = format!("async fn f() -> Other {{ remote!(p, [], {{ {body} }}).await }}");
            assert_eq!(count(&source), 0, "{source}");
        }
        assert_eq!(
            count("async fn f() -> Other { remote!(p, [] -> Result<u32, String>, { Ok(1) }).await }"),
            0
        );
    }

    #[test]
    fn a_call_that_is_awaited_or_may_be_returned_is_not() {
        for source in [
            "async fn f() -> Call<u32> { remote!(p, [], { 1 }) }",
            "async fn f() -> Alias { remote!(p, [], { 1 }) }",
            "async fn f() -> Result<u32, E> { remote!(p, [], { 1 }).await }",
            "async fn f() { remote!(p, [], {}); }",
            "async fn f() -> Result<(), E> { let calls = [remote!(p, [], {})]; g(calls) }",
        ] {
            assert_eq!(count(source), 0, "{source}");
        }
    }
}
