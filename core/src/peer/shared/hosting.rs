//! A peer as seen by its calls and its blocks.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_channel::oneshot;

use super::Shared;
use crate::call::host::{Data, Host, Observer};
use crate::call::pending::Pending;
use crate::call::request::Request;
use crate::call::served::ServedObserver;
use crate::error::{ErrorKind, Ran, RemoteError};
use crate::identity::peer_id::PeerId;
use crate::limits::Limits;
use crate::peer::execute::local;
use crate::peer::{Changes, Notice, Platform, SessionInfo};
use crate::util::flag::Flag;
use crate::util::sorted;
use crate::util::time::{Deadline, Moment};
use crate::wire::frame::SessionId;

impl<P: Platform> Host for Shared<P> {
    fn id(&self) -> PeerId {
        self.id
    }

    fn now(&self) -> Moment {
        self.platform.now()
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn data(&self) -> &Data {
        &self.data
    }

    fn start(self: Arc<Self>, now: Moment, request: &mut Request) -> Pending {
        if request.to == self.id {
            return local::run(&self, request);
        }
        if let Some(link) = self.routes.find(request.to) {
            match link.call(now, request) {
                Ok(pending) => return pending,
                Err(error) if request.is_bound && *error.kind() == ErrorKind::Disconnected => {
                    return Pending::ended(Err(error));
                }
                // The session ended between the two lines, or is not quite open. An open session
                // may follow.
                Err(error) if matches!(error.kind(), ErrorKind::Disconnected | ErrorKind::NotConnected) => {}
                Err(error) => return Pending::ended(Err(error)),
            }
        }
        let place = match self.place_to_wait(request) {
            Ok(place) => place,
            Err(refusal) => return Pending::ended(Err(RemoteError::refused(refusal))),
        };
        let is_joined = self.joined(request.to, request.deadline);
        let mut request = request.clone();
        Pending::Waiting(Box::pin(async move {
            let has_joined = is_joined.await;
            drop(place);
            match has_joined {
                Ok(()) => {
                    let now = self.now();
                    self.start(now, &mut request).await
                }
                Err(oneshot::Canceled) => Err(RemoteError::new(ErrorKind::NotConnected, Ran::Never)),
            }
        }))
    }

    /// Timers belong to homes, and this runs on any thread. So the control plane waits here for a
    /// peer that never joins: this peer itself.
    fn pause_until(&self, moment: Moment) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let is_over = self.joined(self.id, Deadline::at(moment));
        Box::pin(async move {
            // A dropped sender is the answer.
            let _ = is_over.await;
        })
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.platform.spawn(task);
    }

    fn spawn_here(&self, task: Pin<Box<dyn Future<Output = ()>>>) -> bool {
        let is_home = self.platform.is_home();
        if is_home {
            // Its end is the end of its channel.
            let _ = self.platform.spawn_here(task);
        }
        is_home
    }

    fn disclosed(&self, error: RemoteError) -> RemoteError {
        self.disclosure().of(error)
    }

    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.platform.run_blocking(work);
    }

    fn draining(&self) -> &Flag {
        &self.draining
    }

    fn is_stopped(&self) -> bool {
        self.is_stopping()
    }

    fn observer(&self) -> Option<&dyn Observer> {
        self.observer.as_deref()
    }

    fn served_observer(&self) -> Option<&dyn ServedObserver> {
        self.served_observer.as_deref()
    }

    fn is_away(&self, peer: PeerId, session: SessionId) -> bool {
        self.session(peer, session).is_none_or(|link| !link.is_attached())
    }

    fn until_away(&self, peer: PeerId, session: SessionId) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let link = self.session(peer, session);
        Box::pin(async move {
            if let Some(link) = link {
                link.until_detached().await;
            }
        })
    }

    fn until_back(&self, peer: PeerId, session: SessionId) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        let link = self.session(peer, session);
        Box::pin(async move {
            let Some(link) = link else { return false };
            link.until_connected().await;
            link.is_alive()
        })
    }

    fn sessions(&self) -> Vec<SessionInfo> {
        let links = self.routes.sessions();
        let mut sessions: Vec<_> = links.iter().filter_map(|link| link.info()).collect();
        sorted::by_key(&mut sessions, |session| session.peer);
        sessions
    }

    fn session_changes(&self) -> &Changes {
        &self.changes
    }

    fn kept(&self) {
        self.keeps.fetch_add(1, Ordering::Relaxed);
    }

    fn let_go(&self) {
        if self.keeps.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.platform.tell(Notice::Abandoned);
        }
    }
}
