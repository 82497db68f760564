//! Fetches the keys that an issuer publishes.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use awc::http::Uri;
use distributed_scope_actor_peer::Endpoint;
use distributed_scope_actor_peer::internal::is_this_machine;
use distributed_scope_core::Moment;
use parking_lot::Mutex;

use super::algorithm::Algorithm;
use super::cache::{Cache, Next};
use super::error::TokenError;
use super::key::Key;
use super::key_error::KeyError;
use super::key_set::KeySet;

/// Larger than any key set that there is.
const LARGEST: usize = 256 << 10;

/// The timeout of the issuer's answer. A client waits for it.
const PATIENCE: Duration = Duration::from_secs(3);

/// The time of this crate's clock.
fn now() -> Moment {
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    Moment::after_origin(ORIGIN.elapsed())
}

pub(super) struct Published {
    algorithm: Algorithm,
    url: Uri,
    shown: String,
    cache: Mutex<Cache>,
    /// Held while keys are fetched, so that many concurrent clients cause only one request. A
    /// client whose key is cached does not wait.
    fetching: tokio::sync::Mutex<()>,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Published {
    pub(super) fn new(algorithm: Algorithm, url: &str) -> Result<Self, KeyError> {
        // Errors and the log show the URL like that of an endpoint: without parts that may be
        // secret.
        let shown = Endpoint::new(url).to_string();
        let uri: Uri = url.parse().map_err(|_| KeyError::Url(shown.clone()))?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| KeyError::Url(shown.clone()))?;
        match uri.scheme_str() {
            Some("https") if cfg!(feature = "rustls") => {}
            Some("https") => return Err(KeyError::NoTls(shown)),
            Some("http") if is_this_machine(host) => {}
            Some("http") => return Err(KeyError::Plaintext(shown)),
            _ => return Err(KeyError::Url(shown)),
        }
        if algorithm == Algorithm::Hs256 {
            return Err(KeyError::NotPublic);
        }
        Ok(Self {
            algorithm,
            url: uri,
            shown,
            cache: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
            #[cfg(feature = "rustls")]
            tls: None,
        })
    }

    #[cfg(feature = "rustls")]
    pub(super) fn trusting(mut self, config: rustls::ClientConfig) -> Self {
        self.tls = Some(distributed_scope_actor_peer::internal::for_http(config));
        self
    }

    pub(super) async fn find(&self, id: Option<&str>) -> Result<Arc<Key>, TokenError> {
        if let Some(found) = self.known(id) {
            return found;
        }
        let _one_at_a_time = self.fetching.lock().await;
        // Another client may have fetched them meanwhile.
        if let Some(found) = self.known(id) {
            return found;
        }
        let keys = match self.fetch().await {
            Ok(keys) => Some(keys),
            Err(error) => {
                tracing::warn!(url = self.shown, %error, "cannot fetch the keys of a token issuer");
                None
            }
        };
        self.cache.lock().fetched(keys, now());
        self.known(id).unwrap_or(Err(TokenError::Keys))
    }

    /// `None` if the keys have to be fetched to know.
    fn known(&self, id: Option<&str>) -> Option<Result<Arc<Key>, TokenError>> {
        match self.cache.lock().find(id, now()) {
            Next::Use(key) => Some(Ok(key)),
            Next::Unknown => Some(Err(TokenError::Key)),
            Next::Unavailable => Some(Err(TokenError::Keys)),
            Next::Fetch => None,
        }
    }

    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let request = async {
            let mut answer = self.request()?.send().await.map_err(FetchError::of)?;
            if !answer.status().is_success() {
                return Err(FetchError(format!("it answered with HTTP status {}", answer.status())));
            }
            let body = answer.body().limit(LARGEST).await.map_err(FetchError::of)?;
            KeySet::parse(self.algorithm, &body).map_err(FetchError::of)
        };
        tokio::time::timeout(PATIENCE, request).await.map_err(FetchError::of)?
    }

    /// Redirects are not followed: they could lead away from TLS.
    fn request(&self) -> Result<awc::ClientRequest, FetchError> {
        let connector = awc::Connector::new().timeout(PATIENCE);
        #[cfg(feature = "rustls")]
        let connector = match (self.url.scheme_str(), &self.tls) {
            (Some("https"), Some(config)) => connector.rustls_0_23(Arc::clone(config)),
            (Some("https"), None) => connector
                .rustls_0_23(distributed_scope_actor_peer::internal::usual_client().map_err(FetchError::of)?),
            _ => connector,
        };
        let client =
            awc::Client::builder().connector(connector).disable_redirects().timeout(PATIENCE).finish();
        Ok(client.get(&self.url))
    }
}

/// Why keys could not be fetched, for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct FetchError(String);

impl FetchError {
    fn of(error: impl std::error::Error) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret parts of a key URL appear in no error.
    #[test]
    fn secrets_of_address_are_not_shown() {
        for url in [
            "http://user:hunter2@issuer.example.com/keys?sig=hunter2",
            "ftp://user:hunter2@issuer.example.com/keys",
            "https:///keys?sig=hunter2",
            "user:hunter2@issuer.example.com/keys",
            "not a url?sig=hunter2",
        ] {
            let error = Published::new(Algorithm::EdDsa, url).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
