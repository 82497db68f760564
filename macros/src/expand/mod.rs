//! The expansion of a function: itself, with calls in the place of its `remote!`s, and inside it
//! what the calls need.
//!
//! The types of a block are known only in its function, so the body stands twice: once to run, and
//! once in a function that registers the blocks, where it is only type-checked and tells the slots
//! their types. A block's body stands once for real, at the top of the registering function: there
//! no variable of the function is in sight, so one that is not listed is an error, and every
//! warning comes from there. Its other copies only bear witness to its type.

pub(crate) mod call;
pub(crate) mod closure_struct;
pub(crate) mod fallback;
pub(crate) mod fingerprint;
pub(crate) mod names;
pub(crate) mod print;
#[cfg(test)]
mod spans;
pub(crate) mod version;

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{FnArg, GenericParam, Ident, ReceiverKind, ReturnType, Type, parse_quote};

use crate::expand::version::Version;
use crate::parse::args::Args;
use crate::parse::block::RemoteBlock;
use crate::parse::find::{self, Code, Piece, group};
use crate::parse::format;
use crate::parse::function::{Body, Function};
use crate::parse::place::respan;
use crate::parse::requirement::Requirement;
use crate::parse::service::Service;
use crate::validate::leads_a_path;

/// What a copy of the code is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copy {
    /// It runs.
    Live,
    /// It says what type a block has, beside a call that runs.
    Witness,
    /// It tells the slots their types.
    Check,
}

/// The expansion of one function.
pub(crate) struct Expansion<'a> {
    krate: &'a TokenStream,
    require: Option<&'a Requirement>,
    is_exact: bool,
    pub(crate) private: TokenStream,
    pub(crate) function: &'a Function,
    service: Option<&'a Service>,
}

