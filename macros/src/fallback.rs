//! What stands in the place of a function with mistakes: it has the same type and no body, so that those who call it
//! get no messages of their own.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{ImplItem, ItemImpl, ReturnType, Type, parse_quote};

use crate::find::has_remote;
use crate::function::Function;

/// The function without its body.
pub(crate) fn function(function: &Function) -> TokenStream {
    let Function { attributes, visibility, signature, .. } = function;
    let mut signature = signature.clone();
    if let ReturnType::Type(_, ty) = &mut signature.output
        && matches!(**ty, Type::ImplTrait(_))
    {
        *ty = parse_quote!(!);
    }
    quote! {
        #(#attributes)*
        #[allow(warnings, clippy::all)]
        #visibility #signature {
            ::core::unreachable!()
        }
    }
}

/// Empties each method of an `impl` that contains `remote!`.
pub(crate) fn every_method(block: &mut ItemImpl) {
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item
            && has_remote(method.block.to_token_stream())
        {
            method.block = parse_quote!({ ::core::unreachable!() });
            method.attrs.push(parse_quote!(#[allow(warnings, clippy::all)]));
        }
    }
}
