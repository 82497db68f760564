//! What is written in the source: the function, its blocks, their lists and attributes.

pub(crate) mod args;
pub(crate) mod attributes;
pub(crate) mod block;
pub(crate) mod capture;
pub(crate) mod dependency;
pub(crate) mod find;
pub(crate) mod format;
pub(crate) mod function;
pub(crate) mod place;
pub(crate) mod requirement;
pub(crate) mod service;
