//! The control plane of a page's peer: a task that decides who may join, and knows who waits for
//! whom.

use std::sync::{Arc, Weak};

use distributed_scope_core::peer::{Admitted, Join, Notice, Platform, Roster};
use distributed_scope_core::{Moment, Reject};
use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt;
use wasm_bindgen_futures::spawn_local;

use crate::clock;
use crate::platform::{Browser, Shared};

/// What the control plane is told and asked.
#[derive(Debug)]
pub(crate) enum Order {
    Take(Notice<Browser>),
    Join(Box<Join<Browser>>, oneshot::Sender<Result<Admitted<Browser>, Reject>>),
    /// Some who waited for a peer may have waited long enough.
    GiveUp,
    /// Take no new sessions and calls; the sender is told when nothing runs any more.
    Drain(oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// Obeys until the peer is no more.
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
            // Whoever asked may be gone.
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
                    // Whoever waits may have lost patience.
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

/// Some who wait for a peer will have waited long enough at this moment.
fn give_up_at(moment: Moment, shared: &Arc<Shared>) {
    let (peer, sleep) = (Arc::downgrade(shared), shared.platform().sleep_until(moment));
    spawn_local(async move {
        sleep.await;
        if let Some(shared) = peer.upgrade() {
            shared.platform().order(Order::GiveUp);
        }
    });
}
