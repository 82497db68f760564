//! `.await` in a block that runs on the blocking pool, where nothing can be awaited.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Block, ExprAsync, ExprAwait, ExprClosure, Item, Macro};

use crate::errors::Errors;

/// Reports each `.await` in the body of a block with `blocking`. `async` blocks inside it
/// are not checked.
pub(crate) fn check(body: &Group, errors: &mut Errors) {
    let Ok(body) = syn::parse2::<Block>(TokenTree::from(body.clone()).into()) else { return };
    Awaits { errors }.visit_block(&body);
}

struct Awaits<'e> {
    errors: &'e mut Errors,
}

impl Awaits<'_> {
    fn tell(&mut self, span: Span) {
        self.errors.at(
            span,
            "a block with `#[block(blocking)]` runs on a thread of the blocking pool and cannot `.await`: await before the call and \
             capture the value, or remove `blocking` and move what computes into `web::block`",
        );
    }

    /// The same in the tokens of a macro, of which only an `async` block is understood.
    fn tokens(&mut self, tokens: TokenStream) {
        let (mut is_behind_dot, mut is_async) = (false, false);
        for token in tokens {
            let was_behind_dot = std::mem::take(&mut is_behind_dot);
            match token {
                TokenTree::Group(_) if is_async => is_async = false,
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Punct(punct) => is_behind_dot = punct.as_char() == '.',
                TokenTree::Ident(word) if word == "await" && was_behind_dot => self.tell(word.span()),
                TokenTree::Ident(word) if word == "async" => is_async = true,
                TokenTree::Ident(word) if word == "move" => {}
                TokenTree::Ident(_) | TokenTree::Literal(_) => is_async = false,
            }
        }
    }
}

impl<'ast> Visit<'ast> for Awaits<'_> {
    fn visit_expr_await(&mut self, expression: &'ast ExprAwait) {
        self.tell(expression.await_token.span);
        visit::visit_expr_await(self, expression);
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        if closure.asyncness.is_none() {
            visit::visit_expr_closure(self, closure);
        }
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        // The body of a block in it runs elsewhere.
        if mac.path.segments.last().is_none_or(|segment| segment.ident != "remote") {
            self.tokens(mac.tokens.to_token_stream());
        }
    }

    fn visit_expr_async(&mut self, _: &'ast ExprAsync) {}
    fn visit_item(&mut self, _: &'ast Item) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(body: &str) -> usize {
        let Some(TokenTree::Group(body)) =
            format!("{{ {body} }}").parse::<TokenStream>().unwrap().into_iter().next()
        else {
            panic!("no group");
        };
        let mut errors = Errors::default();
        check(&body, &mut errors);
        errors.messages().len()
    }

    #[test]
    fn an_await_is_told() {
        for body in [
            "x.await",
            "f(x.await?);",
            "if a { x().await; }",
            "remote!(p, [], { 1 }).await",
            "println!(\"{}\", x.await)",
            "|| x.await",
            "join!(async { 1 }, x.await)",
        ] {
            assert_eq!(count(body), 1, "{body}");
        }
    }

    #[test]
    fn what_awaits_elsewhere_is_not() {
        for body in [
            "x.await_all()",
            "block_on(async { x.await })",
            "block_on(async move || x.await)",
            "m!(async move { x.await })",
            "remote!(p, [], { x.await })",
            "fn f() { x.await }",
        ] {
            assert_eq!(count(body), 0, "{body}");
        }
    }
}
