//! Whole-system tests: real sockets, peers in one process and in several.

mod actors;
mod calls;
mod connections;
mod context;
mod errors;
mod faults;
mod hostile;
mod load;
mod processes;
mod proxy;
mod refusals;
mod support;
mod values;
