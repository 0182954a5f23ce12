//! The beat of schedules: one entry of the scheduler a second, which lets the agent look at its own slots.
//!
//! The scheduler never holds an entry a schedule: with thousands due at once it fires some twice and some not at all, and
//! its entries are an hour off after clocks change. What is due is the plan's to know (`plan`), by the rules of
//! `domain::schedule`.

use std::fmt;

use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use super::control::Control;

/// Every second.
const BEAT: &str = "* * * * * *";

/// The beat, once it is going.
pub struct Beat(JobScheduler);

impl Beat {
    pub async fn stop(mut self) {
        if let Err(error) = self.0.shutdown().await {
            tracing::warn!(%error, "failed to stop the beat of schedules");
        }
    }
}

impl fmt::Debug for Beat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Beat")
    }
}

pub async fn start(control: Control) -> Result<Beat, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let beat = move |_, _| {
        control.tick();
    };
    scheduler.add(Job::new(BEAT, beat)?).await?;
    scheduler.start().await?;
    Ok(Beat(scheduler))
}
