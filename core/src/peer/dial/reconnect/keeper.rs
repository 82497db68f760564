//! The task that keeps one link connected.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Dial;
use super::board::{Board, Told};
use super::credential::{Credential, ReauthenticateError};
use super::cuts::Cuts;
use super::overtaken::until_overtaken;
use super::pauses::{GOOD, Outlook, Pauses};
use super::status::{LinkEnd, LinkStatus};
use crate::identity::peer_id::PeerId;
use crate::peer::connection::carry::{First, first};
use crate::peer::{ConnectError, Goodbye, Link, Platform, Shared};
use crate::util::time::Deadline;

/// If a connection that resumed a session is lost this soon with nothing new received on it, its
/// path is suspicious.
const SUSPICIOUS: Duration = Duration::from_secs(30);

pub(super) struct Keeper<P: Platform, D> {
    shared: Weak<Shared<P>>,
    board: Arc<Board>,
    /// The only peer that is accepted.
    wanted: Option<PeerId>,
    dial: D,
    pauses: Pauses,
    cuts: Cuts,
    /// The session, unless it is over. A session that is over must not keep the peer alive.
    session: Option<Arc<Link<P>>>,
    /// Whether a connection of the session has lasted or carried something new. A server that
    /// opens a session and hangs up is not dialled faster for it.
    is_proven: bool,
    /// The number of the attempt since there was a session, and the error of the last one.
    attempt: u32,
    failed: Option<ConnectError>,
    /// The credential that is sent when a connection is made.
    credential: Credential,
}

impl<P: Platform, D: Dial<P>> Keeper<P, D> {
    pub(super) fn new(shared: &Arc<Shared<P>>, board: Arc<Board>, wanted: Option<PeerId>, dial: D) -> Self {
        let seed = shared.platform().random().first_chunk().copied().map_or(1, u64::from_le_bytes);
        let pauses = Pauses::new(shared.limits().reconnect_delay, seed);
        let shared = Arc::downgrade(shared);
        Self {
            shared,
            board,
            wanted,
            dial,
            pauses,
            cuts: Cuts::default(),
            session: None,
            is_proven: false,
            attempt: 1,
            failed: None,
            credential: Credential::default(),
        }
    }

    /// Keeps the link connected until it ends.
    pub(super) async fn run(mut self) {
        let Err(end) = self.keep().await;
        if let Some(session) = self.session.take() {
            // Calls of the session need not wait until it expires.
            session.close(Goodbye::normal("the link has ended"));
        }
        self.board.show(LinkStatus::Ended(end));
    }

    async fn keep(&mut self) -> Result<std::convert::Infallible, LinkEnd> {
        // The first attempt is made at once.
        let mut is_first = true;
        loop {
            if !std::mem::take(&mut is_first) {
                self.pause().await?;
            }
            let shared = self.peer()?;
            if let Some(theirs) = self.theirs(&shared) {
                drop(shared);
                self.watch(&theirs).await?;
                continue;
            }
            self.show_attempt();
            match self.dial(shared).await? {
                Ok(link) => self.hold(link).await?,
                Err(error) => self.consider(error)?,
            }
        }
    }

    /// Makes one attempt, unless the link is to end meanwhile. If the attempt hangs because the
    /// machine or the page slept meanwhile, it is made anew.
    async fn dial(&self, shared: Arc<Shared<P>>) -> Result<Result<Arc<Link<P>>, ConnectError>, LinkEnd> {
        loop {
            let dialling =
                pin!((self.dial)(Arc::clone(&shared), self.session.clone(), self.credential.clone()));
            let overtaken = pin!(until_overtaken(&shared));
            match first(first(dialling, overtaken), pin!(self.board.told_to_end())).await {
                First::One(First::One(result)) => return Ok(result),
                First::One(First::Other(())) => {
                    tracing::debug!(peer = %shared.id(), "connection attempt restarted: machine or page woke up during it");
                }
                First::Other(end) => return Err(end),
            }
        }
    }

