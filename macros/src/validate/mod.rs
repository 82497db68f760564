//! Which functions can have blocks, and what a block must not mention.

pub(crate) mod blocking;
pub(crate) mod jumps;
pub(crate) mod misplaced;
pub(crate) mod scope;
pub(crate) mod tail;

use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{FnArg, GenericParam, ReturnType, Signature, TypeImplTrait};

use crate::errors::Errors;
use crate::parse::find::{self, Code, Piece};
use crate::parse::format;
use crate::parse::function::{Body, Function};
use crate::parse::service::Service;

/// Tells everything that is wrong with a function and its blocks.
pub(crate) fn function(
    function: &Function,
    body: &Body,
    code: &Code,
    has_blocks: bool,
    service: Option<&Service>,
    errors: &mut Errors,
) {
    signature(&function.signature, has_blocks, find::has(code, "async"), errors);
    if has_blocks {
        tail::check(&function.signature.output, code, errors);
        let mut selves = Selves { in_method: service.is_some(), lone: None, errors };
        selves.signature(&function.signature);
        selves.code(code, false);
        if let Some(span) = selves.lone {
            let message = "`#[distributed]` on a single method does not know what `Self` is: put it on the `impl` block \
                           instead, where it means every `async fn` with `remote!`; a method of a trait calls an `async fn` outside of it, \
                           which has the blocks";
            errors.at(span, message);
        }
    }
    if let Some(tree) = &body.tree
        && errors.is_empty()
    {
        scope::check(&function.signature, tree, errors);
    }
}

fn signature(signature: &Signature, has_blocks: bool, has_async: bool, errors: &mut Errors) {
    if signature.asyncness.is_none() {
        let message = if has_async {
            "a function with blocks waits for them, so it must be an `async fn`; if it is one, another attribute has changed it before: put \
             `#[distributed]` first, above `#[actix_web::main]`, `#[actix_web::test]`, `#[tokio::main]` and the like"
        } else {
            "a function with blocks waits for them, so it must be an `async fn`"
        };
        errors.at(signature.fn_token.span, message);
    }
    if !has_blocks {
        return;
    }
    for parameter in &signature.generics.params {
        let message = match parameter {
            GenericParam::Lifetime(_) => continue,
            GenericParam::Type(ty) => format!(
                "a block is compiled once and must know all types, so a function with `remote!` cannot be generic: write a \
                 concrete type in place of `{}`, or call a function without type parameters from here",
                ty.ident
            ),
            GenericParam::Const(value) => format!(
                "a block is compiled once and must know all values, so a function with `remote!` cannot be generic: make \
                 `{}` an ordinary parameter",
                value.ident
            ),
        };
        errors.push(syn::Error::new_spanned(parameter, message));
    }
    let mut hidden = HiddenTypes { errors };
    signature.inputs.iter().for_each(|input| hidden.visit_fn_arg(input));
}

/// Finds `impl Trait` among the parameters.
struct HiddenTypes<'e> {
    errors: &'e mut Errors,
}

impl<'ast> Visit<'ast> for HiddenTypes<'_> {
    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        let message = "a block is compiled once and must know all types, so a function with `remote!` cannot take `impl Trait`: write \
                       a concrete type, or `&dyn Trait`";
        self.errors.push(syn::Error::new_spanned(ty, message));
        visit::visit_type_impl_trait(self, ty);
    }
}

/// Finds `self` and `Self` where they cannot be understood.
struct Selves<'e> {
    in_method: bool,
    /// The first one outside blocks, in a function that does not know its type.
    lone: Option<proc_macro2::Span>,
    errors: &'e mut Errors,
}

impl Selves<'_> {
    fn signature(&mut self, signature: &Signature) {
        for input in &signature.inputs {
            match input {
                FnArg::Receiver(receiver) => self.outside(receiver.self_token.span),
                FnArg::Typed(input) => self.tokens(input.ty.to_token_stream()),
            }
        }
        if let ReturnType::Type(_, ty) = &signature.output {
            self.tokens(ty.to_token_stream());
        }
    }

    fn tokens(&mut self, tokens: proc_macro2::TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(name) if name == "Self" => self.outside(name.span()),
                _ => {}
            }
        }
    }

    fn outside(&mut self, span: proc_macro2::Span) {
        if !self.in_method {
            self.lone.get_or_insert(span);
        }
    }

    fn receiver(&mut self, span: proc_macro2::Span, in_block: bool) {
        if in_block {
            let message = "`self` does not travel: capture what the block needs, for example `[name = self.name]`, and \
                           use `name` here";
            self.errors.at(span, message);
        } else {
            self.outside(span);
        }
    }

    fn format_string(&mut self, arguments: &Code, in_block: bool) {
        for argument in arguments {
            if let Piece::Token(TokenTree::Literal(text)) = argument
                && format::shows_self(text)
            {
                self.receiver(text.span(), in_block);
            }
        }
    }

    fn code(&mut self, code: &Code, in_block: bool) {
        for (index, piece) in code.iter().enumerate() {
            match piece {
                Piece::Group(_, _, inner) => {
                    if follows_formatting_macro(&code[..index]) {
                        self.format_string(inner, in_block);
                    }
                    self.code(inner, in_block);
                }
                Piece::Remote(block) => {
                    self.code(&block.peer, in_block);
                    for value in block.captures.iter().filter_map(|capture| capture.value.as_ref()) {
                        self.code(value, in_block);
                    }
                    self.code(&block.body, true);
                }
                Piece::Token(TokenTree::Ident(name)) if name == "Self" => match (in_block, self.in_method) {
                    (_, true) => {}
                    (true, false) => self.errors.at(
                        name.span(),
                        "`#[distributed]` on a single method does not know what `Self` is: name the type here, or put \
                         `#[distributed]` on the `impl` block",
                    ),
                    (false, false) => self.outside(name.span()),
                },
                Piece::Token(TokenTree::Ident(name)) if name == "self" && !leads_a_path(code, index) => {
                    self.receiver(name.span(), in_block);
                }
                Piece::Token(_) | Piece::Item(_) => {}
            }
        }
    }
}

/// Whether what stands here are the arguments of a macro with a format string.
fn follows_formatting_macro(before: &[Piece]) -> bool {
    matches!(before, [.., Piece::Token(TokenTree::Ident(name)), Piece::Token(TokenTree::Punct(bang))]
        if bang.as_char() == '!' && format::has_format_string(&name.to_string()))
}

/// Whether the `self` here is the module, as in `self::function()`.
pub(crate) fn leads_a_path(code: &Code, index: usize) -> bool {
    matches!(code.get(index + 1), Some(Piece::Token(TokenTree::Punct(punct))) if punct.as_char() == ':')
}
