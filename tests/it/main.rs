//! Whole-system tests: real sockets, peers in one process and in several.

mod actors;
mod calls;
mod connections;
mod context;
mod errors;
mod load;
mod processes;
mod refusals;
mod support;
mod values;
