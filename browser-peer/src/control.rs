//! The control plane of the peer of a page: a task that decides which sessions are accepted, and
//! tracks which calls wait for which peer.

use std::sync::{Arc, Weak};

use distributed_scope_core::peer::{Admitted, Join, Notice, Platform, Roster};
use distributed_scope_core::{Moment, Reject};
use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt;
use wasm_bindgen_futures::spawn_local;

use crate::clock;
use crate::platform::{Browser, Shared};

/// The commands of the control plane.
#[derive(Debug)]
pub(crate) enum Order {
    Take(Notice<Browser>),
    Join(Box<Join<Browser>>, oneshot::Sender<Result<Admitted<Browser>, Reject>>),
    /// The wait for a peer may have expired for some callers.
    GiveUp,
    /// Accept no new sessions and calls; the sender is notified when nothing runs any more.
    Drain(oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// Runs until the peer has ended.
pub(crate) async fn run(peer: Weak<Shared>, mut orders: mpsc::UnboundedReceiver<Order>) {
    let mut roster = Roster::default();
    while let Some(order) = orders.next().await {
        let Some(shared) = peer.upgrade() else { return };
        match order {
            Order::Take(notice) => {
                if let Some(moment) = roster.take(&shared, notice) {
                    give_up_at(moment, &shared);
                }
            }
            // The requester may have been dropped.
            Order::Join(join, answer) => drop(answer.send(roster.join(&shared, *join))),
            Order::GiveUp => {
                if let Some(moment) = roster.give_up_late(clock::now()) {
                    give_up_at(moment, &shared);
                }
            }
            Order::Drain(done) => {
                let idle = roster.drain(&shared);
                spawn_local(async move {
                    idle.await;
                    // The caller may have stopped waiting.
                    let _ = done.send(());
                });
            }
            Order::Stop(done) => {
                roster.stop(&shared);
                let _ = done.send(());
            }
        }
    }
}

/// At this moment, the wait for a peer expires for some callers.
fn give_up_at(moment: Moment, shared: &Arc<Shared>) {
    let (peer, sleep) = (Arc::downgrade(shared), shared.platform().sleep_until(moment));
    spawn_local(async move {
        sleep.await;
        if let Some(shared) = peer.upgrade() {
            shared.platform().order(Order::GiveUp);
        }
    });
}
