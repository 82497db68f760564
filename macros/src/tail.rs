//! A call at the end of a body that nobody awaits.
//!
//! rustc would say that a `Call` is not what the function returns, once for each copy of the body, and not what to do.

use syn::{ReturnType, Type};

use crate::errors::Errors;
use crate::find::{Code, Piece};

/// Tells each body that ends with a call instead of its value: that of the function, if it surely does not return the call, and those
/// of its blocks, which never can.
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

fn blocks(code: &Code, errors: &mut Errors) {
    for piece in code {
        match piece {
            Piece::Group(_, _, inner) => blocks(inner, errors),
            Piece::Remote(block) => {
                last(&block.body, errors);
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
    use crate::find::Finder;

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
