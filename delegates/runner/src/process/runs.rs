//! The runs that are under way in this process, which share what it adopts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::RunOrder;
use super::brand::Brand;
use super::containment::{Family, Swept};
use super::control_group::ControlGroup;
use super::family::Company;
use super::table::ProcessId;

/// How many there are. A run is counted before its first process is started and until nothing of it is left: a subreaper
/// is one to the whole process, whoever asked for it.
static UNDERWAY: AtomicUsize = AtomicUsize::new(0);

fn company() -> Company {
    if UNDERWAY.load(Ordering::SeqCst) > 1 { Company::Others } else { Company::Alone }
}

/// A run under way. Dropped before its end, it is ended on a thread of its own.
pub(super) struct Underway {
    family: Arc<Mutex<Family>>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Ended,
}

impl Underway {
    pub(super) fn begin(order: &RunOrder, control_group: Option<ControlGroup>) -> Self {
        UNDERWAY.fetch_add(1, Ordering::SeqCst);
        let (run, brand, seen) = (order.id.clone(), Some(Brand::of_run(&order.id)), Default::default());
        let folder = order.working_folder.canonicalize().ok();
        let family = Family { run, brand, leader: None, folder, control_group, seen, company };
        Self { family: Arc::new(Mutex::new(family)), state: State::Running }
    }

    pub(super) fn led_by(&mut self, leader: ProcessId) {
        locked(&self.family, |family| family.leader = Some(leader));
    }

    /// Looks at the run's processes, to know them again when they have left it.
    pub(super) async fn look(&self) {
        let family = Arc::clone(&self.family);
        let looked = tokio::task::spawn_blocking(move || locked(&family, |family| family.alive().len()));
        // Not looked at means known later, by the end.
        let _ = looked.await;
    }

    /// Ends all of it.
    pub(super) async fn end(mut self, grace: Duration) -> Swept {
        let family = Arc::clone(&self.family);
        let ended = tokio::task::spawn_blocking(move || locked(&family, |family| family.end(grace)));
        match ended.await {
            Ok(swept) => {
                self.state = State::Ended;
                swept
            }
            // The runtime is about to end: dropped, the run is ended without it.
            Err(_) => Swept::default(),
        }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        match self.state {
            State::Ended => done(),
            State::Running => {
                let family = Arc::clone(&self.family);
                let end = move || {
                    locked(&family, |family| family.end(Duration::ZERO));
                    done();
                };
                // Without a thread it is ended here.
                if std::thread::Builder::new().name("run-end".to_owned()).spawn(end.clone()).is_err() {
                    end();
                }
            }
        }
    }
}

fn done() {
    UNDERWAY.fetch_sub(1, Ordering::SeqCst);
}

fn locked<T>(family: &Mutex<Family>, work: impl FnOnce(&mut Family) -> T) -> T {
    work(&mut family.lock().unwrap_or_else(PoisonError::into_inner))
}
