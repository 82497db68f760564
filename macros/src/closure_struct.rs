//! What travels: one struct per block with a field per capture, generic in the types of its fields.
//!
//! It is written and read as the tuple of its fields. These impls are shorter than serde's derive, which would also have
//! to be reachable from the user's crate.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::Ident;

/// serde writes tuples of up to 16 elements; more are nested.
const LONGEST_TUPLE: usize = 16;

/// The struct named `name` with `count` fields, and what makes it travel.
pub(crate) fn define(
    krate: &TokenStream,
    name: &Ident,
    count: usize,
    condition: &[TokenStream],
) -> TokenStream {
    let private = quote!(#krate::__private);
    let serde = quote!(#private::serde);
    let numbered = |prefix: &str| -> Vec<Ident> {
        (0..count).map(|i| format_ident!("{prefix}{i}", span = Span::mixed_site())).collect()
    };
    let (types, fields) = (numbered("T"), numbered("field"));
    let borrowed = tuple(fields.iter().map(|field| quote!(#field)).collect());
    let owned = borrowed.clone();
    quote! {
        #(#condition)*
        #[allow(non_camel_case_types, clippy::all, clippy::pedantic, clippy::restriction, clippy::nursery)]
        struct #name<#(#types),*>(#(#types),*);

        #(#condition)*
        #[automatically_derived]
        impl<'lent, #(#types),*> #private::Captures for #name<#(&'lent #types),*>
        where
            #(#types: #serde::Serialize),*
        {
            type Owned = #name<#(#types),*>;
        }

        #(#condition)*
        #[automatically_derived]
        impl<#(#types: #serde::Serialize),*> #serde::Serialize for #name<#(#types),*> {
            fn serialize<S: #serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                let #name(#(#fields),*) = self;
                #serde::Serialize::serialize(&#borrowed, serializer)
            }
        }

        #(#condition)*
        #[automatically_derived]
        impl<'de, #(#types: #serde::Deserialize<'de>),*> #serde::Deserialize<'de> for #name<#(#types),*> {
            fn deserialize<D: #serde::Deserializer<'de>>(deserializer: D) -> ::core::result::Result<Self, D::Error> {
                let read = #serde::Deserialize::deserialize(deserializer);
                ::core::result::Result::map(read, |#owned| #name(#(#fields),*))
            }
        }
    }
}

/// The fields as a tuple, or as a tuple of tuples.
fn tuple(mut elements: Vec<TokenStream>) -> TokenStream {
    while elements.len() > LONGEST_TUPLE {
        elements = elements.chunks(LONGEST_TUPLE).map(|chunk| quote!((#(#chunk,)*))).collect();
    }
    quote!((#(#elements,)*))
}
