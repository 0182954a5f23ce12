//! What is shown of the agent: the same shapes for the CLI, scripts and the API. Their field names are contracts.

mod connection;
mod link;
mod problems;
mod results;
mod run;
mod schedule;
mod start;
mod status;

pub use connection::{
    ApiView, ClientCertificateView, ConnectionDetail, ConnectionSettings, ConnectionView, HostKeysView, LastTest,
};
pub use link::{LinkDetail, LinkSettings, LinkView};
pub use problems::Problem;
pub use results::{CaseDetail, ImportView};
pub use run::RunDetail;
pub use schedule::{LastRun, ScheduleView, Schedules, SlotView, upcoming};
pub use start::{StartView, UnknownTag};
pub use status::{AgentView, ConfigView, Known, RunsView, StatusView};
