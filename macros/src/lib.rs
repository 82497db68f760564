//! The macros of `distributed-scope`: `#[distributed]` and `remote!`. Users reach them through
//! that crate.
//!
//! One expansion is three steps, each a folder. `parse` reads the item and finds each `remote!` in
//! its tokens. `validate` checks the item, the variables that each block uses, and that no block
//! is left by a jump. `expand` writes the calls, the closure structs and the versions of the
//! blocks. After a mistake `expand::fallback` writes the function without a body, so that one
//! mistake gives one message.
//!
//! Invariant: a `remote!` is found by its tokens, never by the syntax tree, because it may stand
//! inside any macro.

mod errors;
mod expand;
mod parse;
mod testing;
mod validate;

use proc_macro::{Span, TokenStream};
use quote::quote;

use crate::errors::Errors;
use crate::parse::args::Args;

/// Lets a function run on several peers: each [`remote!`] in it becomes a call, and its block is
/// compiled into every binary that contains the function.
///
/// It is written on an `async fn`, or on an inherent `impl` block, where it applies to each
/// `async fn` that contains `remote!`.
///
/// - `#[distributed(require = authenticated)]` runs its blocks for known callers only, `require =
///   claim("role", "admin")` for callers with this claim. `#[block(require = ..)]` overrides it
///   for one block; `anybody` removes the requirement. The caller of each hop is checked: a client
///   that calls its server, and a server that calls its client back.
/// - `#[distributed(exact)]` makes the bodies of its blocks part of their versions. A server whose
///   body differs then refuses the call; see [`remote!`]. Named blocks are excluded.
/// - `#[distributed(crate = path)]` names the path of `distributed-scope`, if it is not
///   `::distributed_scope`.
#[proc_macro_attribute]
pub fn distributed(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args.into(), &mut errors);
    if !args.has_crate
        && let Some(mistake) = parse::dependency::mistake()
    {
        errors.at(proc_macro2::Span::call_site(), mistake);
    }
    parse::service::expand_item(&args, item.into(), &mut errors).into()
}

/// Runs a block on another peer, with the listed variables: `remote!(peer, [a, b], { body })`.
///
/// | form | meaning |
/// |---|---|
/// | `remote!(peer, [a, b], { .. })` | run the block on `peer`, with `a` and `b` |
/// | `[name = expr]` | capture the value of an expression under a name |
/// | `[mut a]` | capture `a`, which the block may change; the variable here stays as it is |
/// | `[a: T]`, `[..] -> T` | written types |
/// | `remote!(peer, [a], #[block(name = "search", require = authenticated)] { .. })` | a stable name; what it asks of its caller |
/// | `remote!(peer, [a], #[block(without_resume)] { .. })` | each call of it ends with its connection, as `Call::without_resume` says |
/// | `remote!(peer, [a], #[block(blocking)] { .. })` | a body that computes or blocks, without `.await`: see [below](#blocks-that-hold-their-thread) |
/// | `remote!(peer, [a: T] -> R, #[cfg(..)] { .. })` | the block is compiled only where the predicate holds; the call is everywhere |
///
/// It works inside a function with [`#[distributed]`](macro@distributed), which replaces it.
///
/// # When a caller and a block belong together
///
/// A program that was built from other sources may call a block if both agree on its interface,
/// which is the names and the types of its captures and its result, and on which block is meant.
/// Otherwise the call is refused, and nothing runs.
///
/// | what stands before the block | what must be the same in both programs, beside the interface |
/// |---|---|
/// | nothing | the blocks of the function: their number, order and nesting, the names of their captures and their destinations |
/// | `#[block(exact)]` | the body |
/// | `#[block(name = "search")]` | nothing: the name says which block is meant |
/// | `#[block(name = "search", evolving)]` | nothing, and its data may grow: fields with `#[serde(default)]` may be added |
///
/// So a body may be changed on the server alone. If a function has several blocks with the same
/// captures, result and destination, only their bodies tell them apart: there a changed body is
/// another version. A name of their own, or another name for a capture, avoids that.
///
/// # Blocks that hold their thread
///
/// A block runs on the thread of its session, and while it computes or waits without `.await`,
/// nothing else of that thread runs: neither its other calls nor its keepalives.
/// `#[block(blocking)]` runs the body on the blocking pool instead, like actix-web's `web::block`:
///
/// - The body is synchronous: it has no `.await`. Its captures are `Send`; its result need not be,
///   because it is encoded there, too.
/// - `here` works in it, and a panic is a `RemoteError` of kind `Panicked`, as in every block.
/// - **A body that has begun is not interrupted.** If its call is cancelled, its deadline passes
///   or its session ends, its outcome is dropped. Until it ends it counts as running (in
///   `Limits::max_calls_served`), holds its memory in the account of its session, and is waited
///   for by `Peer::drain`; a long one should look at `here::deadline` and `here::is_draining`. A
///   body that still waits for a thread does not begin then.
/// - The pool is that of the tokio runtime of its thread; actix-web's
///   `HttpServer::worker_max_blocking_threads` sets its size.
/// - A page has one thread: there the body runs in place.
///
/// It is no part of the version of a block: a server may add it without its clients.
#[proc_macro]
pub fn remote(input: TokenStream) -> TokenStream {
    // What `#[distributed]` leaves behind, so that the user's import of `remote` is used and
    // editors
    // can follow it.
    if parse::find::is_marker(input.into()) {
        return TokenStream::new();
    }
    let message = validate::misplaced::message(Span::call_site().source_text().as_deref());
    quote!(::core::compile_error!(#message)).into()
}

/// A test of distributed functions on peers in one process, without sockets and in virtual time.
/// It needs the feature `testing`; see the module `testing` of `distributed-scope`.
///
/// It is written on an `async fn` whose parameters are peers, by their names, and the network:
/// `async fn orders(net: Net, server: Peer, client: Peer)`. Each peer exposes all blocks and is
/// connected with each other one. The function returns nothing or a `Result`, whose error fails
/// the test.
///
/// - `#[distributed_scope::test(seeds = 100)]` runs the test with the seeds from 0 to 99, `seeds =
///   5..10` with those from 5 to 9. Without it, the test runs once, with seed 0.
/// - If the environment variable `DISTRIBUTED_SCOPE_SEED` is set, the test runs with that seed
///   alone. A test that fails prints its seed.
/// - `#[distributed_scope::test(crate = path)]` names the path of `distributed-scope`, if it is not
///   `::distributed_scope`.
#[proc_macro_attribute]
pub fn test(args: TokenStream, item: TokenStream) -> TokenStream {
    let expanded = testing::expand(args.into(), item.into());
    expanded.unwrap_or_else(|error| error.to_compile_error()).into()
}
