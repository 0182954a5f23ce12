//! A look-alike of Azure DevOps on loopback: Git as ever, and the part of REST that goes with it.
//!
//! Organisations, projects and repositories are what lies below the root: `ORGANISATION/PROJECT/_git/REPOSITORY`.
//! Shapes, codes and headers follow the public reference of REST 7.1; where Azure differs from what is written there,
//! it is done as Azure is seen to do it: pages to sign in with status 203, redirects, `Retry-After` with 200.
//! A further part of REST is one more line in the table of `routes.rs`.

mod call;
mod connection;
mod faults;
mod gate;
mod inventory;
mod options;
mod projects;
mod reply;
mod repositories;
mod routes;
mod server;
mod state;
mod version;

pub use faults::AzureFault;
pub use options::{AzureDeployment, AzureOptions, AzureRefusal, AzureScope, AzureScopeRefusal};
pub use server::AzureServer;
