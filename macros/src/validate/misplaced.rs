//! What is said of a `remote!` that `#[distributed]` has not replaced.

use proc_macro2::{TokenStream, TokenTree};

/// The message, with the fix. `source` is what the user wrote, if that is known.
pub(crate) fn message(source: Option<&str>) -> String {
    let tokens: Vec<_> =
        source.and_then(|source| source.parse::<TokenStream>().ok()).into_iter().flatten().collect();
    if let Some(name) = called(&tokens)
        && name != "remote"
    {
        return format!(
            "`{name}!` is `remote!` under another name, by which `#[distributed]` does not find it: import and call it as `remote`"
        );
    }
    if tokens.iter().any(has_fragment) {
        return "`remote!` is inside a macro here, where `#[distributed]` does not see it: write the `remote!` out in the function, or \
                have the macro make the whole `async fn` with its `#[distributed]`"
            .to_owned();
    }
    "`remote!` works inside a function with `#[distributed]`: put `#[distributed]` on the `async fn` around it, or on the `impl` block of a \
     method; it is not seen in what another macro expands to"
        .to_owned()
}

/// The last name before the first `!`.
fn called(tokens: &[TokenTree]) -> Option<String> {
    let bang =
        tokens.iter().position(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '!'))?;
    match tokens.get(bang.checked_sub(1)?)? {
        TokenTree::Ident(name) => Some(name.to_string()),
        _ => None,
    }
}

/// Whether this has a `$name` of a `macro_rules!`.
fn has_fragment(token: &TokenTree) -> bool {
    match token {
        TokenTree::Punct(punct) => punct.as_char() == '$',
        TokenTree::Group(group) => group.stream().into_iter().any(|token| has_fragment(&token)),
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_and_a_wrapper_are_told_apart() {
        for (source, start) in [
            (Some("far!(p, [], { 1 })"), "`far!` is `remote!` under another name"),
            (Some("scope::far!(p, [], { 1 })"), "`far!` is"),
            (Some("remote!($peer, [], $body)"), "`remote!` is inside a macro"),
            (Some("remote!(p, [], { f($a) })"), "`remote!` is inside a macro"),
            (Some("remote!(p, [], { \"$a\" })"), "`remote!` works inside"),
            (Some("scope::remote!(p, [a], { !a })"), "`remote!` works inside"),
            (None, "`remote!` works inside"),
        ] {
            assert!(message(source).starts_with(start), "{source:?}");
        }
    }
}
