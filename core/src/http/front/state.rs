//! What a front is made of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::admission::{Recent, Rules};
use crate::config::{Config, ConfigError, PublicUrl};
use crate::money::{Budget, Calendar, Estimator};
use crate::ports::{Clock as _, Platform};
use crate::session::CookiePolicy;
use crate::shelf::Shelf;
use crate::signin::RelyingParty;
use crate::time::{Millis, Timestamp};
use crate::token::{PublicKeys, TokenPolicy, Verifier};
use crate::upstream::Catalog;

/// One front, shared by its handlers.
pub struct Front<P: Platform>(Arc<Inner<P>>);

struct Inner<P> {
    platform: P,
    config: Arc<Config>,
    verifier: Verifier,
    recent: Recent,
    keys: Shelf<PublicKeys>,
    relying_party: RelyingParty,
    catalog: Catalog,
    estimator: Mutex<Estimator>,
    budgets: Arc<[Budget]>,
    rules: Rules,
    time_zone: jiff::tz::TimeZone,
}

impl<P: Platform> Clone for Front<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Platform> std::fmt::Debug for Front<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Front")
    }
}

impl<P: Platform> Front<P> {
    /// Makes a front. Which keys it believes, the control plane tells.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if nobody could sign in.
    pub fn new(platform: P, config: Arc<Config>) -> Result<Self, ConfigError> {
        let policy = TokenPolicy { issuer: config.public_url().origin(), max_lifetime: config.tokens.max_lifetime.0 };
        let deadline = config.admission.deadline();
        let relying_party = RelyingParty::new(config.signin.clone(), config.public_url().url().clone(), deadline)?;
        Ok(Self(Arc::new(Inner {
            platform,
            verifier: Verifier::new(policy, PublicKeys::default()),
            recent: Recent::new(config.admission.freshness()),
            keys: Shelf::new(),
            relying_party,
            catalog: Catalog::of(&config)?,
            estimator: Mutex::default(),
            budgets: config.budgets().into(),
            rules: config.rules(),
            time_zone: config.time_zone(),
            config,
        })))
    }

    pub(super) fn platform(&self) -> &P {
        &self.0.platform
    }

    pub(super) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(super) fn public_url(&self) -> &PublicUrl {
        self.0.config.public_url()
    }

    pub(super) fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    pub(super) fn recent(&self) -> &Recent {
        &self.0.recent
    }

    pub(super) fn keys(&self) -> &Shelf<PublicKeys> {
        &self.0.keys
    }

    pub(super) fn relying_party(&self) -> &RelyingParty {
        &self.0.relying_party
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    pub(super) fn cookies(&self) -> CookiePolicy {
        CookiePolicy::of(self.public_url().url())
    }

    pub(super) fn estimator(&self) -> MutexGuard<'_, Estimator> {
        self.0.estimator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn budgets(&self) -> Arc<[Budget]> {
        Arc::clone(&self.0.budgets)
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.0.rules
    }

    pub(super) fn calendar(&self, now: Timestamp) -> Calendar {
        Calendar::at(now, &self.0.time_zone)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now_ms().seconds()
    }

    pub(super) fn now_ms(&self) -> Millis {
        self.0.platform.clock().now()
    }

    /// How long the hot state may take to answer.
    pub(super) fn deadline(&self) -> Duration {
        self.0.config.admission.deadline()
    }
}
