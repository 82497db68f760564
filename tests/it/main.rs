//! Whole-system tests: real sockets, peers in one process and in several.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod actors;
mod auth;
mod calls;
mod connections;
mod context;
mod errors;
mod faults;
mod hostile;
mod lifecycle;
mod load;
mod processes;
mod proxy;
mod refusals;
mod resume;
mod slow;
mod support;
mod values;