    /// Waits until the connection of a session is lost.
    async fn hold(&mut self, link: Arc<Link<P>>) -> Result<(), LinkEnd> {
        let is_resumed = self.session.as_ref().is_some_and(|old| Arc::ptr_eq(old, &link));
        self.is_proven &= is_resumed;
        (self.attempt, self.failed, self.session) = (1, None, Some(Arc::clone(&link)));
        // A caller that asked for one attempt wanted it to succeed, and the link to stay connected
        // then.
        self.board.join(true);
        self.board.show(LinkStatus::Connected(link.remote()));
        let (begun, before) = (link.shared().now(), received(&link));
        while let Some(told) = self.told_before_lost(&link).await {
            match told {
                Told::End(end) => return Err(end),
                Told::Change(credential, outcome) => {
                    let result = self.change(&link, credential).await?;
                    // The caller may no longer wait.
                    let _ = outcome.lock().take().map(|sender| sender.send(result));
                }
            }
        }
        if let Some(limit) = self.cuts.lost(link.idle_when_lost()) {
            tracing::warn!(
                remote = %link.remote(), ?limit,
                "connections are cut when they are idle for this long: a proxy on the way, say, has an idle limit; lower `Limits::idle_timeout` \
                 to that or less, or raise the limit"
            );
        }
        let lasted = link.shared().now().since(begun);
        // Frames of a new session are no progress: a server that opens and drops sessions sends
        // some in each.
        let has_progressed = is_resumed && received(&link) > before;
        if has_progressed || lasted >= GOOD {
            self.is_proven = true;
            self.pauses.start_over();
        }
        if is_resumed && !has_progressed && lasted < SUSPICIOUS {
            // The frames that it should have carried did not arrive. The other side may have
            // noticed that, and cannot report it.
            link.suspect_path();
        }
        Ok(())
    }

    /// Returns the next order for the link while this session has a connection; `None` once that
    /// is lost.
    async fn told_before_lost(&self, link: &Link<P>) -> Option<Told> {
        match first(pin!(link.until_detached()), pin!(self.board.told())).await {
            First::One(()) => None,
            First::Other(told) => Some(told),
        }
    }

    /// Resumes the session under another principal, over another connection. If that fails, the
    /// session continues unchanged.
    async fn change(
        &mut self,
        link: &Arc<Link<P>>,
        credential: Credential,
    ) -> Result<Result<(), ReauthenticateError>, LinkEnd> {
        let agreed = match first(pin!(link.ask_to_change()), pin!(self.board.told_to_end())).await {
            First::One(agreed) => agreed,
            First::Other(end) => return Err(end),
        };
        match agreed {
            None => return Ok(Err(ReauthenticateError::Unsupported(link.remote()))),
            Some(false) => return Ok(Err(ReauthenticateError::Lost)),
            Some(true) => {}
        }
        let shared = self.peer()?;
        let before = std::mem::replace(&mut self.credential, credential);
        Ok(match self.dial(shared).await? {
            Ok(other) if Arc::ptr_eq(&other, link) => Ok(()),
            // The server no longer has the session, and opened another one.
            Ok(other) => {
                self.session = Some(other);
                Ok(())
            }
            Err(error) => {
                self.credential = before;
                Err(ReauthenticateError::Refused(error))
            }
        })
    }

    /// Decides what follows from a failed attempt: another attempt, or the end of the link.
    fn consider(&mut self, error: ConnectError) -> Result<(), LinkEnd> {
        if let ConnectError::Stopped = error {
            return Err(LinkEnd::PeerStopped);
        }
        if !self.board.failed(&error) {
            // The caller receives the error, and no further attempt is needed.
            return Err(LinkEnd::Hopeless(error));
        }
        if Outlook::of(&error) == Outlook::Never {
            tracing::warn!(%error, "link ended: further attempts cannot succeed");
            return Err(LinkEnd::Hopeless(error));
        }
        let source = std::error::Error::source(&error);
        if self.pauses.is_news(&error) {
            tracing::warn!(%error, source, "cannot connect yet; further attempts are logged at debug");
        } else {
            tracing::debug!(%error, source, "cannot connect yet");
        }
        self.attempt = self.attempt.saturating_add(1);
        self.failed = Some(error);
        Ok(())
    }

