//! Whatever follows `#[distributed]` or is inside `remote!`, the macros terminate and return
//! tokens. The layout of the input does not change these tokens.
#![no_main]
// Only rustc can use a proc-macro library, so the modules of the macros are included one by one.
#![allow(dead_code, reason = "what only the entry points use")]

macro_rules! modules {
    ($($path:literal $name:ident)*) => { $(#[path = $path] mod $name;)* };
}

modules! {
    "../../macros/src/errors.rs" errors
    "../../macros/src/expand/mod.rs" expand
    "../../macros/src/parse/mod.rs" parse
    "../../macros/src/validate/mod.rs" validate
}

use libfuzzer_sys::fuzz_target;
use proc_macro2::{TokenStream, TokenTree};

use crate::errors::Errors;
use crate::parse::args::Args;

/// rustc gives up on a program whose brackets are nested more deeply than this, before it runs a
/// macro.
const NESTING: usize = 100;

fn is_too_deep(tokens: TokenStream, levels: usize) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => levels == 0 || is_too_deep(group.stream(), levels - 1),
        _ => false,
    })
}

fn expand(args: &str, item: TokenStream) -> Option<TokenStream> {
    let mut errors = Errors::default();
    let args = Args::parse(args.parse().ok()?, &mut errors);
    Some(parse::service::expand_item(&args, item, &mut errors))
}

fuzz_target!(|input: (u8, &str)| {
    let (shape, text) = input;
    let (args, item) = match shape % 4 {
        0 => ("", format!("async fn f(a: PeerId, b: u8) -> T {{ {text} }}")),
        1 => ("", format!("async fn f(a: PeerId, b: u8) -> T {{ remote!({text}).await }}")),
        2 => ("", text.to_owned()),
        _ => (text, "async fn f(a: PeerId, b: u8) { remote!(a, [b], { b }).await; }".to_owned()),
    };
    // Brackets are counted in the text first, because unlimited nesting overflows the stack of the
    // parser.
    if text.bytes().filter(|byte| matches!(byte, b'(' | b'[' | b'{')).count() > NESTING {
        return;
    }
    let Ok(tokens) = item.parse::<TokenStream>() else { return };
    if is_too_deep(tokens.clone(), NESTING) || parse::find::is_marker(tokens.clone()) {
        return;
    }
    let Some(expansion) = expand(args, tokens.clone()) else { return };
    let _ = expand::print::source(expansion.clone());
    if let Ok(again) = tokens.to_string().parse::<TokenStream>() {
        let again = expand(args, again).expect("the arguments were read before");
        assert_eq!(again.to_string(), expansion.to_string());
    }
});
