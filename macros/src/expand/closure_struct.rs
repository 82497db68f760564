//! What travels: one struct per block with a field per capture, generic in the types of its
//! fields.
//!
//! The struct carries types from the calls to the registration of the block. On the wire there is
//! a tuple of its fields, so that nothing has to be derived, and a field that cannot travel is
//! told at its own name.

use proc_macro2::{Delimiter, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;

use crate::parse::find::group;

/// serde writes tuples of up to 16 elements; more are nested.
const LONGEST_TUPLE: usize = 16;

/// The struct named `name` with `count` fields.
pub(crate) fn define(
    krate: &TokenStream,
    name: &Ident,
    count: usize,
    condition: &[TokenStream],
) -> TokenStream {
    let types: Vec<_> = (0..count).map(|i| format_ident!("T{i}", span = Span::mixed_site())).collect();
    quote! {
        #(#condition)*
        #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
        struct #name<#(#types),*>(#(#types),*);

        #(#condition)*
        #[automatically_derived]
        impl<'lent, #(#types),*> #krate::__private::Captures for #name<#(&'lent #types),*> {
            type Owned = #name<#(#types),*>;
        }
    }
}

/// The elements as a tuple, or as a tuple of tuples: an expression, or a pattern.
pub(crate) fn tuple(mut elements: Vec<TokenStream>, span: Span) -> TokenStream {
    let join = |elements: &[TokenStream]| {
        let elements = quote_spanned!(span=> #(#elements,)*);
        TokenStream::from(group(Delimiter::Parenthesis, span, elements))
    };
    while elements.len() > LONGEST_TUPLE {
        elements = elements.chunks(LONGEST_TUPLE).map(join).collect();
    }
    join(&elements)
}
