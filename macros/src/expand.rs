//! The expansion of a function: itself, with calls in the place of its `remote!`s, and inside it what the calls need.
//!
//! The types of a block are known only in its function, so the body stands twice: once to run, and once in a function that
//! registers the blocks, where it is only type-checked and tells the slots their types. A block's body stands once for
//! real, at the top of the registering function: there no variable of the function is in sight, so one that is not
//! listed is an error, and every warning comes from there. Its other copies only bear witness to its type.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{FnArg, GenericParam, Ident, ReceiverKind, ReturnType, Type};

use crate::args::Args;
use crate::block::{BoundCapture, RemoteBlock};
use crate::closure_struct;
use crate::find::{Code, Piece, group, marker};
use crate::function::{Body, Function};
use crate::names;
use crate::service::Service;
use crate::validate::leads_a_path;

/// What a copy of the code is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copy {
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
    private: TokenStream,
    function: &'a Function,
    service: Option<&'a Service>,
}

impl<'a> Expansion<'a> {
    pub(crate) fn new(args: &'a Args, function: &'a Function, service: Option<&'a Service>) -> Self {
        let krate = &args.krate;
        Self { krate, private: quote!(#krate::__private), function, service }
    }

    pub(crate) fn expand(&self, body: &Body, code: &Code, has_blocks: bool) -> TokenStream {
        let Function { attributes, visibility, signature, .. } = self.function;
        let (inner, items) = (&body.attributes, &body.items);
        let machinery = has_blocks.then(|| self.machinery(code));
        let statements = self.code(code, Copy::Live, false);
        let body = group(Delimiter::Brace, body.braces, quote!(#machinery #items #statements));
        quote!(#(#attributes)* #(#inner)* #visibility #signature #body)
    }

    /// The structs, the descriptions and the registration of all blocks.
    fn machinery(&self, code: &Code) -> TokenStream {
        let private = &self.private;
        let mut blocks = Vec::new();
        collect(code, &mut blocks);
        let definitions = blocks.iter().map(|block| self.definition(block));
        let slots = blocks.iter().map(|block| {
            let (slot, around) = (names::slot(block.ordinal), &block.around);
            quote!(#(#around)* let #slot = &#private::Slot::new();)
        });
        let registrations = blocks.iter().map(|block| self.registration(block));
        let check = self.check(code);
        let lifetimes = self.lifetimes();
        let condition = &self.function.signature.generics.where_clause;
        let register = Ident::new("__register", Span::mixed_site());
        quote! {
            #(#definitions)*
            #[doc(hidden)]
            #[allow(
                unused_lifetimes, single_use_lifetimes, redundant_lifetimes, unused_qualifications, unused_parens,
                unreachable_code,
                clippy::extra_unused_lifetimes, clippy::needless_lifetimes, clippy::too_many_lines,
                clippy::cognitive_complexity, clippy::large_stack_frames
            )]
            fn #register <#(#lifetimes),*> (registrar: &mut #private::Registrar) #condition {
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

    /// The struct that travels, and the description of the block.
    fn definition(&self, block: &RemoteBlock) -> TokenStream {
        let (private, function) = (&self.private, &self.function.signature.ident);
        let structure = closure_struct::define(
            self.krate,
            &names::closure_struct(function, block.ordinal),
            block.captures.len(),
            &block.around,
        );
        let (description, around) = (names::description(function, block.ordinal), &block.around);
        let mut path = format!("::{}#{}", syn::ext::IdentExt::unraw(function), block.ordinal);
        if let Some(service) = self.service {
            path = format!("::{}{path}", service.name);
        }
        let captures = block.captures.iter().map(|c| syn::ext::IdentExt::unraw(&c.name).to_string());
        let fingerprint = block.fingerprint;
        // With the span of the user's `remote`, it is the line of that.
        let line = quote_spanned!(block.name.span()=> ::core::line!());
        quote! {
            #structure
            #(#around)*
            #[allow(non_upper_case_globals)]
            static #description: #private::Block = #private::Block::new(
                ::core::concat!(::core::module_path!(), #path),
                ::core::module_path!(),
                ::core::file!(),
                #line,
                &[#(#captures),*],
                #fingerprint,
            );
        }
    }

    /// The body of the function once more, type-checked and dropped.
    fn check(&self, code: &Code) -> TokenStream {
        let private = &self.private;
        let signature = &self.function.signature;
        let output = match &signature.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => self.without_self(ty),
        };
        let parameters = signature.inputs.iter().map(|input| match input {
            FnArg::Typed(input) => {
                let conditions = input.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
                let (pattern, ty) = (&input.pat, self.without_self(&input.ty));
                quote!(#(#conditions)* let #pattern: #ty = #private::never();)
            }
            FnArg::Receiver(receiver) => {
                let (name, service) = (names::receiver(), self.service.map(|service| &service.ty));
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
        let code = self.code(code, Copy::Check, false);
        let quiet = quiet();
        quote! {
            #quiet
            let () = #private::check::<#output>(async {
                #(#parameters)*
                #code
            });
        }
    }

    fn registration(&self, block: &RemoteBlock) -> TokenStream {
        let (slot, description) =
            (names::slot(block.ordinal), names::description(&self.function.signature.ident, block.ordinal));
        let (around, condition) = (&block.around, &block.condition);
        let body = self.closure(block, Copy::Live);
        quote!(#(#around)* #(#condition)* #slot.register(registrar, &#description, #body);)
    }

    /// The code with each `remote!` replaced.
    fn code(&self, code: &Code, copy: Copy, in_block: bool) -> TokenStream {
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
                    names::receiver().to_tokens(&mut tokens);
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

    /// What a `remote!` becomes.
    ///
    /// It is made in a statement of its own, so that what the captures borrow is let go before the call is awaited.
    fn call(&self, block: &RemoteBlock, copy: Copy, in_block: bool) -> TokenStream {
        let private = &self.private;
        let peer = self.code(&block.peer, copy, in_block);
        let captures = block.captures.iter().map(|capture| self.capture(capture, copy, in_block));
        let structure = names::closure_struct(&self.function.signature.ident, block.ordinal);
        let captures = quote!(#structure(#(#captures),*));
        let quiet = quiet();
        let result = block.result.as_ref().map(|ty| self.without_self(ty));
        let statements = if copy == Copy::Check {
            let (slot, condition) = (names::slot(block.ordinal), &block.condition);
            let body = self.closure(block, Copy::Check);
            match result {
                None => quote!(let call = #slot.infer(#peer, #captures, #body);),
                Some(ty) => quote! {
                    let call = #slot.declare(#peer, #captures, #private::PhantomData::<#ty>);
                    #(#condition)* #slot.witness(#body);
                },
            }
        } else {
            let description = names::description(&self.function.signature.ident, block.ordinal);
            let marker = (copy == Copy::Live).then(|| marker(&block.path));
            match result {
                None => {
                    let body = self.closure(block, Copy::Witness);
                    quote!(#marker let call = #private::call(#peer, &#description, #captures, #quiet #body);)
                }
                Some(ty) => quote! {
                    #marker
                    let call =
                        #private::call_declared(#peer, &#description, #captures, #private::PhantomData::<#ty>);
                },
            }
        };
        quote!(::core::convert::identity({ #statements call }))
    }

    /// What stands in the closure struct for one capture.
    fn capture(&self, capture: &BoundCapture, copy: Copy, in_block: bool) -> TokenStream {
        let (private, name) = (&self.private, &capture.name);
        let value = match &capture.value {
            None => name.to_token_stream(),
            Some(value) => {
                let value = self.code(value, copy, in_block);
                Group::new(Delimiter::Parenthesis, value).into_token_stream()
            }
        };
        let ty = capture.ty.as_ref().map(|ty| self.without_self(ty));
        match (copy, ty) {
            (Copy::Check, None) => quote!(&#value),
            (Copy::Check, Some(ty)) => quote!(::core::convert::identity::<&#ty>(&#value)),
            (_, ty) => {
                let ty = ty.map(|ty| quote!(::<#ty>));
                let private = respan(quote!(#private::travels), name.span());
                quote_spanned!(name.span().resolved_at(Span::mixed_site())=> #private #ty (&#value))
            }
        }
    }

    /// The body of a block, with its captures as variables.
    fn closure(&self, block: &RemoteBlock, copy: Copy) -> TokenStream {
        let private = &self.private;
        let structure = names::closure_struct(&self.function.signature.ident, block.ordinal);
        let names = block.captures.iter().map(|capture| &capture.name);
        let body = self.code(&block.body, copy, true);
        let braces = block.braces.resolved_at(Span::mixed_site());
        let mut value = group(Delimiter::Brace, braces, body).into_token_stream();
        if let Some(ty) = &block.result {
            let ty = self.without_self(ty);
            value = quote!({ let value: #ty = #value; value });
        }
        quote! {
            |#structure(#(#names),*)| async move { ::core::result::Result::Ok::<_, #private::Raised>(#value) }
        }
    }

    /// A type of the user, as it is written outside its `impl`.
    fn without_self(&self, ty: &Type) -> TokenStream {
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
fn collect<'c>(code: &'c Code, blocks: &mut Vec<&'c RemoteBlock>) {
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
fn quiet() -> TokenStream {
    quote!(#[allow(warnings, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)])
}

/// The tokens, as if they stood at `span`.
fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(inner) => group(inner.delimiter(), span, respan(inner.stream(), span)),
            mut other => {
                other.set_span(other.span().located_at(span));
                other
            }
        })
        .collect()
}
