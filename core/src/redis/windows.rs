//! The windows that a call counts in, as scripts are told about them.

use std::sync::{Arc, PoisonError};

use super::keys::{FOR_EVER, Keys, kept};
use super::script::{from_json, json};
use super::{RedisHot, Transport};
use crate::memory::WINDOW_REMEMBERED;
use crate::money::{Calendar, Window, WindowKind};
use crate::ports::{Clock, Random, Unavailable};
use crate::time::Timestamp;

/// The running windows of one moment.
#[derive(Debug)]
pub(super) struct Windows {
    pub(super) calendar: Calendar,
    /// The calendar as leases keep it.
    pub(super) text: String,
    /// What is spent and what is held in each, shortest first.
    pub(super) keys: Vec<String>,
}

/// Returns how scripts count a kind of window, from 1.
pub(super) fn number(kind: WindowKind) -> String {
    let number = match kind {
        WindowKind::Daily => "1",
        WindowKind::Weekly => "2",
        WindowKind::Monthly => "3",
        WindowKind::Total => "4",
    };
    number.to_owned()
}

/// Returns the kind of window that scripts count so.
pub(super) fn numbered(number: &str) -> Option<WindowKind> {
    WindowKind::ALL.into_iter().find(|kind| self::number(*kind) == number)
}

impl Windows {
    pub(super) fn of(calendar: &Calendar, keys: &Keys) -> Result<Self, Unavailable> {
        let ids = || WindowKind::ALL.map(|kind| &calendar.window(kind).id).into_iter();
        let keys = ids().map(|id| keys.spent(id)).chain(ids().map(|id| keys.held(id))).collect();
        Ok(Self { calendar: calendar.clone(), text: json(calendar)?, keys })
    }

    /// Returns for how many seconds from `now` the counters of each window are kept.
    pub(super) fn kept(&self, now: Timestamp) -> [String; 4] {
        WindowKind::ALL.map(|kind| window_kept(self.calendar.window(kind), now))
    }
}

/// Returns for how many seconds from `now` a window's counters are kept.
pub(super) fn window_kept(window: &Window, now: Timestamp) -> String {
    window.end.map_or_else(|| FOR_EVER.to_owned(), |end| kept(end.plus(WINDOW_REMEMBERED), now))
}

impl<T: Transport, C: Clock, R: Random> RedisHot<T, C, R> {
    /// Returns the windows of a call to admit, and remembers them for its end.
    pub(super) fn windows_of(&self, calendar: &Calendar) -> Result<Arc<Windows>, Unavailable> {
        if let Some(windows) = self.latest_windows().filter(|windows| windows.calendar == *calendar) {
            return Ok(windows);
        }
        let windows = Arc::new(Windows::of(calendar, &self.keys)?);
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&windows));
        Ok(windows)
    }

    /// Returns the windows of the last call that was admitted here.
    pub(super) fn latest_windows(&self) -> Option<Arc<Windows>> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the windows that a lease has written down.
    pub(super) fn windows_in(&self, text: &str) -> Result<Arc<Windows>, Unavailable> {
        Ok(Arc::new(Windows::of(&from_json(text)?, &self.keys)?))
    }
}
