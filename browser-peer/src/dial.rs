//! Connecting.

use std::pin::pin;
use std::sync::Arc;

use distributed_scope_core::frame::VERSION;
use distributed_scope_core::peer::{ConnectError, Endpoint, Platform};
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use wasm_bindgen_futures::spawn_local;

use crate::address;
use crate::carry::carry;
use crate::clock;
use crate::platform::{Connection, Link, Shared};
use crate::policy::Policy;
use crate::socket::{Event, Socket};

/// Connects, resuming `old` if possible, and returns when the session is open.
pub(crate) async fn dial(
    shared: Arc<Shared>,
    endpoint: Endpoint,
    old: Option<Arc<Link>>,
) -> Result<Arc<Link>, ConnectError> {
    let late = shared.platform().sleep_until(clock::now() + shared.limits().handshake_timeout);
    let url = endpoint.to_string();
    let session = async {
        let socket = open(&endpoint, shared.limits().max_queued_bytes).await?;
        tracing::debug!(peer = %shared.id(), %url, "connected");
        let (opened, is_open) = oneshot::channel();
        let connection = Connection::dialled(Arc::clone(&shared), old, opened).wanting(endpoint.wanted());
        let known = socket.known();
        spawn_local(carry(connection, socket));
        match is_open.await {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(reject)) => Err(ConnectError::refused(url.clone(), reject)),
            Err(oneshot::Canceled) => Err(match (known.other_version.get(), known.not_sent.take()) {
                (Some(theirs), _) => ConnectError::Outdated { url: url.clone(), ours: VERSION, theirs },
                (None, Some(text)) => ConnectError::Unreachable { url: url.clone(), source: text.into() },
                (None, None) => ConnectError::Closed { url: url.clone() },
            }),
        }
    };
    match select(pin!(session), late).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(ConnectError::TimedOut { url: url.clone() }),
    }
}

async fn open(endpoint: &Endpoint, limit: usize) -> Result<Socket, ConnectError> {
    let token = endpoint.token(address::is_private(endpoint)?).await?;
    let policy = Policy::watch();
    let socket = Socket::connect(endpoint.url(), token.as_deref(), limit)
        .map_err(|error| address::not_opened(endpoint, &error))?;
    match socket.event().await {
        Event::Open => Ok(socket),
        _ => Err(match (endpoint.to_string(), policy.violated()) {
            (url, Some(policy)) => ConnectError::Forbidden { url, policy },
            // A browser does not report to a page whether the server is unreachable or rejects
            // it.
            (url, None) => ConnectError::Unreachable {
                url,
                source: "the server does not answer or rejects this page; the browser's console shows which"
                    .into(),
            },
        }),
    }
}
