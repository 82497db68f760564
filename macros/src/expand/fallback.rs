//! What stands in the place of a function with mistakes: it has the same type and no body, so that
//! those who call it get no messages of their own.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{ImplItem, ItemImpl, ItemTrait, ReturnType, TraitItem, Type, parse_quote};

use crate::errors::Errors;
use crate::expand::quiet;
use crate::parse::find::{Finder, marker};
use crate::parse::function::Function;

/// The function without its body, in which `remote!` was called under these paths.
pub(crate) fn function(function: &Function, paths: &[TokenStream]) -> TokenStream {
    // The import of `remote` is used, whatever else is wrong.
    let markers = paths.iter().map(marker);
    let Function { attributes, visibility, signature, .. } = function;
    let mut signature = signature.clone();
    if let ReturnType::Type(_, ty) = &mut signature.output {
        // Without a body, nothing says what it would be. This one has the usual traits.
        **ty = with_hidden_types(ty, &parse_quote!(::core::convert::Infallible));
    }
    let quiet = quiet();
    quote! {
        #(#attributes)*
        #quiet
        #visibility #signature {
            #(#markers)*
            ::core::unreachable!()
        }
    }
}

/// A type with another one in the place of each `impl Trait`.
pub(crate) fn with_hidden_types(ty: &Type, known: &Type) -> Type {
    let mut ty = ty.clone();
    HiddenTypes { known }.visit_type_mut(&mut ty);
    ty
}

struct HiddenTypes<'t> {
    known: &'t Type,
}

impl VisitMut for HiddenTypes<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => *ty = self.known.clone(),
            other => visit_mut::visit_type_mut(self, other),
        }
    }
}

/// Empties each default method of a trait that contains `remote!`.
pub(crate) fn every_default(block: &mut ItemTrait) {
    for item in &mut block.items {
        let TraitItem::Fn(method) = item else { continue };
        let mut ignored = Errors::default();
        let mut finder = Finder::new(&mut ignored);
        finder.find(method.default.to_token_stream());
        let paths = finder.paths;
        if !paths.is_empty() {
            let markers = paths.iter().map(marker);
            method.attrs.push(parse_quote!(#[allow(unused)]));
            method.default = Some(parse_quote!({ #(#markers)* ::core::unreachable!() }));
        }
    }
}

/// Empties each method of an `impl` that contains `remote!`.
pub(crate) fn every_method(block: &mut ItemImpl) {
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let mut ignored = Errors::default();
        let mut finder = Finder::new(&mut ignored);
        finder.find(method.block.to_token_stream());
        let paths = finder.paths;
        if let Ok(parsed) = syn::parse2(method.to_token_stream())
            && !paths.is_empty()
        {
            *item = ImplItem::Verbatim(function(&parsed, &paths));
        }
    }
}
