//! Whole-system tests: real sockets, peers in one process and in several.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod absence;
mod actors;
mod addresses;
mod answers;
mod auth;
mod black_hole;
mod blocking;
mod budgets;
mod bulk;
mod calls;
mod connections;
mod context;
mod errors;
mod faults;
mod floods;
mod goodbyes;
mod lifecycle;
mod links;
mod load;
#[path = "../support/log.rs"]
mod log;
mod loiterers;
mod narrow;
mod outdated;
mod paths;
mod process;
mod processes;
mod programs;
mod proxy;
#[path = "../support/raw.rs"]
mod raw;
#[path = "../support/raw_server.rs"]
mod raw_server;
mod redials;
mod reentry;
mod refusals;
mod resume;
mod room;
mod served;
mod sessions;
mod signals;
mod slow;
mod stream_ends;
mod stream_faults;
mod stream_values;
mod streams;
#[path = "../support/peers.rs"]
mod support;
mod takeover;
mod topics;
mod values;
