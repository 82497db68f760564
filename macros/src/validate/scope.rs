//! Says which variables a block uses that do not travel with it.
//!
//! rustc would say so too, but not what to do. So this may miss a variable, and must never name
//! one wrongly: a name is reported only if it is certainly a variable of the function around the
//! block, and certainly used as one in the block.

use std::collections::HashSet;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{
    Arm, Block, Expr, ExprClosure, ExprForLoop, ExprIf, ExprLet, ExprWhile, FnArg, Item, Local, Macro, Pat,
    Signature, Stmt,
};

use crate::errors::Errors;
use crate::parse::block::Parts;
use crate::parse::format;

/// Tells each variable that a block of this function uses without listing it.
pub(crate) fn check(signature: &Signature, body: &[Stmt], errors: &mut Errors) {
    let mut scope =
        Scope { variables: vec![HashSet::new()], blocks: Vec::new(), told: HashSet::new(), errors };
    for input in &signature.inputs {
        if let FnArg::Typed(input) = input {
            scope.bind(&input.pat);
        }
    }
    scope.statements(body);
}

/// What is in sight at one place of the function.
struct Scope<'e> {
    /// The variables of each enclosing scope.
    variables: Vec<HashSet<String>>,
    /// The blocks around this place.
    blocks: Vec<Enclosing>,
    /// What has been told already: the number of blocks around it, and the name.
    told: HashSet<(usize, String)>,
    errors: &'e mut Errors,
}

/// A block around the place that is looked at.
struct Enclosing {
    /// How many scopes stand outside it.
    outside: usize,
    /// Its list, as written.
    listed: Vec<String>,
    /// Every name that is bound somewhere in it.
    bound: HashSet<String>,
}

impl Scope<'_> {
    fn within(&mut self, visit: impl FnOnce(&mut Self)) {
        self.variables.push(HashSet::new());
        visit(self);
        self.variables.pop();
    }

    fn bind(&mut self, pattern: &Pat) {
        let mut names = Bindings::default();
        names.visit_pat(pattern);
        if let Some(innermost) = self.variables.last_mut() {
            innermost.extend(names.0);
        }
        // A pattern may contain expressions, and a guard.
        self.visit_pat(pattern);
    }

    fn statements(&mut self, statements: &[Stmt]) {
        for statement in statements {
            match statement {
                Stmt::Item(_) => {}
                other => self.visit_stmt(other),
            }
        }
    }

    fn used(&mut self, name: &str, span: Span) {
        let Some(block) = self.blocks.last() else { return };
        let is_local = self.variables[..block.outside].iter().any(|scope| scope.contains(name));
        if !is_local || block.bound.contains(name) || block.listed.iter().any(|listed| listed == name) {
            return;
        }
        if self.told.insert((self.blocks.len(), name.to_owned())) {
            let list = block.listed.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(", ");
            self.errors.at(
                span,
                format_args!(
                    "`{name}` is used in this block but does not travel: add it to the list: `[{list}]`"
                ),
            );
        }
    }

    /// A `remote!`: its peer and its list belong to the code around it, its body is a scope of its
    /// own.
    fn remote(&mut self, arguments: &proc_macro2::Group) {
        let mut told = Errors::default();
        let Ok(parts) = Parts::parse(arguments, &mut told) else { return };
        self.visit_expr(&parts.peer);
        for capture in &parts.captures {
            match &capture.value {
                Some(value) => self.visit_expr(value),
                None => self.used(&capture.name.unraw().to_string(), capture.name.span()),
            }
        }
        let Ok(body) = syn::parse2::<Block>(TokenTree::from(parts.body).into()) else { return };
        let mut bound = Bindings::default();
        bound.visit_block(&body);
        let listed: Vec<_> = parts.captures.iter().map(|capture| capture.name.unraw().to_string()).collect();
        let outside = self.variables.len();
        self.variables.push(listed.iter().cloned().collect());
        self.blocks.push(Enclosing { outside, listed, bound: bound.0 });
        self.visit_block(&body);
        self.blocks.pop();
        self.variables.pop();
    }

    /// The `remote!`s in the tokens of another macro.
    fn remotes_in(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.remotes_in(group.stream()),
                TokenTree::Ident(name) if name == "remote" => {
                    if !matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '!') {
                        continue;
                    }
                    tokens.next();
                    if let Some(TokenTree::Group(arguments)) = tokens.peek() {
                        self.remote(arguments);
                        tokens.next();
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Scope<'_> {
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_block(&mut self, block: &'ast Block) {
        self.within(|scope| scope.statements(&block.stmts));
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, otherwise)) = &init.diverge {
                self.visit_expr(otherwise);
            }
        }
        self.bind(&local.pat);
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.within(|scope| {
            closure.inputs.iter().for_each(|input| scope.bind(input));
            scope.visit_expr(&closure.body);
        });
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        self.within(|scope| {
            scope.bind(&arm.pat);
            scope.visit_expr(&arm.body);
        });
    }

    fn visit_expr_for_loop(&mut self, repeat: &'ast ExprForLoop) {
        self.visit_expr(&repeat.expr);
        self.within(|scope| {
            scope.bind(&repeat.pat);
            scope.visit_block(&repeat.body);
        });
    }

    fn visit_expr_if(&mut self, choice: &'ast ExprIf) {
        self.within(|scope| {
            scope.visit_expr(&choice.cond);
            scope.visit_block(&choice.then_branch);
        });
        if let Some((_, otherwise)) = &choice.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_while(&mut self, repeat: &'ast ExprWhile) {
        self.within(|scope| {
            scope.visit_expr(&repeat.cond);
            scope.visit_block(&repeat.body);
        });
    }

    fn visit_expr_let(&mut self, condition: &'ast ExprLet) {
        self.visit_expr(&condition.expr);
        self.bind(&condition.pat);
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        if let Expr::Path(path) = expression
            && let (None, Some(name)) = (&path.qself, path.path.get_ident())
        {
            self.used(&name.unraw().to_string(), name.span());
        }
        visit::visit_expr(self, expression);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        let name = mac.path.segments.last().map(|segment| segment.ident.to_string());
        if name.as_deref() == Some("remote") {
            // The delimiters of a macro, as a group again.
            let group = mac.to_token_stream().into_iter().last();
            if let Some(TokenTree::Group(arguments)) = group {
                self.remote(&arguments);
            }
            return;
        }
        let arguments = format::arguments(mac);
        for (name, span) in arguments.inline {
            self.used(&name, span);
        }
        if arguments.expressions.is_empty() {
            self.remotes_in(mac.tokens.clone());
        }
        for expression in &arguments.expressions {
            self.visit_expr(expression);
        }
    }
}

