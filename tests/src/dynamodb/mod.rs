//! Amazon's own `DynamoDB` Local, and a way to it on which things go wrong as they do in the cloud.

mod server;
mod shim;

pub use server::DynamoDb;
pub use shim::{DynamoShim, Fault};
