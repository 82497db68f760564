//! The macros of `distributed-scope`.

use proc_macro::TokenStream;

#[doc = "stub"]
#[proc_macro_attribute]
pub fn distributed(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}

#[doc = "stub"]
#[proc_macro]
pub fn remote(_input: TokenStream) -> TokenStream {
    TokenStream::new()
}
