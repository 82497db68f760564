//! The state shared between the task that keeps a link connected and the handles of that link: the
//! status, and orders for the task.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use futures_channel::oneshot;

use super::credential::{Credential, ReauthenticateError};
use super::status::{LinkEnd, LinkStatus};
use crate::identity::peer_id::PeerId;
use crate::peer::ConnectError;
use crate::util::lock::{Mutex, MutexGuard};
use crate::wire::frame::Reject;

/// The shared state of one link.
#[derive(Debug)]
pub(super) struct Board {
    url: String,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) status: LinkStatus,
    /// Counts the changes of the status.
    pub(super) version: u64,
    /// Whether attempts continue after a failure: a user wants that, or an attempt has succeeded.
    pub(super) is_lasting: bool,
    /// The number of failed attempts, and the error of the last one.
    failures: u64,
    last_error: Option<ConnectError>,
    order: Option<Order>,
    keeper: Option<Waker>,
    waiting: Vec<Waker>,
}

/// An order for the task that keeps the link.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Make the next attempt at once.
    Try,
    /// Resume the session with another credential.
    Change(Credential, Outcome),
    End(LinkEnd),
}

/// The receiver of the result of that.
pub(super) type Outcome = Arc<Mutex<Option<oneshot::Sender<Result<(), ReauthenticateError>>>>>;

/// An order for the task of a connected link.
pub(super) enum Told {
    End(LinkEnd),
    Change(Credential, Outcome),
}

impl State {
    pub(super) fn wake_later(&mut self, waker: &Waker) {
        if !self.waiting.iter().any(|known| known.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }
}

impl Board {
    pub(super) fn new(url: String, is_lasting: bool) -> Self {
        let state = State {
            status: LinkStatus::Dialling { attempt: 1, last_error: None },
            version: 0,
            is_lasting,
            failures: 0,
            last_error: None,
            order: None,
            keeper: None,
            waiting: Vec::new(),
        };
        Self { url, state: Mutex::new(state) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        result
    }

    /// Shows the status of the link. The end is final.
    pub(super) fn show(&self, status: LinkStatus) {
        self.change(|state| {
            if !matches!(state.status, LinkStatus::Ended(_)) {
                state.status = status;
                state.version += 1;
            }
        });
    }

    /// Records a failed attempt. Returns false if no further attempts are wanted: the link has
    /// ended then.
    pub(super) fn failed(&self, error: &ConnectError) -> bool {
        self.change(|state| {
            state.failures += 1;
            state.last_error = Some(error.clone());
            if !state.is_lasting {
                state.status = LinkStatus::Ended(LinkEnd::Hopeless(error.clone()));
                state.version += 1;
            }
            state.is_lasting
        })
    }

    pub(super) fn failures(&self) -> u64 {
        self.lock().failures
    }

    /// Whether attempts continue until one succeeds.
    pub(super) fn is_lasting(&self) -> bool {
        self.lock().is_lasting
    }

    /// Another caller wants this link, and perhaps wants attempts to continue until one succeeds.
    /// Returns false if the link has ended.
    pub(super) fn join(&self, is_lasting: bool) -> bool {
        let mut state = self.lock();
        let is_there = !matches!(state.status, LinkStatus::Ended(_));
        state.is_lasting |= is_lasting;
        is_there
    }

    /// Why the link is to end, if it is.
    pub(super) fn end(&self) -> Option<LinkEnd> {
        match &self.lock().order {
            Some(Order::End(end)) => Some(end.clone()),
            Some(Order::Try | Order::Change(..)) | None => None,
        }
    }

    /// Gives an order to the task that keeps the link. An order to end cannot be revoked.
    pub(super) fn order(&self, order: Order) {
        let mut state = self.lock();
        if !matches!(state.order, Some(Order::End(_))) {
            state.order = Some(order);
        }
        let keeper = state.keeper.take();
        drop(state);
        if let Some(keeper) = keeper {
            keeper.wake();
        }
    }

    /// Waits for the order to end.
    pub(super) async fn told_to_end(&self) -> LinkEnd {
        poll_fn(|cx| {
            let mut state = self.lock();
            if let Some(Order::End(end)) = &state.order {
                return Poll::Ready(end.clone());
            }
            state.keeper = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Waits for an order to end or to change the credential.
    pub(super) async fn told(&self) -> Told {
        poll_fn(|cx| {
            let mut state = self.lock();
            match &state.order {
                Some(Order::End(end)) => return Poll::Ready(Told::End(end.clone())),
                Some(Order::Change(..)) => {
                    if let Some(Order::Change(credential, outcome)) = state.order.take() {
                        return Poll::Ready(Told::Change(credential, outcome));
                    }
                }
                Some(Order::Try) | None => {}
            }
            state.keeper = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Waits for the order to make the next attempt at once, or to end.
    pub(super) async fn told_to_try(&self) {
        poll_fn(|cx| {
            let mut state = self.lock();
            if let Some(order) = &state.order {
                let is_end = matches!(order, Order::End(_));
                // Without a connection, the credential cannot be changed. The dropped sender
                // reports that to its receiver.
                let order = if is_end { None } else { state.order.take() };
                match order {
                    Some(Order::Change(..)) => {}
                    Some(_) | None => return Poll::Ready(()),
                }
            }
            state.keeper = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Waits until the link is connected. If a number of failures is given, it also returns when
    /// there are more failures than that.
    pub(super) async fn outcome(
        &self,
        failures: Option<u64>,
        wanted: Option<PeerId>,
    ) -> Result<PeerId, LinkEnd> {
        poll_fn(|cx| {
            let mut state = self.lock();
            match &state.status {
                LinkStatus::Connected(peer) if wanted.is_none_or(|wanted| wanted == *peer) => {
                    return Poll::Ready(Ok(*peer));
                }
                LinkStatus::Connected(_) => {
                    let error = ConnectError::refused(self.url.clone(), Reject::WrongPeer);
                    return Poll::Ready(Err(LinkEnd::Hopeless(error)));
                }
                LinkStatus::Ended(end) => return Poll::Ready(Err(end.clone())),
                LinkStatus::Dialling { .. } | LinkStatus::Resuming => {}
            }
            if let Some(error) = &state.last_error
                && failures.is_some_and(|failures| state.failures > failures)
            {
                return Poll::Ready(Err(LinkEnd::Hopeless(error.clone())));
            }
            state.wake_later(cx.waker());
            Poll::Pending
        })
        .await
    }
}
