//! What a block becomes: the call that stands in the place of its `remote!`, and its registration.
//!
//! What is made here stands at the user's code: at the `remote`, at a capture's name or at the
//! braces of the body, so that rustc's messages do too. See [`place`](crate::parse::place) for the
//! names in it.

use proc_macro2::{Delimiter, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use crate::expand::closure_struct;
use crate::expand::names;
use crate::expand::{Copy, Expansion, quiet};
use crate::parse::block::{BoundCapture, RemoteBlock};
use crate::parse::find::{self, group, marker};
use crate::parse::place::{Place, mixed, respan};

impl Expansion<'_> {
    /// What a `remote!` becomes.
    ///
    /// Each value of the list is evaluated once, although a call needs it for its type too. The
    /// call is made in a statement of its own, so that what the captures borrow is let go
    /// before it is awaited.
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
        // From the `remote` to its closing parenthesis, and as if the user had written it: for a
        // message
        // about the call.
        let made = group(Delimiter::Parenthesis, block.end, made);
        quote_spanned!(block.name.span()=> ::core::convert::identity #made)
    }

    /// A call that runs. A written result makes the witness of its type superfluous.
    fn made(&self, block: &RemoteBlock, locals: &[Ident]) -> TokenStream {
        let at = mixed(block.name.span());
        let (result, private) = (result(block), &self.private);
        let description = names::description(&self.function.signature.ident, block.ordinal);
        let travelling = self.travelling(block, locals);
        match &block.result {
            None => {
                let structure = names::closure_struct(&self.function.signature.ident, block.ordinal, at);
                let (quiet, body) = (quiet(), self.closure(block, Copy::Witness));
                let structure = quote_spanned!(at=> #structure(#(#locals),*));
                let arguments =
                    quote_spanned!(result.names=> peer, &#description, #structure, #travelling, #quiet #body);
                result.call(quote!(#private::Returns::call), arguments)
            }
            Some(ty) => {
                let ty = self.without_self(ty);
                let written = quote_spanned!(result.names=> #private::PhantomData::<#ty>);
                let arguments = quote_spanned!(result.names=> peer, &#description, #travelling, #written);
                result.call(quote!(#private::Returns::call_declared), arguments)
            }
        }
    }

    /// The values of the list, each with the proof that it can be sent.
    fn travelling(&self, block: &RemoteBlock, locals: &[Ident]) -> TokenStream {
        let private = &self.private;
        let travelling = locals.iter().zip(&block.captures).map(|(local, capture)| {
            let name = Place::at(capture.name.span());
            let lent = group(Delimiter::Brace, name.end, local.to_token_stream());
            name.call(quote!(#private::Departs::lend), lent.into())
        });
        closure_struct::tuple(travelling.collect(), mixed(block.name.span()))
    }

    /// A call that only tells its slot the types, and what else is checked for it.
    fn inferred(&self, block: &RemoteBlock, locals: &[Ident]) -> (TokenStream, TokenStream) {
        let at = mixed(block.name.span());
        let private = respan(self.private.clone(), at);
        let (slot, condition) = (names::slot(block.ordinal), &block.condition);
        let structure = names::closure_struct(&self.function.signature.ident, block.ordinal, at);
        let captures = quote_spanned!(at=> #structure(#(#locals),*));
        let body = self.closure(block, Copy::Check);
        let (before, call) = match &block.result {
            None => (TokenStream::new(), quote_spanned!(at=> #slot.infer(peer, #captures, #body))),
            Some(ty) => {
                let ty = self.without_self(ty);
                let witness = quote_spanned!(at=> #(#condition)* #slot.witness(#body););
                (witness, quote_spanned!(at=> #slot.declare(peer, #captures, #private::PhantomData::<#ty>)))
            }
        };
        // What cannot be sent is reported here, too, in the same words and so once: a function
        // with a mistake in its types is not asked what it borrows, which would be told beside it.
        let sent = self.travelling(block, locals);
        (before, quote_spanned!(at=> { let _ = #sent; #call }))
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
        let at = mixed(block.braces.open());
        let structure = names::closure_struct(&self.function.signature.ident, block.ordinal, at);
        let (names, body) = (variables(block), self.body(block, copy));
        quote_spanned!(at=> |#structure(#(#names),*)| async move #body)
    }

    /// The same that is no future.
    fn function(&self, block: &RemoteBlock) -> TokenStream {
        let at = mixed(block.braces.open());
        let structure = names::closure_struct(&self.function.signature.ident, block.ordinal, at);
        let (names, body) = (variables(block), self.body(block, Copy::Live));
        quote_spanned!(at=> |#structure(#(#names),*)| #body)
    }

    /// Proofs that the captures can be moved to the blocking pool.
    fn crossing(&self, block: &RemoteBlock, locals: &[Ident]) -> TokenStream {
        let private = &self.private;
        let proofs = locals.iter().zip(&block.captures).map(|(local, capture)| {
            let name = Place::at(capture.name.span());
            let lent = quote_spanned!(name.names=> &#local);
            let lent = group(Delimiter::Brace, name.end, lent);
            let proof = name.call(quote!(#private::CrossesThreads::crosses), lent.into());
            quote_spanned!(name.names=> #proof;)
        });
        proofs.collect()
    }

    /// What runs, in braces.
    fn body(&self, block: &RemoteBlock, copy: Copy) -> TokenStream {
        let at = mixed(block.braces.open());
        let private = respan(self.private.clone(), at);
        let body = self.code(&block.body, copy, true);
        let mut value: TokenStream = group(Delimiter::Brace, at, body).into();
        if let Some(ty) = &block.result {
            let ty = self.without_self(ty);
            value = quote_spanned!(at=> { let value: #ty = #value; value });
        }
        // It settles what `return` takes, so that a bare value is reported at its own place.
        let settled = find::has(&block.body, "return").then(|| {
            quote_spanned! {at=>
                if false {
                    return #private::never::<::core::result::Result<_, #private::Raised>>();
                }
            }
        });
        quote_spanned! {at=> {
            #settled
            ::core::result::Result::Ok::<_, #private::Raised>(#value)
        }}
    }

    /// The body of a block where it runs, with the proof that its captures arrive.
    pub(crate) fn registration(&self, block: &RemoteBlock) -> TokenStream {
        let at = mixed(block.name.span());
        let private = &self.private;
        let function = &self.function.signature.ident;
        let (slot, description) = (names::slot(block.ordinal), names::description(function, block.ordinal));
        let structure = names::closure_struct(function, block.ordinal, at);
        let locals = names::values(&block.captures);
        let way = if block.is_blocking { "arrives_on_pool" } else { "arrives" };
        let arriving = locals
            .iter()
            .zip(&block.captures)
            .map(|(local, capture)| self.wire(Place::at(capture.name.span()), local, way));
        let crossing = block.is_blocking.then(|| self.crossing(block, &locals));
        let arriving = match locals.len() {
            // `()` where it can be left out is a lint.
            0 => quote_spanned!(at=> #private::never::<()>()),
            _ => closure_struct::tuple(arriving.collect(), at),
        };
        let arrived = closure_struct::tuple(locals.iter().map(ToTokens::to_token_stream).collect(), at);
        let captured = locals.iter().map(|local| quote!(#private::captured(#local)));
        let registrar = names::registrar();
        let (register, body) = match block.is_blocking {
            true => ("register_blocking", self.function(block)),
            false => ("register", self.closure(block, Copy::Live)),
        };
        let register = Ident::new(register, at);
        let arrive = quote_spanned! {at=>
            |#structure(#(#locals),*)| {
                #[allow(unused_imports)]
                use #private::{Arrive as _, ArriveOnPool as _, Known as _};
                #crossing
                #arriving
            }
        };
        let result = result(block);
        let value = Ident::new("value", result.names);
        let returning = self.wire(result, &value, "returns");
        let leave = quote_spanned! {result.names=>
            |#value| {
                #[allow(unused_imports)]
                use #private::{Known as _, Return as _};
                #returning
            }
        };
        let register = quote_spanned! {at=>
            #slot.#register(
                #registrar,
                &#description,
                #arrive,
                #leave,
                |#arrived| #structure(#(#captured),*),
                #body,
            );
        };
        // Where the body is left out, its calls still have to know which version of it they ask
        // for.
        let declare = block.otherwise.as_ref().map(|otherwise| {
            (
                vec![otherwise.clone()],
                quote_spanned!(at=> #slot.declare_only(#registrar, &#description, #arrive, #leave);),
            )
        });
        let (around, items, quiet) = (&block.around, &block.items_around, quiet());
        let statements = [(block.condition.clone(), register)].into_iter().chain(declare);
        statements
            .map(|(condition, statement)| match items.is_empty() {
                true => quote!(#(#around)* #(#condition)* #statement),
                // What the blocks around it declare is seen in it.
                false => quote!(#(#around)* #(#condition)* { #(#quiet #items)* #statement }),
            })
            .collect()
    }

    /// The proof that a value crosses the wire, on its way there or back.
    fn wire(&self, place: Place, value: &Ident, way: &str) -> TokenStream {
        let (private, way) = (&self.private, Ident::new(way, place.names));
        let journey = quote_spanned!(place.names=> &#private::Journey::of(#value.__known()));
        // rustc points at this argument, so its first and its last token stand where the place
        // starts and
        // ends.
        let journey = group(Delimiter::Parenthesis, place.start, journey);
        let none = group(Delimiter::Parenthesis, place.end, TokenStream::new());
        place.call(quote!(#private::Travels::wire), quote_spanned!(place.names=> #journey.#way #none))
    }
}

/// The captures as variables of the body.
fn variables(block: &RemoteBlock) -> impl Iterator<Item = TokenStream> + '_ {
    block.captures.iter().map(|capture| {
        let (mutability, name) = (&capture.mutability, &capture.name);
        quote!(#mutability #name)
    })
}

/// Where rustc reports that a result cannot travel: at its type, if that is written, and else from
/// brace to brace.
fn result(block: &RemoteBlock) -> Place {
    match &block.result {
        Some(ty) => Place::at(ty.span()),
        None => Place::between(block.braces.open(), block.braces.close()),
    }
}
