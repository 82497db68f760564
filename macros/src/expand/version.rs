//! What the versions of a function's blocks are made of, as far as its tokens say it.
//!
//! The other half is in the core, which knows the types: see `core/src/block/version.rs` for what
//! counts when. Everything here is taken from the tokens as they were written, so it is the same
//! whatever a `cfg` leaves out.

use proc_macro2::{Group, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;

use crate::expand::fingerprint::Fnv;
use crate::parse::block::RemoteBlock;
use crate::parse::find::{Code, Piece};

#[cfg(test)]
mod edits;
#[cfg(test)]
mod program;
#[cfg(test)]
mod tests;

/// What a block says of its version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Nothing.
    #[default]
    Function,
    /// `exact`, in front of it or of its function.
    Exact,
    /// `name = ".."`.
    Named,
    /// `name = "..", evolving`.
    Evolving,
}

/// Whether another block of the function has the same names of captures and the same destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twins {
    None,
    ByTypes(u32),
    ByBody,
}

/// The version of one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) rule: Rule,
    pub(crate) skeleton: u64,
    pub(crate) body: u64,
    pub(crate) twins: Twins,
}

/// The versions of all blocks in this code, by their ordinals. `function` is the name of the
/// function, behind that of its type if it is a method; `is_exact` says that the function itself
/// is `exact`.
pub(crate) fn of(function: &str, is_exact: bool, code: &Code) -> Vec<Version> {
    let mut outline = Outline { hash: Fnv::new(), blocks: Vec::new() };
    outline.code(code);
    let Outline { hash, blocks } = outline;
    // The same number for blocks that are alike: that of the first of them.
    let first_alike: Vec<_> = blocks
        .iter()
        .map(|block| blocks.iter().position(|other| other.looks == block.looks).unwrap_or_default())
        .collect();
    let rule = |block: &RemoteBlock| match block.rule {
        Rule::Function if is_exact => Rule::Exact,
        rule => rule,
    };
    let can_be_taken_for_each_other = |block: &RemoteBlock, other: &RemoteBlock| {
        rule(block) == Rule::Function && rule(other) == Rule::Function
    };
    let versions = blocks.iter().enumerate().map(|(index, Seen { block, .. })| {
        let group = first_alike[index];
        let alike = || {
            let members = blocks.iter().zip(&first_alike).filter(move |(_, first)| **first == group);
            members.map(|(seen, _)| seen.block).filter(|other| can_be_taken_for_each_other(block, other))
        };
        let twins = match alike().count() {
            0 | 1 => Twins::None,
            // In a program that leaves one of them out its types are not known.
            _ if alike().any(|block| !block.around.is_empty()) => Twins::ByBody,
            // A function has far fewer blocks than fit.
            _ => Twins::ByTypes(u32::try_from(group).unwrap_or(u32::MAX)),
        };
        // So that what two programs have under one fingerprint is the same block of the same
        // function, if
        // perhaps in another module.
        let at = |kind| Fnv::new().word(kind, function).number(index as u64);
        Version {
            rule: rule(block),
            skeleton: at(b's').number(hash.get()).get(),
            body: at(b'b').number(block.tokens).get(),
            twins,
        }
    });
    versions.collect()
}

/// The blocks of a function in order: how they are nested, and what each looks like from outside.
struct Outline<'c> {
    hash: Fnv,
    blocks: Vec<Seen<'c>>,
}

/// A block, and what it looks like: the names of its captures, and where it goes.
struct Seen<'c> {
    block: &'c RemoteBlock,
    looks: (Vec<String>, u64),
}

impl<'c> Outline<'c> {
    fn code(&mut self, code: &'c Code) {
        for piece in code {
            match piece {
                Piece::Group(_, _, inner) => self.code(inner),
                Piece::Remote(block) => self.block(block),
                Piece::Token(_) | Piece::Item(_) => {}
            }
        }
    }

    fn block(&mut self, block: &'c RemoteBlock) {
        let names: Vec<_> = block.captures.iter().map(|capture| capture.name.unraw().to_string()).collect();
        let destination = Fnv::new().tokens(without_blocks(&block.peer)).get();
        self.hash = names.iter().fold(self.hash.byte(b'['), |hash, name| hash.word(b'c', name));
        self.hash = self.hash.byte(b'@').number(destination);
        self.blocks.push(Seen { block, looks: (names, destination) });
        // In the order in which they were numbered.
        self.within(b'p', &block.peer);
        for value in block.captures.iter().filter_map(|capture| capture.value.as_ref()) {
            self.within(b'v', value);
        }
        self.within(b'b', &block.body);
        self.hash = self.hash.byte(b']');
    }

    fn within(&mut self, part: u8, code: &'c Code) {
        self.hash = self.hash.byte(part);
        self.code(code);
    }
}

/// The tokens, with a mark in the place of each block. What is in a block is no part of where
/// another one goes.
fn without_blocks(code: &Code) -> TokenStream {
    let mut tokens = TokenStream::new();
    for piece in code {
        match piece {
            Piece::Token(token) => token.to_tokens(&mut tokens),
            Piece::Group(delimiter, _, inner) => {
                Group::new(*delimiter, without_blocks(inner)).to_tokens(&mut tokens);
            }
            Piece::Item(item) => item.to_tokens(&mut tokens),
            Piece::Remote(_) => tokens.extend(quote!(remote!())),
        }
    }
    tokens
}

impl Version {
    /// The `Source` that the core makes a fingerprint of.
    pub(crate) fn expand(self, private: &TokenStream) -> TokenStream {
        let Self { rule, skeleton, body, twins } = self;
        let rule = match rule {
            Rule::Function => quote!(Function),
            Rule::Exact => quote!(Exact),
            Rule::Named => quote!(Named),
            Rule::Evolving => quote!(Evolving),
        };
        let twins = match twins {
            Twins::None => quote!(None),
            Twins::ByTypes(group) => quote!(ByTypes(#group)),
            Twins::ByBody => quote!(ByBody),
        };
        quote! {
            #private::Source {
                rule: #private::Rule::#rule,
                skeleton: #skeleton,
                body: #body,
                twins: #private::Twins::#twins,
                package: ::core::option_env!("CARGO_PKG_VERSION"),
            }
        }
    }
}