    /// Waits before the next attempt.
    async fn pause(&mut self) -> Result<(), LinkEnd> {
        let (sleep, joined) = {
            // The peer is not held while waiting: if its last handle is dropped, it must be able
            // to end.
            let shared = self.peer()?;
            let waits = self.is_proven && self.session.as_ref().is_some_and(|session| session.is_alive());
            let pause =
                self.pauses.next(self.failed.as_ref(), waits.then_some(shared.limits().resume_window));
            tracing::debug!(peer = %shared.id(), ?pause, "reconnecting");
            let until = shared.now() + pause;
            // The wanted peer may connect to this one meanwhile.
            let joined = self.wanted.map(|wanted| shared.joined(wanted, Deadline::at(until)));
            let platform = shared.platform();
            let sleep = match self.failed {
                None => platform.first_pause_until(until),
                Some(_) => platform.pause_until(until),
            };
            (sleep, joined)
        };
        let joined = async {
            match joined {
                Some(joined) => drop(joined.await),
                None => std::future::pending().await,
            }
        };
        let board = Arc::clone(&self.board);
        let mut waiting = first(first(Box::pin(sleep), Box::pin(joined)), Box::pin(board.told_to_try()));
        self.show_attempt();
        if let Some(session) = self.session.clone() {
            // The status shows when it is over.
            if let First::One(_) = first(&mut waiting, pin!(session.until_over())).await {
                return Ok(());
            }
            drop(session);
            self.show_attempt();
        }
        waiting.await;
        Ok(())
    }

    /// Shows the purpose of the next attempt, which depends on whether the session still waits.
    fn show_attempt(&mut self) {
        self.session.take_if(|session| !session.is_alive());
        self.board.show(match &self.session {
            Some(_) => LinkStatus::Resuming,
            None => LinkStatus::Dialling { attempt: self.attempt, last_error: self.failed.clone() },
        });
    }

    /// The session with the wanted peer that was not made by this link: the other side may have
    /// dialled it.
    fn theirs(&self, shared: &Shared<P>) -> Option<Arc<Link<P>>> {
        let session = shared.routes().session(self.wanted?)?;
        let is_own = self.session.as_ref().is_some_and(|own| Arc::ptr_eq(own, &session));
        // A caller that asked for one attempt does not wait until the other side reconnects.
        let suits = session.is_attached() || self.board.is_lasting();
        (!is_own && suits).then_some(session)
    }

    /// The other side reconnects automatically as long as that session lasts.
    async fn watch(&self, session: &Link<P>) -> Result<(), LinkEnd> {
        while session.is_alive() {
            let is_connected = session.is_connected();
            self.board.show(match is_connected {
                true => LinkStatus::Connected(session.remote()),
                false => LinkStatus::Resuming,
            });
            let changed = async {
                match is_connected {
                    true => session.until_detached().await,
                    false => session.until_connected().await,
                }
            };
            if let First::Other(Told::End(end)) = first(pin!(changed), pin!(self.board.told())).await {
                return Err(end);
            }
        }
        Ok(())
    }

    fn peer(&self) -> Result<Arc<Shared<P>>, LinkEnd> {
        if let Some(end) = self.board.end() {
            return Err(end);
        }
        self.shared.upgrade().filter(|shared| !shared.is_stopping()).ok_or(LinkEnd::PeerStopped)
    }
}

impl<P: Platform, D> Drop for Keeper<P, D> {
    /// Also runs if the task was dropped with its runtime, or never began.
    fn drop(&mut self) {
        self.board.show(LinkStatus::Ended(LinkEnd::PeerStopped));
        if let Some(shared) = self.shared.upgrade() {
            shared.places().forget(&self.board);
        }
    }
}

/// The number of numbered frames that have arrived in a session; `None` if it is over.
fn received<P: Platform>(link: &Link<P>) -> u64 {
    link.resume().map_or(0, |ticket| ticket.received)
}
