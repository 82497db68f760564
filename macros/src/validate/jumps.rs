//! `break` and `continue` that would leave a block: the loop is on the peer that called it.

use proc_macro2::{Group, Span, TokenTree};
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprAsync, ExprBlock, ExprClosure, ExprForLoop, ExprLoop, ExprWhile, Item, Label};

use crate::errors::Errors;

/// Tells each jump from the body of a block to a loop outside it.
///
/// Blocks inside it are looked at on their own. What stands in other macros is left to rustc.
pub(crate) fn check(body: &Group, errors: &mut Errors) {
    let Ok(body) = syn::parse2::<Block>(TokenTree::from(body.clone()).into()) else { return };
    Jumps { loops: 0, labels: Vec::new(), errors }.visit_block(&body);
}

struct Jumps<'e> {
    /// How many loops of the block are around this place.
    loops: usize,
    /// The labels around it.
    labels: Vec<String>,
    errors: &'e mut Errors,
}

impl Jumps<'_> {
    fn within(&mut self, label: Option<&Label>, is_loop: bool, visit: impl FnOnce(&mut Self)) {
        let outside = self.labels.len();
        self.labels.extend(label.map(|label| label.name.ident.to_string()));
        self.loops += usize::from(is_loop);
        visit(self);
        self.loops -= usize::from(is_loop);
        self.labels.truncate(outside);
    }

    fn jump(&mut self, word: &str, span: Span, label: Option<&syn::Lifetime>) {
        let stays = match label {
            Some(label) => self.labels.contains(&label.ident.to_string()),
            None => self.loops > 0,
        };
        if !stays {
            self.errors.at(
                span,
                format_args!(
                    "`{word}` cannot leave a block, which runs on another peer than the loop: end the block with a value \
                     that says what to do, and `{word}` after its `.await`"
                ),
            );
        }
    }
}

impl<'ast> Visit<'ast> for Jumps<'_> {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::Break(jump) => self.jump("break", jump.break_token.span, jump.label.as_ref()),
            Expr::Continue(jump) => self.jump("continue", jump.continue_token.span, jump.label.as_ref()),
            _ => {}
        }
        visit::visit_expr(self, expression);
    }

    fn visit_expr_loop(&mut self, repeat: &'ast ExprLoop) {
        self.within(repeat.label.as_ref(), true, |jumps| visit::visit_expr_loop(jumps, repeat));
    }

    fn visit_expr_while(&mut self, repeat: &'ast ExprWhile) {
        self.within(repeat.label.as_ref(), true, |jumps| visit::visit_expr_while(jumps, repeat));
    }

    fn visit_expr_for_loop(&mut self, repeat: &'ast ExprForLoop) {
        // Its expression stands outside it.
        self.visit_expr(&repeat.expr);
        self.within(repeat.label.as_ref(), true, |jumps| jumps.visit_block(&repeat.body));
    }

    fn visit_expr_block(&mut self, block: &'ast ExprBlock) {
        self.within(block.label.as_ref(), false, |jumps| visit::visit_expr_block(jumps, block));
    }

    // These cannot be left either, and rustc says so.
    fn visit_expr_closure(&mut self, _: &'ast ExprClosure) {}
    fn visit_expr_async(&mut self, _: &'ast ExprAsync) {}
    fn visit_item(&mut self, _: &'ast Item) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(body: &str) -> usize {
        let Some(TokenTree::Group(body)) =
            format!("{{ {body} }}").parse::<proc_macro2::TokenStream>().unwrap().into_iter().next()
        else {
            panic!("no group");
        };
        let mut errors = Errors::default();
        check(&body, &mut errors);
        errors.messages().len()
    }

    #[test]
    fn a_jump_to_a_loop_outside_is_told() {
        for body in
            ["break;", "if x { continue; }", "loop { break 'outer; }", "'a: { break; }", "loop {} break 2;"]
        {
            assert_eq!(count(body), 1, "{body}");
        }
    }

    #[test]
    fn a_jump_within_the_block_is_not() {
        for body in [
            "loop { break; }",
            "'a: for x in y { while z { continue 'a; } }",
            "let x = 'a: { break 'a 1; };",
            "|| break",
            "async { continue }",
            "remote!(p, [], { break; })",
            "fn f() { break; }",
        ] {
            assert_eq!(count(body), 0, "{body}");
        }
    }
}
