//! Speaks Azure DevOps REST, on Services and on a Server: who a token belongs to, and whether it may read a repository.
//!
//! A crate of its own so that nothing but a delegate can reach the provider's API, and so that it cannot speak Git. It
//! goes the way out that `suitesync-reach` gives it, with the same trust, proxy and time limits as Git.
//!
//! From the wire up: `exchange` is one request with its answer, `verdict` decides what an answer
//! means, `version` and `pace` read what a server demands of the next request, `servers` remembers that, and `api` asks
//! by all of them. On that stands a file for each thing that is asked: `identity`, `repository`, `location`; `probe`
//! puts them together. A further one, such as service hooks or statuses, is a further file and a `Resource` there.

mod address;
mod api;
mod authorization;
mod exchange;
mod identity;
mod location;
mod pace;
mod probe;
mod repository;
mod resource;
mod servers;
mod settings;
mod verdict;
mod version;

pub use address::ApiAddress;
pub use api::Api;
pub use probe::ApiReport;
pub use repository::{Project, Repository};
pub use servers::Servers;
pub use settings::ApiSettings;
