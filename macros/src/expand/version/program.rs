//! One function of a program, and what becomes of the calls that another version of it makes: for
//! the tests of versions.
//!
//! The types of its blocks are those that its source writes.

use distributed_scope_core::__private::{Rule as CoreRule, Source, Twins as CoreTwins};
use proc_macro2::TokenStream;
use quote::ToTokens;

use super::{Rule, Twins, Version};
use crate::errors::Errors;
use crate::expand::collect;
use crate::expand::fingerprint::Fnv;
use crate::parse::block::RemoteBlock;
use crate::parse::find::Finder;

/// A block as a registry knows it.
pub(super) struct Known {
    /// Its name, or that of its function and its number.
    pub(super) id: String,
    pub(super) fingerprint: u64,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The block with this index runs.
    Runs(usize),
    /// There is another version of it.
    Refused,
    /// There is no block with this id.
    Unknown,
}

/// The blocks of a function with this body, in the order of their `remote!`.
pub(super) fn blocks(function: &str, is_exact: bool, body: &str) -> Vec<Known> {
    let mut errors = Errors::default();
    let code = Finder::new(&mut errors).find(body.parse().unwrap());
    assert_eq!(errors.messages(), Vec::<String>::new(), "{body}");
    let mut blocks = Vec::new();
    collect(&code, &mut blocks);
    let sources: Vec<_> = super::of(function, is_exact, &code).into_iter().map(source).collect();
    let interfaces: Vec<_> = blocks.iter().map(|block| interface(block)).collect();
    let has_twin = |index: usize| {
        (0..blocks.len()).any(|other| {
            let in_one_group = matches!(sources[index].twins, CoreTwins::ByTypes(_))
                && sources[index].twins == sources[other].twins;
            other != index && in_one_group && interfaces[other] == interfaces[index]
        })
    };
    let known = blocks.iter().enumerate().map(|(index, block)| {
        assert_eq!(block.ordinal, index, "{body}");
        let (captures, result) = interfaces[index];
        let id = block.stable_name.as_ref().map_or_else(|| format!("{function}#{index}"), syn::LitStr::value);
        Known { id, fingerprint: sources[index].fingerprint(captures, result, has_twin(index)) }
    });
    known.collect()
}

/// What becomes of a call of each block of one program in another one.
pub(super) fn ends(calls: &[Known], there: &[Known]) -> Vec<End> {
    let end = |call: &Known| match there.iter().position(|block| block.id == call.id) {
        Some(index) if there[index].fingerprint == call.fingerprint => End::Runs(index),
        Some(_) => End::Refused,
        None => End::Unknown,
    };
    calls.iter().map(end).collect()
}

/// As the core gets it.
fn source(Version { rule, skeleton, body, twins }: Version) -> Source {
    let rule = match rule {
        Rule::Function => CoreRule::Function,
        Rule::Exact => CoreRule::Exact,
        Rule::Named => CoreRule::Named,
        Rule::Evolving => CoreRule::Evolving,
    };
    let twins = match twins {
        Twins::None => CoreTwins::None,
        Twins::ByTypes(group) => CoreTwins::ByTypes(group),
        Twins::ByBody => CoreTwins::ByBody,
    };
    Source { rule, skeleton, body, twins, package: None }
}

/// Hashes of the captures with their names, and of the result.
fn interface(block: &RemoteBlock) -> (u64, u64) {
    let tokens = |hash: Fnv, part: &dyn Fn() -> TokenStream| hash.tokens(part());
    let captures = block.captures.iter().fold(Fnv::new(), |hash, capture| {
        tokens(hash.word(b'c', &capture.name.to_string()), &|| capture.ty.to_token_stream())
    });
    (captures.get(), tokens(Fnv::new(), &|| block.result.to_token_stream()).get())
}
