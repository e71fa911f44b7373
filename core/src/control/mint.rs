//! Minting a token.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::{Actor, Authority, Control, TooOften, neighbourhood};
use crate::Chain;
use crate::admission::{CalledModel, Caller};
use crate::id::{TokenId, UserId};
use crate::identity::{Role, User};
use crate::ports::{Clock as _, Random as _, Subject, Tokens as _, Unavailable, Users as _, WriteError};
use crate::token::{InvalidName, KeyError, Scope, Scopes, Token, TokenName, TokenState, UnknownScope, sign};

/// Shortest lifetime that may be asked for, in seconds.
const MIN_LIFETIME: u64 = 60;

/// What a person asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintRequest {
    /// The token's name.
    pub token_name: String,
    /// The lifetime in seconds; the configured default if absent. Kept as the literal that came.
    #[serde(default)]
    pub expires_in: Option<serde_json::Number>,
    /// The scopes; `llm` if absent.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
}

/// A token that was just minted: the one moment at which it can be read.
#[derive(Debug)]
pub struct Minted {
    /// What to hand to the person.
    pub secret: SecretString,
    /// What the records keep.
    pub token: Token,
    /// Whose it is.
    pub user: User,
}

/// Why no token was minted.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The name cannot be used.
    #[error("token_name {0}")]
    Name(#[source] InvalidName),
    /// The lifetime is no whole number of seconds, or outside what the configuration allows.
    #[error("expires_in must be a whole number of seconds between {min} and {max}")]
    Lifetime {
        /// The shortest.
        min: u64,
        /// The longest.
        max: u64,
    },
    /// A scope is not known, or none was named.
    #[error("scopes must name at least one of llm, usage:read and admin")]
    Scope,
    /// A scope is beyond the person's role.
    #[error("only an administrator may mint a token with the scope admin")]
    ScopeBeyondRole,
    /// The configuration does not let the person use a scope.
    #[error("you may not have tokens with the scope {0}")]
    ScopeNotAllowed(Scope),
    /// The person may not use the gateway.
    #[error("the account is not active")]
    Inactive,
    /// They mint over and over.
    #[error("too many tokens were minted in the last minute")]
    TooOften(TooOften),
    /// The signing key is unusable.
    #[error("the signing key is unusable")]
    Key(#[source] KeyError),
    /// The record could not be written.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl<A: Authority> Control<A> {
    /// Mints a token for `user`. What the records do not hold was never minted: they are written first.
    ///
    /// # Errors
    ///
    /// [`MintError`]; no token was minted, or at least none that anybody has.
    pub async fn mint(&self, actor: &Actor, user: UserId, request: &MintRequest) -> Result<Minted, MintError> {
        let name = TokenName::parse(&request.token_name).map_err(MintError::Name)?;
        let lifetime = self.lifetime(request.expires_in.as_ref())?;
        let scopes = scopes(request.scopes.as_deref())?;

        let Some(owner) = self.records().user(user).await? else { return Err(MintError::Inactive) };
        if !owner.value.is_active(self.now()) {
            return Err(MintError::Inactive);
        }
        if scopes.contains(Scope::Admin) && self.role(actor, owner.clone()).await? < Role::Admin {
            return Err(MintError::ScopeBeyondRole);
        }
        self.check_access(&owner.value, &scopes)?;
        self.limit_mints(actor, user).await?;
        let owner = owner.value;

        let now = self.clock().now();
        let token = Token {
            id: TokenId::new(now, self.random().bytes()),
            user,
            name,
            scopes,
            created: now.seconds(),
            expiry: now.seconds().plus(lifetime),
            epoch: owner.token_epoch,
            state: TokenState::Live,
            minted_for: Some(owner.email.clone()),
            last_used: None,
        };
        let signer = self.signer().map_err(MintError::Key)?;
        let secret = sign(&token, &self.token_policy(), &signer).ok_or(MintError::Key(KeyError::Weak))?;
        let detail = json!({"name": token.name.as_str(), "scopes": token.scopes.to_string(), "expiry": token.expiry});
        let audit = self.audit(actor, "token.mint", format_args!("token:{}", token.id), detail);
        match self.records().insert_token(&token, &audit).await {
            Ok(()) => {}
            Err(WriteError::Conflict) => return Err(Unavailable::new("records", "a random id was taken").into()),
            Err(WriteError::Unavailable(error)) => return Err(error.into()),
        }
        // Only spares the first call a detour: what the hot state does not know, it asks for.
        if let Err(error) = self.publish(Subject::Token(token.id)).await {
            tracing::debug!(error = %Chain(&error), "a new token is not yet in the hot state");
        }
        Ok(Minted { secret, token, user: owner })
    }

    /// Checks that the configuration lets the person use these scopes: a token that is refused everywhere is of no use.
    fn check_access(&self, owner: &User, scopes: &Scopes) -> Result<(), MintError> {
        let (rules, caller) =
            (self.config().rules(), Caller { email: &owner.email, groups: &owner.groups, token: None });
        let is_denied = |scope: &Scope| rules.about(CalledModel::None, *scope).denial(&caller).is_some();
        scopes.iter().find(is_denied).map_or(Ok(()), |scope| Err(MintError::ScopeNotAllowed(scope)))
    }

    async fn limit_mints(&self, actor: &Actor, user: UserId) -> Result<(), MintError> {
        let limits = &self.config().limits;
        let by_user = self.limit(&format!("mint:{user}"), limits.mints_per_user).await?;
        let address = format!("mint:{}", neighbourhood(&actor.address));
        let by_address = self.limit(&address, limits.mints_per_address).await?;
        by_user.or(by_address).map_or(Ok(()), |too_often| Err(MintError::TooOften(too_often)))
    }

    fn lifetime(&self, literal: Option<&serde_json::Number>) -> Result<i64, MintError> {
        let max = u64::from(self.config().tokens.max_lifetime.0);
        let Some(literal) = literal else { return Ok(self.config().tokens.default_lifetime.get()) };
        let seconds = literal.as_u64().filter(|seconds| (MIN_LIFETIME..=max).contains(seconds));
        let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
        seconds.ok_or(MintError::Lifetime { min: MIN_LIFETIME, max })
    }
}

fn scopes(names: Option<&[String]>) -> Result<Scopes, MintError> {
    let Some(names) = names else { return Ok(Scopes::default()) };
    let scopes: Result<Scopes, UnknownScope> = names.iter().map(|name| name.parse::<Scope>()).collect();
    scopes.ok().filter(|scopes| !scopes.is_empty()).ok_or(MintError::Scope)
}
