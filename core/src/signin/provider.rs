//! The identity provider: what it says about itself, and its keys, fetched and kept.

use std::sync::Arc;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{Request, StatusCode};
use jsonwebtoken::Algorithm;

use super::fetch::fetch;
use super::keys::{Key, KeySet, NoKey};
use super::{FetchError, KeySetError, Metadata, MetadataError, Surroundings};
use crate::ports::{Body, Clock as _};
use crate::shelf::{Look, Shelf};

/// Longest discovery document and key set, in bytes. Real ones have a few thousand.
const MAX_DOCUMENT: usize = 256 * 1024;

/// Why the identity provider cannot be worked with just now.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// No answer came.
    #[error("the identity provider did not answer")]
    Fetch(#[from] FetchError),
    /// It answered with an error, a redirect, or something else than was asked for.
    #[error("the identity provider answered with status {0}")]
    Status(u16),
    /// Its discovery document is of no use.
    #[error("the identity provider's discovery document was refused")]
    Metadata(#[from] MetadataError),
    /// Its key set is of no use.
    #[error("the identity provider's key set was refused")]
    Keys(#[from] KeySetError),
    /// It does not know us, or our secret.
    #[error("the identity provider refused signin.client_id or signin.client_secret")]
    ClientRefused,
    /// It says that it cannot serve anybody just now.
    #[error("the identity provider says that it is unwell")]
    Unwell,
    /// Its answer to a code is not what OAuth 2 says.
    #[error("the identity provider's token answer is malformed")]
    TokenAnswer,
}

/// One identity provider.
pub(super) struct Provider {
    issuer: String,
    metadata: Shelf<Metadata>,
    keys: Shelf<KeySet>,
}

/// Why there is no key.
pub(super) enum KeyError {
    /// The keys cannot be had.
    Provider(ProviderError),
    /// They can, but the right one is not among them.
    NotFound,
}

impl Provider {
    pub(super) const fn new(issuer: String) -> Self {
        Self { issuer, metadata: Shelf::new(), keys: Shelf::new() }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns what the provider says about itself; asks again after ten minutes, and makes do with what it said before
    /// if that fails, for a day.
    pub(super) async fn metadata<S: Surroundings>(&self, surroundings: &S) -> Result<Arc<Metadata>, ProviderError> {
        let known = match self.metadata.look(surroundings.clock().now()) {
            Look::Use(metadata) => return Ok(metadata),
            Look::Fetch(known) => known,
        };
        match self.fetch_metadata(surroundings).await {
            Ok(metadata) => Ok(self.metadata.put(metadata, surroundings.clock().now())),
            Err(error) => {
                self.metadata.note_failure(surroundings.clock().now());
                fall_back(known, error)
            }
        }
    }

    /// Returns what the provider says about itself, for those who can do without: nothing for half a minute after it has
    /// failed to answer, so that not every page waits for a provider that hangs.
    pub(super) async fn metadata_in_passing<S: Surroundings>(&self, surroundings: &S) -> Option<Arc<Metadata>> {
        if self.metadata.is_out(surroundings.clock().now()) {
            return None;
        }
        self.metadata(surroundings).await.ok()
    }

    /// Returns the key of that id. An id that is not known makes the provider be asked anew, at most every
    /// 30 s.
    pub(super) async fn key<S: Surroundings>(
        &self,
        surroundings: &S,
        metadata: &Metadata,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Key, KeyError> {
        let keys = self.keys(surroundings, metadata).await.map_err(KeyError::Provider)?;
        match keys.find(id, algorithm) {
            Ok(key) => return Ok(key.clone()),
            Err(NoKey::Unsuitable) => return Err(KeyError::NotFound),
            Err(NoKey::Unknown) => {}
        }
        if !self.keys.claim(surroundings.clock().now()) {
            return Err(KeyError::NotFound);
        }
        let keys = self.fetch_keys(surroundings, metadata).await.map_err(KeyError::Provider)?;
        keys.find(id, algorithm).cloned().map_err(|_| KeyError::NotFound)
    }

    async fn keys<S: Surroundings>(&self, surroundings: &S, metadata: &Metadata) -> Result<Arc<KeySet>, ProviderError> {
        match self.keys.look(surroundings.clock().now()) {
            Look::Use(keys) => Ok(keys),
            Look::Fetch(known) => {
                self.fetch_keys(surroundings, metadata).await.or_else(|error| fall_back(known, error))
            }
        }
    }

    async fn fetch_keys<S: Surroundings>(
        &self,
        surroundings: &S,
        metadata: &Metadata,
    ) -> Result<Arc<KeySet>, ProviderError> {
        let keys = KeySet::parse(&document(surroundings, metadata.jwks_uri.as_str()).await?)?;
        Ok(self.keys.put(keys, surroundings.clock().now()))
    }

    async fn fetch_metadata<S: Surroundings>(&self, surroundings: &S) -> Result<Metadata, ProviderError> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        Ok(Metadata::parse(&document(surroundings, &url).await?, &self.issuer)?)
    }
}

fn fall_back<T>(known: Option<Arc<T>>, error: ProviderError) -> Result<Arc<T>, ProviderError> {
    let Some(known) = known else { return Err(error) };
    tracing::warn!(error = &error as &dyn std::error::Error, "the identity provider's older answer is used");
    Ok(known)
}

async fn document<S: Surroundings>(surroundings: &S, url: &str) -> Result<Bytes, ProviderError> {
    let request = Request::get(url).header(ACCEPT, "application/json").body(Body::empty());
    // What cannot be a request's target is no endpoint either.
    let request = request.map_err(|_| MetadataError::Malformed)?;
    let answer = fetch(surroundings, request, MAX_DOCUMENT).await?;
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        other => Err(ProviderError::Status(other.as_u16())),
    }
}
