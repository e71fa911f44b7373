//! The one table of routes. Both routers are built from it, and so are the tests of who may call what.

use http::Method;

use crate::identity::Role;
use crate::token::Scope;

/// One route.
#[derive(Debug, Clone)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, in axum's syntax.
    pub path: &'static str,
    /// Who may call it.
    pub gate: Gate,
    /// Who answers it.
    pub endpoint: Endpoint,
}

/// Who may call a route. A change by a session also has to come from our own pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Everybody.
    Open,
    /// A browser session; others are sent to sign in.
    Page,
    /// The same, of somebody who has that role at least. The page learns who they are.
    PageFor(Role),
    /// A browser session.
    Session,
    /// An API token with the scope. The call is decided by admission.
    Bearer(Scope),
    /// A browser session, or an API token with the scope.
    SessionOr(Scope),
    /// An administrator, by browser session, or by an API token with the scope `admin`. Only the control plane knows who is one.
    Admin,
    /// A super administrator, in the same ways.
    SuperAdmin,
    /// The company's directory, by the secret that it has for that (RFC 7644 §2).
    Directory,
    /// The front itself; never reachable from outside.
    Front,
}

impl std::fmt::Display for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Page | Self::PageFor(Role::User) => f.write_str("page"),
            Self::PageFor(Role::Admin) => f.write_str("page for administrator"),
            Self::PageFor(Role::SuperAdmin) => f.write_str("page for super administrator"),
            Self::Session => f.write_str("session"),
            Self::Bearer(scope) => write!(f, "token {}", scope.name()),
            Self::SessionOr(scope) => write!(f, "session or token {}", scope.name()),
            Self::Admin => f.write_str("administrator"),
            Self::SuperAdmin => f.write_str("super administrator"),
            Self::Directory => f.write_str("directory"),
            Self::Front => f.write_str("front"),
        }
    }
}

/// Who answers a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// The front.
    Front(FrontEndpoint),
    /// The control plane. The front passes the request on once the gate has opened.
    Control(ControlEndpoint),
}

/// What the front answers by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrontEndpoint {
    /// The process lives.
    Liveness,
    /// The stores answer.
    Readiness,
    /// The public keys of our tokens.
    Jwks,
    /// The sign-in page, or the way to the token page.
    Home,
    /// The sign-in page.
    SignInPage,
    /// The token page.
    TokenPage,
    /// The page of what one has used.
    UsagePage,
    /// The page of everybody's tokens and sessions.
    Dashboard,
    /// The page of the administrators.
    AdministratorPage,
    /// The pages' files.
    Asset,
    /// Starts a sign-in.
    SignInStart,
    /// Ends a sign-in.
    SignInCallback,
    /// Asks before signing out.
    SignOutPage,
    /// Signs out.
    SignOut,
    /// The identity provider says that a session is over.
    BackchannelLogout,
    /// Who is signed in, as oauth2-proxy tells it.
    UserInfo,
    /// The same in headers, for another server's question whether to serve somebody.
    Auth,
    /// A model call.
    ModelCall,
    /// The models that can be called.
    Models,
    /// The caller's own spending, as Claude Code asks for it.
    ClientUsage,
}