impl<'a> Expansion<'a> {
    pub(crate) fn new(args: &'a Args, function: &'a Function, service: Option<&'a Service>) -> Self {
        let (krate, require) = (&args.krate, args.require.as_ref());
        let is_exact = args.is_exact;
        Self { krate, require, is_exact, private: quote!(#krate::__private), function, service }
    }

    pub(crate) fn expand(&self, body: &Body, code: &Code, has_blocks: bool) -> TokenStream {
        let Function { attributes, visibility, signature, .. } = self.function;
        let (inner, items) = (&body.attributes, &body.items);
        let machinery = has_blocks.then(|| self.machinery(code, body.braces));
        let statements = self.code(code, Copy::Live, false);
        let body = group(Delimiter::Brace, body.braces, quote!(#(#items)* #machinery #statements));
        quote!(#(#attributes)* #(#inner)* #visibility #signature #body)
    }

    /// The structs, the descriptions and the registration of all blocks.
    fn machinery(&self, code: &Code, braces: Span) -> TokenStream {
        let private = &self.private;
        let mut blocks = Vec::new();
        collect(code, &mut blocks);
        let versions = version::of(&self.path(), self.is_exact, code);
        let definitions = blocks.iter().zip(versions).map(|(block, version)| self.definition(block, version));
        let slots = blocks.iter().map(|block| {
            let (slot, around) = (names::slot(block.ordinal), &block.around);
            quote!(#(#around)* let #slot = const { &#private::Slot::new() };)
        });
        let registrations = blocks.iter().map(|block| self.registration(block));
        let check = self.check(code, braces);
        let lifetimes = self.lifetimes();
        let condition = &self.function.signature.generics.where_clause;
        let register = Ident::new("__register", Span::mixed_site());
        let registrar = names::registrar();
        quote! {
            #(#definitions)*
            #[doc(hidden)]
            #[allow(
                unused_lifetimes, single_use_lifetimes, redundant_lifetimes, unused_qualifications, unused_parens,
                unreachable_code,
                clippy::extra_unused_lifetimes, clippy::needless_lifetimes, clippy::too_many_lines,
                clippy::cognitive_complexity, clippy::large_stack_frames
            )]
            fn #register <#(#lifetimes),*> (#registrar: &mut #private::Registrar) #condition {
                #(#slots)*
                #check
                #(#registrations)*
            }
            #private::inventory::submit! { #private::Registration(#register) }
        }
    }

    fn lifetimes(&self) -> impl Iterator<Item = &GenericParam> {
        let of_impl = self.service.into_iter().flat_map(|service| &service.lifetimes);
        of_impl.chain(&self.function.signature.generics.params)
    }

    /// The function in its module: its name, behind that of its type if it is a method.
    fn path(&self) -> String {
        let name = self.function.signature.ident.unraw();
        self.service.map_or_else(|| name.to_string(), |service| format!("{}::{name}", service.name))
    }

    /// The struct that travels, and the description of the block.
    fn definition(&self, block: &RemoteBlock, version: Version) -> TokenStream {
        let (private, function) = (&self.private, &self.function.signature.ident);
        let structure = closure_struct::define(
            self.krate,
            &names::closure_struct(function, block.ordinal, Span::mixed_site()),
            block.captures.len(),
            &block.around,
        );
        let (description, around) = (names::description(function, block.ordinal), &block.around);
        let path = format!("::{}#{}", self.path(), block.ordinal);
        let captures = block.captures.iter().map(|c| c.name.unraw().to_string());
        let source = version.expand(private);
        // With the span of the user's `remote`, it is the line of that.
        let line = quote_spanned!(block.name.span()=> ::core::line!());
        let (made, name) = match &block.stable_name {
            Some(name) => (quote!(named), Some(quote!(#name,))),
            None => (quote!(new), None),
        };
        let requires = block.require.as_ref().or(self.require).map(|require| {
            let require = require.expand(private);
            quote!(.requiring(#require))
        });
        let without_resume = block.is_bound.then(|| quote!(.without_resume()));
        quote! {
            #structure
            #(#around)*
            #[allow(non_upper_case_globals)]
            static #description: #private::Block = #private::Block::#made(
                #name
                ::core::concat!(::core::module_path!(), #path),
                ::core::module_path!(),
                ::core::file!(),
                #line,
                &[#(#captures),*],
                #source,
            )#requires #without_resume;
        }
    }

    /// The body of the function once more, type-checked and dropped.
    fn check(&self, code: &Code, braces: Span) -> TokenStream {
        let private = &self.private;
        let signature = &self.function.signature;
        let output = match &signature.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => self.without_self(&fallback::with_hidden_types(ty, &parse_quote!(_))),
        };
        let parameters = signature.inputs.iter().map(|input| match input {
            FnArg::Typed(input) => {
                let conditions = input.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
                let (pattern, ty) = (&input.pat, self.without_self(&input.ty));
                quote!(#(#conditions)* let #pattern: #ty = #private::never();)
            }
            FnArg::Receiver(receiver) => {
                let (name, service) =
                    (names::receiver(&self.function.signature), self.service.map(|service| &service.ty));
                let (mutability, ty) = match &receiver.kind {
                    ReceiverKind::Reference(and, lifetime, mutability) => {
                        (None, quote!(#and #lifetime #mutability #service))
                    }
                    ReceiverKind::Typed(_, ty) => (receiver.mutability.as_ref(), self.without_self(ty)),
                    _ => (receiver.mutability.as_ref(), quote!(#service)),
                };
                quote!(let #mutability #name: #ty = #private::never();)
            }
        });
        // The first `return` settles the type, so that the others are coerced to it as in an
        // `async fn`.
        // It stands here only where there is one, because rustc adds a note about it to every
        // message, which is then told twice.
        let settled = find::has(code, "return").then(|| {
            quote! {
                if false {
                    return #private::never::<#output>();
                }
            }
        });
        // Where the function's own braces are, so that an error of both is reported once.
        let code = group(Delimiter::Brace, braces, self.code(code, Copy::Check, false));
        let quiet = quiet();
        quote! {
            #quiet
            let () = #private::check::<#output>(async move {
                #(#parameters)*
                #settled
                #private::output::<#output>(#code)
            });
        }
    }

    /// The code with each `remote!` replaced.
    pub(crate) fn code(&self, code: &Code, copy: Copy, in_block: bool) -> TokenStream {
        let mut tokens = TokenStream::new();
        for (index, piece) in code.iter().enumerate() {
            match piece {
                Piece::Token(TokenTree::Ident(name))
                    if name == "Self" && (in_block || copy == Copy::Check) =>
                {
                    let ty = self.service.map(|service| respan(service.ty.clone(), name.span()));
                    tokens.extend(ty.unwrap_or_else(|| name.to_token_stream()));
                }
                Piece::Token(TokenTree::Ident(name))
                    if name == "self" && copy == Copy::Check && !leads_a_path(code, index) =>
                {
                    names::receiver(&self.function.signature).to_tokens(&mut tokens);
                }
                // In a type-checked copy of a string that is no format string the change does not
                // matter.
                Piece::Token(TokenTree::Literal(text)) if copy == Copy::Check && format::shows_self(text) => {
                    format::with_receiver(text, &names::receiver(&self.function.signature))
                        .to_tokens(&mut tokens);
                }
                Piece::Token(token) => token.to_tokens(&mut tokens),
                Piece::Group(delimiter, span, inner) => {
                    tokens.extend([group(*delimiter, *span, self.code(inner, copy, in_block))]);
                }
                Piece::Item(item) => tokens.extend(item.clone()),
                Piece::Remote(block) => tokens.extend(self.call(block, copy, in_block)),
            }
        }
        tokens
    }

    /// A type of the user, as it is written outside its `impl`.
    pub(crate) fn without_self(&self, ty: &Type) -> TokenStream {
        fn replace(tokens: TokenStream, service: &TokenStream) -> TokenStream {
            tokens
                .into_iter()
                .map(|token| match token {
                    TokenTree::Ident(name) if name == "Self" => respan(service.clone(), name.span()),
                    TokenTree::Group(inner) => {
                        group(inner.delimiter(), inner.span(), replace(inner.stream(), service)).into()
                    }
                    other => other.into(),
                })
                .collect()
        }
        match self.service {
            Some(service) => replace(ty.to_token_stream(), &service.ty),
            None => ty.to_token_stream(),
        }
    }
}

/// All blocks in the order of their `remote!`.
pub(crate) fn collect<'c>(code: &'c Code, blocks: &mut Vec<&'c RemoteBlock>) {
    for piece in code {
        match piece {
            Piece::Group(_, _, inner) => collect(inner, blocks),
            Piece::Remote(block) => {
                blocks.push(block);
                collect(&block.peer, blocks);
                block
                    .captures
                    .iter()
                    .filter_map(|c| c.value.as_ref())
                    .for_each(|value| collect(value, blocks));
                collect(&block.body, blocks);
            }
            Piece::Token(_) | Piece::Item(_) => {}
        }
    }
}

/// Keeps the warnings of a copy to itself: the live one gives them.
///
/// `warnings` silences what is a warning; what a crate denies by its name has to be named here.
/// `clippy::restriction` is not: crates *forbid* lints of that group (`clippy::unwrap_used`), and
/// what is forbidden must not even be allowed in what a macro makes.
pub(crate) fn quiet() -> TokenStream {
    quote! {
        #[allow(
            warnings, unused, unused_results, unused_qualifications, let_underscore_drop, trivial_casts, trivial_numeric_casts,
            clippy::all, clippy::pedantic, clippy::nursery
        )]
    }
}
