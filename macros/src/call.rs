//! What a block becomes: the call that stands in the place of its `remote!`, and its registration.
//!
//! The tokens made here stand at the user's: at the `remote`, at a capture's name or at the braces of the body, so that
//! rustc's messages do too.

use proc_macro2::{Delimiter, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use crate::block::{BoundCapture, RemoteBlock};
use crate::closure_struct;
use crate::expand::{Copy, Expansion, mixed, quiet, respan};
use crate::find::{self, group, marker};
use crate::names;

impl Expansion<'_> {
    /// What a `remote!` becomes.
    ///
    /// Each value of the list is evaluated once, although a call needs it for its type too. The call is made in a statement
    /// of its own, so that what the captures borrow is let go before it is awaited.
    pub(crate) fn call(&self, block: &RemoteBlock, copy: Copy, in_block: bool) -> TokenStream {
        let at = mixed(block.name.span());
        let private = respan(self.private.clone(), at);
        let peer = self.code(&block.peer, copy, in_block);
        let values = block.captures.iter().map(|capture| self.value(capture, copy, in_block));
        let locals = names::values(&block.captures);
        let marker = (copy == Copy::Live).then(|| marker(&block.path));
        let (before, call) = match copy {
            Copy::Check => self.inferred(block, &locals),
            Copy::Live | Copy::Witness => (TokenStream::new(), self.made(block, &locals)),
        };
        // The same `to` in each copy: rustc then says only once that this is no peer.
        let made = quote_spanned! {at=> {
            #marker
            let call = match (#private::to(#peer), (#(#values,)*)) { (peer, (#(#locals,)*)) => #call };
            #before
            call
        }};
        // From the `remote` to its closing parenthesis, and as if the user had written it: for a message about the call.
        let made = group(Delimiter::Parenthesis, block.arguments, made);
        quote_spanned!(block.name.span()=> ::core::convert::identity #made)
    }

    /// A call that runs. A written result makes the witness of its type superfluous.
    fn made(&self, block: &RemoteBlock, locals: &[Ident]) -> TokenStream {
        let at = mixed(block.name.span());
        let result = result(block);
        let private = respan(self.private.clone(), result);
        let description = names::description(&self.function.signature.ident, block.ordinal);
        let travelling = locals.iter().map(|local| {
            let private = respan(self.private.clone(), local.span());
            quote_spanned!(local.span()=> #private::Departs::lend(#local))
        });
        let travelling = closure_struct::tuple(travelling.collect(), at);
        match &block.result {
            None => {
                let structure = names::closure_struct(&self.function.signature.ident, block.ordinal, at);
                let (quiet, body) = (quiet(), self.closure(block, Copy::Witness));
                quote_spanned! {result=>
                    #private::Returns::call(
                        peer, &#description, #structure(#(#locals),*), #travelling, #quiet #body
                    )
                }
            }
            Some(ty) => {
                let ty = self.without_self(ty);
                let written = quote_spanned!(result=> #private::PhantomData::<#ty>);
                quote_spanned!(result=> #private::Returns::call_declared(peer, &#description, #travelling, #written))
            }
        }
    }

    /// A call that only tells its slot the types, and what else is checked for it.
    fn inferred(&self, block: &RemoteBlock, locals: &[Ident]) -> (TokenStream, TokenStream) {
        let at = mixed(block.name.span());
        let private = respan(self.private.clone(), at);
        let (slot, condition) = (names::slot(block.ordinal), &block.condition);
        let structure = names::closure_struct(&self.function.signature.ident, block.ordinal, at);
        let captures = quote_spanned!(at=> #structure(#(#locals),*));
        let body = self.closure(block, Copy::Check);
        match &block.result {
            None => (TokenStream::new(), quote_spanned!(at=> #slot.infer(peer, #captures, #body))),
            Some(ty) => {
                let ty = self.without_self(ty);
                let witness = quote_spanned!(at=> #(#condition)* #slot.witness(#body););
                (witness, quote_spanned!(at=> #slot.declare(peer, #captures, #private::PhantomData::<#ty>)))
            }
        }
    }

    /// The value of one capture, borrowed.
    fn value(&self, capture: &BoundCapture, copy: Copy, in_block: bool) -> TokenStream {
        let at = mixed(capture.name.span());
        let private = respan(self.private.clone(), at);
        let value = match &capture.value {
            None => capture.name.to_token_stream(),
            Some(value) => {
                let value = self.code(value, copy, in_block);
                group(Delimiter::Parenthesis, at, value).into()
            }
        };
        match &capture.ty {
            None => quote_spanned!(at=> &#value),
            Some(ty) => {
                let ty = self.without_self(ty);
                quote_spanned!(at=> #private::lend::<#ty>(&#value))
            }
        }
    }

    /// The body of a block, with its captures as variables.
    fn closure(&self, block: &RemoteBlock, copy: Copy) -> TokenStream {
        let at = mixed(block.braces);
        let private = respan(self.private.clone(), at);
        let structure = names::closure_struct(&self.function.signature.ident, block.ordinal, at);
        let names = block.captures.iter().map(|capture| &capture.name);
        let body = self.code(&block.body, copy, true);
        let mut value: TokenStream = group(Delimiter::Brace, at, body).into();
        if let Some(ty) = &block.result {
            let ty = self.without_self(ty);
            value = quote_spanned!(at=> { let value: #ty = #value; value });
        }
        // It settles what `return` takes, so that a bare value is told at its own place.
        let settled = find::has(&block.body, "return").then(|| {
            quote_spanned! {at=>
                if false {
                    return #private::never::<::core::result::Result<_, #private::Raised>>();
                }
            }
        });
        quote_spanned! {at=>
            |#structure(#(#names),*)| async move {
                #settled
                ::core::result::Result::Ok::<_, #private::Raised>(#value)
            }
        }
    }

    /// The body of a block where it runs, with the proof that its captures arrive.
    pub(crate) fn registration(&self, block: &RemoteBlock) -> TokenStream {
        let at = mixed(block.name.span());
        let private = &self.private;
        let function = &self.function.signature.ident;
        let (slot, description) = (names::slot(block.ordinal), names::description(function, block.ordinal));
        let structure = names::closure_struct(function, block.ordinal, at);
        let locals = names::values(&block.captures);
        let arriving = locals.iter().map(|local| {
            let private = respan(self.private.clone(), local.span());
            quote_spanned!(local.span()=> #private::Travels::wire((&#private::Journey::of(#local.__known())).arrives()))
        });
        let arriving = match locals.len() {
            // `()` where it can be left out is a lint.
            0 => quote_spanned!(at=> #private::never::<()>()),
            _ => closure_struct::tuple(arriving.collect(), at),
        };
        let arrived = closure_struct::tuple(locals.iter().map(ToTokens::to_token_stream).collect(), at);
        let captured = locals.iter().map(|local| {
            let private = respan(self.private.clone(), local.span());
            quote_spanned!(local.span()=> #private::captured(#local))
        });
        let registrar = names::registrar();
        let body = self.closure(block, Copy::Live);
        let arrive = quote_spanned! {at=>
            |#structure(#(#locals),*)| {
                #[allow(unused_imports)]
                use #private::{Arrive as _, Known as _};
                #arriving
            }
        };
        let result = result(block);
        let private_there = respan(private.clone(), result);
        let leave = quote_spanned! {result=>
            |value| {
                #[allow(unused_imports)]
                use #private_there::{Known as _, Return as _};
                #private_there::Travels::wire((&#private_there::Journey::of(value.__known())).returns())
            }
        };
        let register = quote_spanned! {at=>
            #slot.register(
                #registrar,
                &#description,
                #arrive,
                #leave,
                |#arrived| #structure(#(#captured),*),
                #body,
            );
        };
        // Where the body is left out, its calls still have to know which version of it they ask for.
        let declare = block.otherwise.as_ref().map(|otherwise| {
            (
                vec![otherwise.clone()],
                quote_spanned!(at=> #slot.declare_only(#registrar, &#description, #arrive, #leave);),
            )
        });
        let (around, items) = (&block.around, &block.items_around);
        let statements = [(block.condition.clone(), register)].into_iter().chain(declare);
        statements
            .map(|(condition, statement)| match items.is_empty() {
                true => quote!(#(#around)* #(#condition)* #statement),
                // What the blocks around it declare is seen in it.
                false => quote!(#(#around)* #(#condition)* { #(#[allow(warnings)] #items)* #statement }),
            })
            .collect()
    }
}

/// Where it is told that a result cannot travel: at its type, if that is written.
fn result(block: &RemoteBlock) -> Span {
    mixed(block.result.as_ref().map_or(block.braces, Spanned::span))
}
