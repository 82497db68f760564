//! Concurrent attempts at several addresses (RFC 8305): a dead address costs a quarter of a
//! second instead of the whole handshake timeout.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use distributed_scope_core::peer::ConnectError;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

/// The delay before the next attempt begins, if the previous one has not failed by then. An
/// attempt lasts until the server has responded to the request. An address that accepts a
/// connection and sends nothing is therefore overtaken, too.
const STAGGER: Duration = Duration::from_millis(250);

/// The result of each attempt, in the order in which they began.
pub(super) struct Lost(Vec<(SocketAddr, Option<ConnectError>)>);

/// Tries these addresses until one succeeds, a response makes the other addresses pointless, or
/// the deadline has passed.
pub(super) async fn race<T, F: Future<Output = Result<T, ConnectError>>>(
    addresses: Vec<SocketAddr>,
    deadline: Instant,
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<T, Lost> {
    let is_race = addresses.len() > 1;
    let mut waiting = addresses.into_iter();
    let mut running = FuturesUnordered::new();
    let mut attempts = Vec::new();
    let mut is_answered = false;
    loop {
        if !is_answered && let Some(address) = waiting.next() {
            let (index, attempt) = (attempts.len(), attempt(address));
            attempts.push((address, None));
            running.push(async move { (index, attempt.await) });
        }
        let next = Instant::now() + STAGGER;
        tokio::select! {
            biased;
            ended = running.next() => match ended {
                Some((_, Ok(won))) => return Ok(won),
                Some((index, Err(error))) => {
                    if is_race {
                        // The combined error prefers one with a response of the server.
                        tracing::debug!(address = %attempts[index].0, %error, "an address cannot be reached");
                    }
                    is_answered |= is_answer(&error);
                    attempts[index].1 = Some(error);
                }
                None => return Err(Lost(attempts)),
            },
            () = sleep_until(deadline) => return Err(Lost(attempts)),
            () = sleep_until(next), if !is_answered && waiting.len() > 0 => {}
        }
    }
}

/// Whether the server behind all of the addresses has answered. Running attempts continue: a
/// single-use token, for example, lets only one of them in.
fn is_answer(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Denied { .. })
}

impl Lost {
    /// The error to report. `is_named`: the addresses were resolved from a name. `has_accepted`:
    /// one of them accepted a connection.
    pub(super) fn into_error(
        self,
        url: String,
        is_named: bool,
        has_accepted: impl Fn(SocketAddr) -> bool,
    ) -> ConnectError {
        let Self(mut attempts) = self;
        // A response of a server is more informative than a timeout of another.
        if let Some(found) = (1..=4)
            .find_map(|rank| attempts.iter().position(|(_, error)| error.as_ref().map(meaning) == Some(rank)))
            && let Some(error) = attempts.swap_remove(found).1
        {
            return error;
        }
        if let [(_, error)] = &mut attempts[..] {
            match error.take() {
                None => return ConnectError::TimedOut { url },
                Some(error) if !is_named => return error,
                kept => *error = kept,
            }
        }
        let ended = attempts.into_iter().map(|(address, error)| {
            let text = match error {
                Some(ConnectError::Unreachable { source, .. }) => source.to_string(),
                Some(error) => error.to_string(),
                None if has_accepted(address) => "took the connection and did not answer in time".to_owned(),
                None => "did not take the connection in time".to_owned(),
            };
            (address, text)
        });
        ConnectError::Unreachable { url, source: Tried(ended.collect()).into() }
    }
}

/// The information that an error has about the server, from 1 for the most.
fn meaning(error: &ConnectError) -> u8 {
    match error {
        ConnectError::Denied { .. } => 1,
        ConnectError::NotAPeer { .. } => 2,
        ConnectError::Tls { .. } => 3,
        ConnectError::NotHttp { .. } => 4,
        _ => 5,
    }
}

/// The result of each address.
#[derive(Debug)]
struct Tried(Vec<(SocketAddr, String)>);

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (address, text)) in self.0.iter().enumerate() {
            write!(f, "{}{address}: {text}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Tried {}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::{pending, ready};

    use futures_util::FutureExt;

    use super::*;

    fn address(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 1).into()
    }

    fn unreachable(text: &str) -> ConnectError {
        ConnectError::Unreachable { url: String::new(), source: text.to_owned().into() }
    }

    fn denied() -> ConnectError {
        ConnectError::Denied { url: String::new(), status: 401, reason: String::new(), retry_after: None }
    }

    /// Long enough never to be the cause.
    fn late() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    /// A silent attempt is overtaken, a failed one starts the next at once, and the ones after
    /// the winner never start.
    #[actix_web::test]
    async fn silent_attempt_is_overtaken() {
        let begun = RefCell::new(Vec::new());
        let won = race((1..=4).map(address).collect(), late(), |one| {
            begun.borrow_mut().push(one);
            match one {
                _ if one == address(1) => pending().boxed_local(),
                _ if one == address(2) => ready(Err(unreachable("refused"))).boxed_local(),
                _ => ready(Ok(one)).boxed_local(),
            }
        });
        assert_eq!(won.await.ok(), Some(address(3)));
        assert_eq!(begun.into_inner(), (1..=3).map(address).collect::<Vec<_>>());
    }

    /// After a rejection, the other addresses of the server are not tried, but a running attempt
    /// may still succeed.
    #[actix_web::test]
    async fn denial_ends_race_unless_another_wins() {
        let asked = RefCell::new(0);
        let lost = race::<(), _>(vec![address(1), address(2)], late(), |_| {
            *asked.borrow_mut() += 1;
            ready(Err(denied()))
        });
        let error = lost.await.unwrap_err().into_error("ws://a/".to_owned(), true, |_| false);
        assert!(matches!(error, ConnectError::Denied { .. }), "{error:?}");
        assert_eq!(asked.into_inner(), 1);

        let (second, is_denied) = tokio::sync::oneshot::channel::<()>();
        let (second, is_denied) = (RefCell::new(Some(second)), RefCell::new(Some(is_denied)));
        let won = race(vec![address(1), address(2)], late(), |one| match one == address(1) {
            true => is_denied.take().unwrap().map(|_| Ok("first")).boxed_local(),
            false => {
                drop(second.take());
                ready(Err(denied())).boxed_local()
            }
        });
        assert_eq!(won.await.ok(), Some("first"));
    }

    /// The error names each address and its result; an error that identifies the server takes
    /// precedence.
    #[actix_web::test]
    async fn error_names_each_address() {
        let lost =
            race::<(), _>(vec![address(1), address(2), address(3)], Instant::now() + STAGGER * 4, |one| {
                match one == address(1) {
                    true => ready(Err(unreachable("refused"))).boxed_local(),
                    false => pending().boxed_local(),
                }
            });
        let error = lost.await.unwrap_err().into_error("ws://a/".to_owned(), true, |one| one == address(3));
        let ConnectError::Unreachable { source, .. } = &error else { panic!("{error:?}") };
        assert_eq!(
            source.to_string(),
            "192.0.2.1:1: refused; 192.0.2.2:1: did not take the connection in time; \
             192.0.2.3:1: took the connection and did not answer in time"
        );
        let not_http = ConnectError::NotHttp { url: String::new(), said: String::new() };
        let lost = Lost(vec![(address(1), Some(unreachable("refused"))), (address(2), Some(not_http))]);
        assert!(matches!(lost.into_error(String::new(), true, |_| false), ConnectError::NotHttp { .. }));
        let alone = Lost(vec![(address(1), None)]).into_error(String::new(), true, |_| false);
        assert!(matches!(alone, ConnectError::TimedOut { .. }));
    }
}
