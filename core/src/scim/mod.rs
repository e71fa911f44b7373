//! SCIM 2.0 users (RFC 7643, RFC 7644), as values and functions: how the company's directory tells us who works here.
//!
//! In scope: what a directory may write of a person ([`Resource`]), changes to it ([`Patch`]), questions about people
//! ([`Filter`]), how a person is shown ([`render()`], [`Selection`]), and the documents that say what is served
//! ([`service_provider_config`], [`user_resource_type`], [`user_schema`]).
//!
//! Out of scope: HTTP routes, who may call them, and the records. So are groups as resources of their own, bulk requests,
//! sorting, changes of passwords, and extensions: what clients send of them is read over.

mod body;
mod draft;
mod error;
mod filter;
mod patch;
mod path;
mod render;
mod resource;
mod schema;
mod selection;
#[cfg(test)]
mod testing;

pub use body::{MAX_BODY, parse_body};
pub use error::{ScimError, ScimType};
pub use filter::{Filter, Lookup};
pub use patch::Patch;
pub use render::render;
pub use resource::Resource;
pub use schema::{
    MAX_RESULTS, list_response, resource_types, schemas, service_provider_config, user_resource_type, user_schema,
};
pub use selection::Selection;

/// The schema of users (RFC 7643 §8.7.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
