//! The names of generated items. They stand where the user's names stand, so they are made
//! unlikely, not nice.

use proc_macro2::Span;
use quote::format_ident;
use syn::ext::IdentExt;
use syn::{Ident, Signature};

use crate::parse::block::BoundCapture;

/// The closure struct of a block: `__Demo0` for the first block of `demo`.
pub(crate) fn closure_struct(function: &Ident, ordinal: usize, span: Span) -> Ident {
    let mut name = String::from("__");
    for word in function.unraw().to_string().split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.extend(letters);
    }
    Ident::new(&format!("{name}{ordinal}"), span)
}

/// The description of a block: `__DEMO_0`.
pub(crate) fn description(function: &Ident, ordinal: usize) -> Ident {
    let function = function.unraw().to_string().to_uppercase();
    format_ident!("__{function}_{ordinal}", span = Span::mixed_site())
}

/// The slot of a block; a local variable, so no user code can see it.
pub(crate) fn slot(ordinal: usize) -> Ident {
    format_ident!("slot{ordinal}", span = Span::mixed_site())
}

/// What stands for `self` in the copy that is only type-checked; a local variable. It is found
/// where `self` is, because format strings name it, too.
pub(crate) fn receiver(signature: &Signature) -> Ident {
    let span = signature.receiver().map_or_else(Span::call_site, |receiver| receiver.self_token.span);
    Ident::new("__receiver", span)
}

/// The values of a list while a call is made; local variables.
pub(crate) fn values(captures: &[BoundCapture]) -> Vec<Ident> {
    (0..captures.len()).map(|i| format_ident!("value{i}", span = Span::mixed_site())).collect()
}

/// The parameter of the function that registers the blocks.
pub(crate) fn registrar() -> Ident {
    Ident::new("registrar", Span::mixed_site())
}
