//! What editors go by: each token of the user's keeps its place in the expansion.

use std::collections::HashSet;

use proc_macro2::{TokenStream, TokenTree};

use crate::errors::Errors;
use crate::parse::args::Args;
use crate::parse::service::expand_item;

const SOURCE: &str = "\
/// Says it.
pub async fn ask(near: PeerId, far: PeerId, text: &str) -> Result<usize, RemoteError> {
    let words = text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (sum, rest) = remote!(far, [near, words, limit = words.len() + 1], {
        let lengths = words.iter().map(|word| word.len());
        let total: usize = lengths.sum();
        let half = remote!(near, [total], { total / 2 }).await?;
        if half > limit { return Err(\"too long\".into()); }
        (half, words)
    })
    .timeout(PATIENCE)
    .await?;
    helper(&rest);
    Ok(sum)
}";

/// A name or a literal, with its line and column.
type Place = (String, usize, usize);

/// What stands where, in the source and in its expansion.
fn written_and_expanded(source: &str) -> (Vec<Place>, Vec<Place>) {
    let mut errors = Errors::default();
    let args = Args::parse(TokenStream::new(), &mut errors);
    let source: TokenStream = source.parse().unwrap();
    let expansion = expand_item(&args, source.clone(), &mut errors);
    assert_eq!(errors.messages(), Vec::<String>::new());
    let (mut written, mut expanded) = (Vec::new(), Vec::new());
    places(source, &mut written);
    places(expansion, &mut expanded);
    (written, expanded)
}

fn places(tokens: TokenStream, all: &mut Vec<Place>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => places(group.stream(), all),
            TokenTree::Punct(_) => {}
            other => {
                let start = other.span().start();
                all.push((other.to_string(), start.line, start.column));
            }
        }
    }
}

#[test]
fn each_name_and_literal_of_the_user_stands_in_the_expansion_where_it_was_written() {
    let (written, expanded) = written_and_expanded(SOURCE);
    let expanded: HashSet<_> = expanded.into_iter().collect();
    let lost: Vec<_> = written.iter().filter(|place| !expanded.contains(place)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn at_a_name_of_the_user_stands_no_name_that_means_something_else() {
    let (written, expanded) = written_and_expanded(SOURCE);
    let others: Vec<_> = expanded
        .iter()
        .filter(|(text, line, column)| {
            // Where the attribute stands, this test has nothing, and the first line is a comment.
            *line > 1
                && written
                    .iter()
                    .any(|(name, l, c)| (l, c) == (line, column) && name != text && name != "remote")
        })
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn what_the_user_writes_outside_of_blocks_stands_twice_and_its_items_once() {
    let source =
        "async fn f(p: PeerId) { struct Item; let local = 1; remote!(p, [local], { local }).await; }";
    let (_, expanded) = written_and_expanded(source);
    let count = |name: &str, column| {
        expanded.iter().filter(|(text, _, start)| text == name && *start == column).count()
    };
    assert_eq!(count("Item", source.find("Item").unwrap()), 1);
    assert_eq!(count("local", source.find("local").unwrap()), 2);
}
