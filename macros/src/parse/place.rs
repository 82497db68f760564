//! Where the tokens stand that the macros make.
//!
//! rustc tells a mistake in an expression from the first token of it to the last. An editor takes
//! everything that stands at a name of the user's, or around it, for what that name means. So what
//! is made begins and ends where rustc is to point, and its names stand at the attribute, where
//! no tool looks up their meaning.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::quote;

use crate::parse::find::group;

/// From where to where rustc points.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) start: Span,
    pub(crate) end: Span,
    /// Where the names in between stand.
    pub(crate) names: Span,
}

impl Place {
    /// From brace to brace. These mean nothing themselves, so names can stand there, too.
    pub(crate) fn between(start: Span, end: Span) -> Self {
        Self { start: mixed(start), end: mixed(end), names: mixed(start) }
    }

    /// At a name, or at a type.
    pub(crate) fn at(name: Span) -> Self {
        Self { start: mixed(name), end: mixed(name), names: nowhere() }
    }

    /// A call of a function.
    pub(crate) fn call(self, path: TokenStream, arguments: TokenStream) -> TokenStream {
        let (path, arguments) = (self.path(path), group(Delimiter::Parenthesis, self.end, arguments));
        quote!(#path #arguments)
    }

    /// A path to a function.
    fn path(self, path: TokenStream) -> TokenStream {
        let mut path: Vec<_> = path.into_iter().collect();
        for (index, token) in path.iter_mut().enumerate() {
            let is_name = matches!(token, TokenTree::Ident(_));
            token.set_span(if is_name && index > 0 { self.names } else { self.start });
        }
        // It ends in no name.
        let end = quote!(::<>).into_iter().map(|mut token| {
            token.set_span(self.end);
            token
        });
        path.into_iter().chain(end).collect()
    }
}

/// At the attribute.
fn nowhere() -> Span {
    Span::mixed_site()
}

/// The place, for names that user code must not see.
pub(crate) fn mixed(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// The tokens, as if they stood at `span`, and with its names. A span that is the same in each
/// token is the same for rustc too, which then tells two mistakes at one place only once.
pub(crate) fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(inner) => group(inner.delimiter(), span, respan(inner.stream(), span)),
            mut other => {
                other.set_span(span);
                other
            }
        })
        .collect()
}