/// What the control plane answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlEndpoint {
    /// Who the caller is.
    Me,
    /// What the caller used and spent.
    OwnUsage,
    /// What everybody used and spent.
    Usage,
    /// The same as a table.
    UsageTable,
    /// Mints a token.
    Generate,
    /// Lists the caller's tokens.
    List,
    /// Tells about one token.
    Info,
    /// Revokes one token.
    Revoke,
    /// Revokes all of the caller's tokens.
    RevokeAll,
    /// Counts people, sessions and tokens.
    Overview,
    /// Lists everybody's tokens.
    Everybodys,
    /// Revokes somebody's token.
    RevokeAnybodys,
    /// Revokes all of somebody's tokens.
    RevokeUser,
    /// Lists the caller's sessions.
    OwnSessions,
    /// Ends one of the caller's sessions.
    EndOwnSession,
    /// Ends all of the caller's sessions.
    SignOutEverywhere,
    /// Lists everybody's sessions.
    Sessions,
    /// Counts sessions.
    SessionStats,
    /// Lists people who were seen in the last day.
    ActiveUsers,
    /// Ends somebody's session.
    EndSession,
    /// Ends all of somebody's sessions.
    EndUserSessions,
    /// Lists people.
    People,
    /// Suspends somebody.
    Suspend,
    /// Lifts a suspension.
    Lift,
    /// Lifts a suspension, as the old API has it.
    LiftByPath,
    /// Restores somebody who was removed.
    RestorePerson,
    /// Frees an address of the role lists.
    Unpin,
    /// Erases what tells who somebody is.
    Erase,
    /// Lists budgets.
    Budgets,
    /// Sets a budget.
    SetBudget,
    /// Takes a budget away.
    RemoveBudget,
    /// Sets somebody's budget, as LiteLLM has it.
    NewCustomer,
    /// Changes it.
    UpdateCustomer,
    /// Tells about somebody.
    Customer,
    /// Lists people who have a budget.
    Customers,
    /// Lists administrators.
    Administrators,
    /// Makes somebody an administrator.
    Grant,
    /// Takes that back.
    Ungrant,
    /// Lists audit entries.
    AuditLog,
    /// The same as a table.
    AuditTable,
    /// What the service for directories can do.
    ScimConfig,
    /// The types of resources that it has.
    ScimTypes,
    /// One of them.
    ScimType,
    /// Their schemas.
    ScimSchemas,
    /// One of them.
    ScimSchema,
    /// Lists people whom the directory has told of.
    ScimUsers,
    /// The same, asked for in a body.
    ScimSearch,
    /// Takes somebody in.
    ScimCreate,
    /// Shows one of them.
    ScimShow,
    /// Replaces what is known of somebody.
    ScimReplace,
    /// Changes some of it.
    ScimPatch,
    /// Removes somebody.
    ScimDelete,
    /// Notes that a sign-in was refused.
    SignInRefused,
    /// Ends the sessions that the identity provider says are over.
    ProviderLogout,
    /// Records a sign-in.
    SignIn,
    /// Tells the hot state what it does not know.
    Restore,
    /// The public keys of our tokens.
    Keys,
    /// The records answer.
    Ready,
}

const fn front(method: Method, path: &'static str, gate: Gate, endpoint: FrontEndpoint) -> Route {
    Route { method, path, gate, endpoint: Endpoint::Front(endpoint) }
}

const fn control(method: Method, path: &'static str, gate: Gate, endpoint: ControlEndpoint) -> Route {
    Route { method, path, gate, endpoint: Endpoint::Control(endpoint) }
}

