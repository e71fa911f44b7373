//! Telling the hot state of everybody's tokens, so that it can count them.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::{Authority, Control};
use crate::admission::{Install, Installed, TokenEntry, UserEntry};
use crate::id::UserId;
use crate::ports::{Admission as _, Cursor, Directory as _, PageRequest, Roster as _, Tally, TokenSearch, Unavailable};
use crate::version::Generation;

/// How many tokens are read and installed at once: the longest page that there is.
const PAGE: u32 = 200;

/// How long a store that counts all tokens is believed to go on doing so, in seconds.
const ASKED_AGAIN: i64 = 60;

/// How often the store may begin another generation, or get no further, before we leave it for the next time.
const MAX_SETBACKS: usize = 4;

impl<A: Authority> Control<A> {
    /// Installs everybody's tokens, with their owners, until the hot state can count them. Returns how many it installed.
    ///
    /// Tokens that are minted meanwhile are installed like any other. How far it came is noted in the hot state after each
    /// page: whoever does it next goes on there.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: the rest is done next time.
    pub async fn enrol(&self) -> Result<usize, Unavailable> {
        let mut enrolled = 0;
        let (mut setbacks, mut before) = (0, None);
        while let Tally::Incomplete { generation, cursor } = self.hot().tally(self.now()).await? {
            let here = Some((generation, cursor.clone()));
            let gets_on = before.as_ref().is_none_or(|(former, _)| *former == generation) && before != here;
            setbacks += usize::from(!gets_on);
            if setbacks > MAX_SETBACKS {
                return Err(Unavailable::timed_out("the hot state"));
            }
            match self.enrol_page(generation, cursor).await? {
                (Installed::Done, tokens) => enrolled += tokens,
                // The next look tells how far it has come in that one.
                (Installed::Stale(_), _) => {}
                (Installed::Unrecovered, _) => self.recover().await?,
            }
            before = here;
        }
        self.enrolled().store(self.now().0, Ordering::Relaxed);
        if enrolled > 0 {
            tracing::debug!(enrolled, "the hot state can count everybody's tokens");
        }
        Ok(enrolled)
    }

    /// Says whether all tokens were counted a moment ago: where nothing happens the store need not be asked every few seconds.
    pub(super) fn was_enrolled_lately(&self) -> bool {
        self.now().0.saturating_sub(self.enrolled().load(Ordering::Relaxed)) < ASKED_AGAIN
    }

    /// Installs the page that comes after `cursor`, and notes that it did. Returns how many tokens it has.
    async fn enrol_page(
        &self,
        generation: Generation,
        cursor: Option<Cursor>,
    ) -> Result<(Installed, usize), Unavailable> {
        let page = PageRequest { limit: PAGE, cursor };
        let search = TokenSearch { prefix: None, expired_after: self.unlisted(), page };
        let page = self.records().all_tokens(&search).await?;
        let owners: BTreeSet<UserId> = page.items.iter().map(|token| token.value.user).collect();
        let owners = self.records().people(&owners.into_iter().collect::<Vec<_>>()).await?;
        let users = owners.iter().map(UserEntry::from).collect();
        let tokens = page.items.iter().map(TokenEntry::from).collect();
        let install = Install { users, tokens, ..Install::nothing(generation) };
        // An empty page is installed, too: it tells whether the store is still the one that was asked.
        let installed = self.hot().install(&install).await?;
        if installed == Installed::Done {
            self.note_generation(generation);
            self.hot().enrolled(generation, page.next.as_ref()).await?;
        }
        Ok((installed, page.items.len()))
    }
}

#[cfg(test)]
mod tests;