/// The names that patterns bind. A capital letter means a constant, or it may.
#[derive(Default)]
struct Bindings(HashSet<String>);

impl<'ast> Visit<'ast> for Bindings {
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        let name = pattern.ident.unraw().to_string();
        if !name.starts_with(char::is_uppercase) {
            self.0.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(source: &str) -> Vec<String> {
        let function: syn::ItemFn =
            syn::parse_str(&format!("async fn f(p: P, a: u32, b: u32) {{ {source} }}")).unwrap();
        let mut errors = Errors::default();
        check(&function.sig, &function.block.stmts, &mut errors);
        errors.messages()
    }

    #[test]
    fn an_unlisted_variable_is_told_with_the_list_that_it_needs() {
        assert_eq!(
            messages("remote!(p, [a], { a + b })"),
            ["`b` is used in this block but does not travel: add it to the list: `[a, b]`"]
        );
        for source in [
            "remote!(p, [], { x(1, S { a }) })",
            "let c = 1; remote!(p, [], { c.d })",
            "for c in 0..2 { remote!(p, [], { -c }) }",
            "if let Some(c) = x { remote!(p, [], { c }) }",
            "while let Some(c) = x() { join!(remote!(p, [], { c })) }",
            "match x { Some(c) => unknown!(z, remote!(p, [], { c })), _ => {} }",
            "let f = |c: u32| remote!(p, [], { c });",
            "remote!(p, [], { println!(\"{a}\") })",
            "remote!(p, [], { vec![1; a] })",
            "remote!(p, [p, a], { remote!(p, [], { a }) })",
            "remote!(p, [a], { remote!(p, [a], { a }) })",
            "remote!(p, [p, a], { remote!(p, [a, b], { a + b }) })",
            "remote!(p, [], { a = 1; a += 1; a })",
        ] {
            assert_eq!(messages(source).len(), 1, "{source}");
        }
    }

    #[test]
    fn nothing_else_is_told() {
        for source in [
            "remote!(p, [a], { a })",
            "remote!(p, [x = a + b], { x })",
            "remote!(p, [], { let a = 1; a })",
            "remote!(p, [], { |a: u32| a })",
            "remote!(p, [], { match x { a => a } })",
            "remote!(p, [], { for a in 0..2 { println!(\"{a}\") } })",
            "remote!(p, [], { x.a + S { a: 1 }.a + a::b() + x.a() })",
            "remote!(p, [], { a!(b) })",
            "remote!(p, [], { unknown!(a) })",
            "remote!(p, [], { println!(\"{a} {{b}}\", a = 1) })",
            "remote!(p, [], { info!(a = 1, \"x\") })",
            "remote!(p, [], { fn a(b: u32) -> u32 { b } })",
            "remote!(p, [], { select! { a = x => a } })",
            "{ let c = 1; } remote!(p, [], { c })",
            "remote!(p, [], { c }); let c = 1;",
            "if let Some(c) = x {} else { remote!(p, [], { c }) }",
            "let C = 1; remote!(p, [], { C })",
            "remote!(p, [p, a], { let b = a; remote!(p, [b], { b }) })",
            "remote!(p, [], { 'a: loop { break 'a; } })",
        ] {
            assert_eq!(messages(source), Vec::<String>::new(), "{source}");
        }
    }
}
