//! Telling the hot state what the records hold, so that a change is in effect everywhere before it is answered.

use super::{Authority, Control, RestoreRequest};
use crate::Chain;
use crate::admission::{BudgetsEntry, Install, Installed, TokenEntry, UserEntry};
use crate::ports::{Admission as _, Budgets as _, Outbox as _, Subject, Tokens as _, Unavailable, Users as _, within};
use crate::version::Version;

/// How often a store may start a new life while one record is being published, before we call it broken.
const MAX_GENERATIONS: usize = 4;

impl<A: Authority> Control<A> {
    /// Applies a changed record to the hot state. Once this is `Ok`, no request is admitted against it.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: the record stays in the outbox, and [`Control::apply_outbox`] tries again.
    pub async fn publish(&self, subject: Subject) -> Result<(), Unavailable> {
        let version = self.tell(subject).await?;
        self.forget(subject, version).await
    }

    /// Has the hot state know a record as it is now; returns the version.
    pub(super) async fn tell(&self, subject: Subject) -> Result<Option<Version>, Unavailable> {
        let mut generation = self.generation();
        for _ in 0..MAX_GENERATIONS {
            // Read afresh for each generation.
            let mut install = Install::nothing(generation);
            let version = match subject {
                Subject::User(id) => {
                    let user = self.records().user(id).await?;
                    install.users.extend(user.as_ref().map(UserEntry::from));
                    user.map(|user| user.version)
                }
                Subject::Token(id) => {
                    let token = self.records().token(id).await?;
                    install.tokens.extend(token.as_ref().map(TokenEntry::from));
                    token.map(|token| token.version)
                }
                Subject::Budgets => {
                    let book = self.records().budget_book().await?;
                    install.budgets = Some(BudgetsEntry::from(&book));
                    Some(book.version)
                }
            };
            match self.install(&install).await? {
                Installed::Done => return Ok(version),
                Installed::Stale(current) => generation = current,
                Installed::Unrecovered => self.recover_in_time().await?,
            }
        }
        Err(Unavailable::timed_out("the hot state"))
    }

    /// Tells the hot state about a user, and a token, that it does not know, and about the budgets, which it may not know
    /// either. Says whether the records know them.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn restore(&self, request: &RestoreRequest) -> Result<bool, Unavailable> {
        let mut generation = request.generation;
        for _ in 0..MAX_GENERATIONS {
            let Some(user) = self.records().user(request.user).await? else { return Ok(false) };
            let mut install = Install { users: vec![UserEntry::from(&user)], ..Install::nothing(generation) };
            if let Some(id) = request.token {
                let Some(token) = self.records().token(id).await? else { return Ok(false) };
                install.tokens.push(TokenEntry::from(&token));
            }
            install.budgets = Some(BudgetsEntry::from(&self.records().budget_book().await?));
            match self.install(&install).await? {
                Installed::Done => return Ok(true),
                Installed::Stale(current) => generation = current,
                Installed::Unrecovered => self.recover_in_time().await?,
            }
        }
        Err(Unavailable::timed_out("the hot state"))
    }

    /// Recovers the hot state while somebody waits; if that takes longer, the upkeep goes on with it.
    async fn recover_in_time(&self) -> Result<(), Unavailable> {
        within(self.clock(), self.deadline(), "the hot state", Box::pin(self.recover())).await
    }

    async fn install(&self, install: &Install) -> Result<Installed, Unavailable> {
        let call = self.hot().install(install);
        let installed = within(self.clock(), self.deadline(), "the hot state", call).await?;
        self.note_generation(match installed {
            Installed::Done | Installed::Unrecovered => install.generation,
            Installed::Stale(current) => current,
        });
        Ok(installed)
    }

    /// The change is in effect. A row that stays behind costs one more installation, so failing here is no failure.
    async fn forget(&self, subject: Subject, version: Option<Version>) -> Result<(), Unavailable> {
        if let Some(version) = version
            && let Err(error) = self.records().applied(subject, version).await
        {
            tracing::warn!(error = %Chain(&error), "a published change stays in the outbox");
        }
        Ok(())
    }
}
