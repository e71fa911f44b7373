//! What signing in needs of a platform.

use crate::ports::{Clock, Http, OneTime, Platform, Random};

/// The part of a [`Platform`] that signing in uses; every platform has it.
pub trait Surroundings: Sync {
    /// The HTTP client.
    type Http: Http;
    /// The clock.
    type Clock: Clock;
    /// The source of randomness.
    type Random: Random;
    /// What keeps flows until the browser comes back.
    type OneTime: OneTime + Sync;

    /// Returns the HTTP client.
    fn http(&self) -> &Self::Http;
    /// Returns the clock.
    fn clock(&self) -> &Self::Clock;
    /// Returns the source of randomness.
    fn random(&self) -> &Self::Random;
    /// Returns what keeps flows.
    fn one_time(&self) -> &Self::OneTime;
}

impl<P: Platform> Surroundings for P {
    type Http = P::Http;
    type Clock = P::Clock;
    type Random = P::Random;
    type OneTime = P::Hot;

    fn http(&self) -> &P::Http {
        Platform::http(self)
    }

    fn clock(&self) -> &P::Clock {
        Platform::clock(self)
    }

    fn random(&self) -> &P::Random {
        Platform::random(self)
    }

    fn one_time(&self) -> &P::Hot {
        self.hot()
    }
}
