//! The control plane of a peer: a task that decides which sessions are accepted, and tracks which
//! calls wait for which peer.

use std::sync::{Arc, Weak};

use distributed_scope_core::peer::{Admitted, Join, Notice, Platform, Roster};
use distributed_scope_core::{Moment, Reject};
use futures_channel::oneshot;
use tokio::sync::mpsc;

use crate::platform::{Shared, Sim};

/// The commands of the control plane.
#[derive(Debug)]
pub(crate) enum Order {
    Take(Notice<Sim>),
    Join(Box<Join<Sim>>, oneshot::Sender<Result<Admitted<Sim>, Reject>>),
    /// The wait for a peer may have expired for some callers.
    GiveUp,
    /// Accept no new sessions and calls; the sender is notified when nothing runs any more.
    Drain(oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// Runs until the peer has ended. It is no task of the process: it also ends the open calls of a
/// process that was killed.
pub(crate) async fn run(peer: Weak<Shared>, mut orders: mpsc::UnboundedReceiver<Order>) {
    let mut roster = Roster::default();
    while let Some(order) = orders.recv().await {
        let Some(shared) = peer.upgrade() else { return };
        match order {
            Order::Take(notice) => give_up_at(roster.take(&shared, notice), &shared),
            // The requester may have been dropped.
            Order::Join(join, answer) => drop(answer.send(roster.join(&shared, *join))),
            Order::GiveUp => give_up_at(roster.give_up_late(shared.platform().now()), &shared),
            Order::Drain(done) => {
                let idle = roster.drain(&shared);
                shared.platform().process().spawn_here(async move {
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
fn give_up_at(moment: Option<Moment>, shared: &Arc<Shared>) {
    let Some(moment) = moment else { return };
    let (peer, sleep) = (Arc::downgrade(shared), shared.platform().sleep_until(moment));
    tokio::task::spawn_local(async move {
        sleep.await;
        if let Some(shared) = peer.upgrade() {
            shared.platform().order(Order::GiveUp);
        }
    });
}