/// Every route there is.
pub const ROUTES: &[Route] = &[
    front(Method::GET, "/healthz", Gate::Open, FrontEndpoint::Liveness),
    front(Method::GET, "/health", Gate::Open, FrontEndpoint::Liveness),
    front(Method::GET, "/readyz", Gate::Open, FrontEndpoint::Readiness),
    front(Method::GET, "/.well-known/jwks.json", Gate::Open, FrontEndpoint::Jwks),
    front(Method::GET, "/", Gate::Open, FrontEndpoint::Home),
    front(Method::GET, "/token-manager", Gate::PageFor(Role::User), FrontEndpoint::TokenPage),
    front(Method::GET, "/usage", Gate::PageFor(Role::User), FrontEndpoint::UsagePage),
    front(Method::GET, "/token-session-manager", Gate::PageFor(Role::Admin), FrontEndpoint::Dashboard),
    front(Method::GET, "/admin-manager", Gate::PageFor(Role::SuperAdmin), FrontEndpoint::AdministratorPage),
    front(Method::GET, "/assets/{name}", Gate::Open, FrontEndpoint::Asset),
    front(Method::GET, "/oauth2/sign_in", Gate::Open, FrontEndpoint::SignInPage),
    front(Method::GET, "/oauth2/start", Gate::Open, FrontEndpoint::SignInStart),
    front(Method::GET, "/oauth2/callback", Gate::Open, FrontEndpoint::SignInCallback),
    front(Method::GET, "/oauth2/sign_out", Gate::Open, FrontEndpoint::SignOutPage),
    front(Method::POST, "/oauth2/sign_out", Gate::Page, FrontEndpoint::SignOut),
    front(Method::POST, "/oauth2/backchannel-logout", Gate::Open, FrontEndpoint::BackchannelLogout),
    front(Method::GET, "/oauth2/userinfo", Gate::Session, FrontEndpoint::UserInfo),
    front(Method::GET, "/oauth2/auth", Gate::Session, FrontEndpoint::Auth),
    front(Method::POST, "/v1/messages", Gate::Bearer(Scope::Llm), FrontEndpoint::ModelCall),
    front(Method::POST, "/v1/messages/count_tokens", Gate::Bearer(Scope::Llm), FrontEndpoint::ModelCall),
    front(Method::POST, "/v1/chat/completions", Gate::Bearer(Scope::Llm), FrontEndpoint::ModelCall),
    front(Method::POST, "/v1/responses", Gate::Bearer(Scope::Llm), FrontEndpoint::ModelCall),
    front(Method::POST, "/v1/embeddings", Gate::Bearer(Scope::Llm), FrontEndpoint::ModelCall),
    front(Method::GET, "/v1/models", Gate::Bearer(Scope::Llm), FrontEndpoint::Models),
    front(Method::GET, "/api/oauth/usage", Gate::Bearer(Scope::Llm), FrontEndpoint::ClientUsage),
    control(Method::GET, "/api/me", Gate::SessionOr(Scope::UsageRead), ControlEndpoint::Me),
    control(Method::GET, "/api/usage/me", Gate::SessionOr(Scope::UsageRead), ControlEndpoint::OwnUsage),
    control(Method::POST, "/api/token/generate", Gate::Session, ControlEndpoint::Generate),
    control(Method::GET, "/api/token/list", Gate::Session, ControlEndpoint::List),
    control(Method::GET, "/api/token/info", Gate::Session, ControlEndpoint::Info),
    control(Method::POST, "/api/token/revoke", Gate::Session, ControlEndpoint::Revoke),
    control(Method::POST, "/api/token/revoke-all", Gate::Session, ControlEndpoint::RevokeAll),
    control(Method::GET, "/api/admin/overview", Gate::Admin, ControlEndpoint::Overview),
    control(Method::GET, "/api/admin/tokens", Gate::Admin, ControlEndpoint::Everybodys),
    control(Method::DELETE, "/api/admin/tokens/{token_id}", Gate::Admin, ControlEndpoint::RevokeAnybodys),
    control(Method::POST, "/api/admin/tokens/revoke-user", Gate::Admin, ControlEndpoint::RevokeUser),
    control(Method::GET, "/api/me/sessions", Gate::Session, ControlEndpoint::OwnSessions),
    control(Method::DELETE, "/api/me/sessions/{session_key}", Gate::Session, ControlEndpoint::EndOwnSession),
    control(Method::POST, "/api/me/sign-out-everywhere", Gate::Session, ControlEndpoint::SignOutEverywhere),
    control(Method::GET, "/api/admin/sessions", Gate::Admin, ControlEndpoint::Sessions),
    control(Method::GET, "/api/admin/sessions/stats", Gate::Admin, ControlEndpoint::SessionStats),
    control(Method::GET, "/api/admin/sessions/active-users", Gate::Admin, ControlEndpoint::ActiveUsers),
    control(Method::DELETE, "/api/admin/sessions/{session_key}", Gate::Admin, ControlEndpoint::EndSession),
    control(Method::POST, "/api/admin/sessions/revoke-user", Gate::Admin, ControlEndpoint::EndUserSessions),
    control(Method::DELETE, "/api/admin/sessions/unban/{email}", Gate::Admin, ControlEndpoint::LiftByPath),
    control(Method::GET, "/api/admin/users", Gate::Admin, ControlEndpoint::People),
    control(Method::POST, "/api/admin/users/ban", Gate::Admin, ControlEndpoint::Suspend),
    control(Method::POST, "/api/admin/users/unban", Gate::Admin, ControlEndpoint::Lift),
    control(Method::POST, "/api/admin/users/restore", Gate::Admin, ControlEndpoint::RestorePerson),
    control(Method::POST, "/api/admin/users/unpin", Gate::SuperAdmin, ControlEndpoint::Unpin),
    control(Method::DELETE, "/api/admin/users/{whom}", Gate::SuperAdmin, ControlEndpoint::Erase),
    control(Method::GET, "/api/admin/budgets", Gate::Admin, ControlEndpoint::Budgets),
    control(Method::PUT, "/api/admin/budgets", Gate::Admin, ControlEndpoint::SetBudget),
    control(Method::DELETE, "/api/admin/budgets", Gate::Admin, ControlEndpoint::RemoveBudget),
    control(Method::POST, "/customer/new", Gate::Admin, ControlEndpoint::NewCustomer),
    control(Method::POST, "/customer/update", Gate::Admin, ControlEndpoint::UpdateCustomer),
    control(Method::GET, "/customer/info", Gate::Admin, ControlEndpoint::Customer),
    control(Method::GET, "/customer/list", Gate::Admin, ControlEndpoint::Customers),
    control(Method::GET, "/api/admin/usage", Gate::Admin, ControlEndpoint::Usage),
    control(Method::GET, "/api/admin/usage.csv", Gate::Admin, ControlEndpoint::UsageTable),
    control(Method::GET, "/api/admin/manage", Gate::SuperAdmin, ControlEndpoint::Administrators),
    control(Method::POST, "/api/admin/manage", Gate::SuperAdmin, ControlEndpoint::Grant),
    control(Method::DELETE, "/api/admin/manage", Gate::SuperAdmin, ControlEndpoint::Ungrant),
    control(Method::GET, "/api/admin/audit", Gate::Admin, ControlEndpoint::AuditLog),
    control(Method::GET, "/api/admin/audit.csv", Gate::Admin, ControlEndpoint::AuditTable),
    control(Method::GET, "/scim/v2/ServiceProviderConfig", Gate::Directory, ControlEndpoint::ScimConfig),
    control(Method::GET, "/scim/v2/ResourceTypes", Gate::Directory, ControlEndpoint::ScimTypes),
    control(Method::GET, "/scim/v2/ResourceTypes/{id}", Gate::Directory, ControlEndpoint::ScimType),
    control(Method::GET, "/scim/v2/Schemas", Gate::Directory, ControlEndpoint::ScimSchemas),
    control(Method::GET, "/scim/v2/Schemas/{id}", Gate::Directory, ControlEndpoint::ScimSchema),
    control(Method::GET, "/scim/v2/Users", Gate::Directory, ControlEndpoint::ScimUsers),
    control(Method::POST, "/scim/v2/.search", Gate::Directory, ControlEndpoint::ScimSearch),
    control(Method::POST, "/scim/v2/Users/.search", Gate::Directory, ControlEndpoint::ScimSearch),
    control(Method::POST, "/scim/v2/Users", Gate::Directory, ControlEndpoint::ScimCreate),
    control(Method::GET, "/scim/v2/Users/{id}", Gate::Directory, ControlEndpoint::ScimShow),
    control(Method::PUT, "/scim/v2/Users/{id}", Gate::Directory, ControlEndpoint::ScimReplace),
    control(Method::PATCH, "/scim/v2/Users/{id}", Gate::Directory, ControlEndpoint::ScimPatch),
    control(Method::DELETE, "/scim/v2/Users/{id}", Gate::Directory, ControlEndpoint::ScimDelete),
    control(Method::POST, "/internal/sign-in-refused", Gate::Front, ControlEndpoint::SignInRefused),
    control(Method::POST, "/internal/provider-logout", Gate::Front, ControlEndpoint::ProviderLogout),
    control(Method::POST, "/internal/sign-in", Gate::Front, ControlEndpoint::SignIn),
    control(Method::POST, "/internal/restore", Gate::Front, ControlEndpoint::Restore),
    control(Method::GET, "/internal/keys", Gate::Front, ControlEndpoint::Keys),
    control(Method::GET, "/internal/ready", Gate::Front, ControlEndpoint::Ready),
];
