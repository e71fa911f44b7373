//! What the control plane is made of.

use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use crate::config::Config;
use crate::export::Redaction;
use crate::id::{AuditId, UserId};
use crate::ports::{AuditEntry, Clock, Hot, Random, Records};
use crate::time::Timestamp;
use crate::token::{KeyError, KeySet, Signer, TokenPolicy};
use crate::version::Generation;

use super::alert_desk::AlertDesk;
use super::drain::Drains;
use super::export_desk::ExportDesk;
use super::{Actor, Via};

/// The adapters of one control plane.
pub trait Authority: Clone + Send + Sync + 'static {
    /// The durable truth.
    type Records: Records;
    /// The hot state.
    type Hot: Hot;
    /// The clock.
    type Clock: Clock;
    /// The source of randomness.
    type Random: Random;

    /// Returns the records.
    fn records(&self) -> &Self::Records;
    /// Returns the hot state.
    fn hot(&self) -> &Self::Hot;
    /// Returns the clock.
    fn clock(&self) -> &Self::Clock;
    /// Returns the source of randomness.
    fn random(&self) -> &Self::Random;
}

/// The control plane: the only holder of the signing key, and the only writer of records.
pub struct Control<A: Authority>(Arc<Inner<A>>);

struct Inner<A> {
    authority: A,
    config: Arc<Config>,
    keys: RwLock<Arc<KeySet>>,
    generation: RwLock<Generation>,
    /// When the hot state was last seen to count all tokens.
    enrolled: AtomicI64,
    alert_desk: AlertDesk,
    export_desk: ExportDesk,
    /// What is left out of what was said; nothing if the rules cannot be read.
    redaction: OnceLock<Option<Redaction>>,
    /// Whether somebody in this process restores the hot state.
    recovering: AtomicBool,
    drains: Drains,
    /// What this process is called where it shares work with others.
    name: String,
}

impl<A: Authority> Clone for Control<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Authority> std::fmt::Debug for Control<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Control")
    }
}

impl<A: Authority> Control<A> {
    /// Makes a control plane that signs with these keys.
    #[must_use]
    pub fn new(authority: A, config: Arc<Config>, keys: KeySet) -> Self {
        let name = u64::from_be_bytes(authority.random().bytes()).to_string();
        Self::called(name, authority, config, keys)
    }

    /// Makes one that is called so where it shares work with others: whoever comes after it under that name takes over at once.
    #[must_use]
    pub fn called(name: String, authority: A, config: Arc<Config>, keys: KeySet) -> Self {
        Self(Arc::new(Inner {
            authority,
            config,
            keys: RwLock::new(Arc::new(keys)),
            generation: RwLock::new(Generation(0)),
            enrolled: AtomicI64::new(i64::MIN),
            alert_desk: AlertDesk::default(),
            export_desk: ExportDesk::default(),
            redaction: OnceLock::new(),
            recovering: AtomicBool::new(false),
            drains: Drains::default(),
            name,
        }))
    }

    /// Signs with other keys from now on.
    pub fn replace_keys(&self, keys: KeySet) {
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    pub(crate) fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn signer(&self) -> Result<Signer, KeyError> {
        self.keys().signer()
    }

    /// Returns what cursors are sealed with, and then what they were and will be sealed with: processes learn of other keys at
    /// other times.
    pub(crate) fn cursor_secrets(&self) -> Vec<[u8; 32]> {
        self.keys().secrets("cursor")
    }

    pub(super) fn token_policy(&self) -> TokenPolicy {
        TokenPolicy { issuer: self.config().public_url().origin(), max_lifetime: self.config().tokens.max_lifetime.0 }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// Returns what is left out of what was said, before other systems are told; `None` if the rules cannot be read.
    pub(super) fn redaction(&self) -> Option<&Redaction> {
        let read = || {
            let read = Redaction::of(&self.config().content);
            read.inspect_err(|error| tracing::error!(%error, "exporters are not told what was said")).ok()
        };
        self.0.redaction.get_or_init(read).as_ref()
    }

    pub(crate) fn records(&self) -> &A::Records {
        self.0.authority.records()
    }

    pub(crate) fn hot(&self) -> &A::Hot {
        self.0.authority.hot()
    }

    pub(crate) fn clock(&self) -> &A::Clock {
        self.0.authority.clock()
    }

    pub(super) fn random(&self) -> &A::Random {
        self.0.authority.random()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock().now().seconds()
    }

    /// How long the hot state may take to answer.
    pub(crate) fn deadline(&self) -> Duration {
        self.config().admission.deadline()
    }

    pub(super) fn generation(&self) -> Generation {
        *self.0.generation.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note_generation(&self, generation: Generation) {
        *self.0.generation.write().unwrap_or_else(PoisonError::into_inner) = generation;
    }

    /// When the hot state was last seen to count all tokens, in seconds.
    pub(super) fn enrolled(&self) -> &AtomicI64 {
        &self.0.enrolled
    }

    pub(super) fn alert_desk(&self) -> &AlertDesk {
        &self.0.alert_desk
    }

    pub(super) fn export_desk(&self) -> &ExportDesk {
        &self.0.export_desk
    }

    pub(super) fn recovering(&self) -> &AtomicBool {
        &self.0.recovering
    }

    pub(super) fn drains(&self) -> &Drains {
        &self.0.drains
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// Writes down what `actor` is about to do.
    pub(super) fn audit(
        &self,
        actor: &Actor,
        action: &str,
        target: impl std::fmt::Display,
        detail: serde_json::Value,
    ) -> AuditEntry {
        let now = self.clock().now();
        AuditEntry {
            id: AuditId::new(now, self.random().bytes()),
            at: now.seconds(),
            actor: actor.name(),
            action: action.to_owned(),
            target: target.to_string(),
            detail,
            request: actor.request.clone(),
            address: actor.address.clone(),
        }
    }
}

impl Actor {
    /// Returns the person, unless it is the front itself or the directory.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self.via {
            Via::Session { user, .. } | Via::Bearer { user, .. } => Some(user),
            Via::Directory | Via::Front => None,
        }
    }

    /// Returns what the audit log calls them: a user's id, `directory` or `system`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.via {
            Via::Session { user, .. } | Via::Bearer { user, .. } => user.to_string(),
            Via::Directory => "directory".to_owned(),
            Via::Front => "system".to_owned(),
        }
    }
}
