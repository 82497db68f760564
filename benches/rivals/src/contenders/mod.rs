//! The contenders, in the order of the tables.

mod actix_websocket;
#[cfg(has_capnp)]
mod capnp;
mod floor;
mod ours;
mod raw_tcp;
mod remoc;
mod tarpc;
mod tonic;

use std::future::Future;

use anyhow::Result;
use tokio::task::LocalSet;

use crate::contender::{Client, Contender};
use crate::outcome::Outcome;
use crate::workload::{Drive, drive};

pub fn all() -> Vec<Contender> {
    vec![
        raw_tcp::contender(),
        actix_websocket::contender(),
        ours::contender(),
        tarpc::contender(),
        #[cfg(has_capnp)]
        capnp::contender(),
        remoc::contender(),
        tonic::contender(),
    ]
}

/// On one thread of tokio, as every contender without actix runs.
fn on_tokio<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, future)
}

fn drive_on_tokio<C: Client + 'static>(run: &Drive) -> Result<Outcome> {
    let run = *run;
    on_tokio(as_task(async move { drive::<C>(&run).await }))
}

/// On one thread of actix, which is a thread of tokio, too.
fn on_actix<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    actix_rt::System::new().block_on(future)
}

/// In a task, where programs make their calls. A runtime that is woken for the future that it was
/// started with looks at its sockets once more,
/// which would count for those alone whose client has tasks of its own.
async fn as_task<T: 'static>(future: impl Future<Output = Result<T>> + 'static) -> Result<T> {
    tokio::task::spawn_local(future).await?
}
