//! The file of a delegate taken up anew, when it changes or when SIGHUP asks for it: what it offers, what the agent may use,
//! and how it reaches servers. The rest counts after a restart.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use suitesync_remote::Station;
use tokio::sync::Notify;

use super::hire;
use crate::cli::service;
use crate::config::{self, DelegateFile, Diagnostic, Environment, Secrets, StationConfig, Watcher};
use crate::engine::control::ReloadOutcome;
use crate::engine::hiring::Hiring;
use crate::engine::reload::{Occasion, Phase};
use crate::engine::station::{Worker, offer};

pub(super) struct Revision {
    pub(super) path: PathBuf,
    pub(super) environment: Environment,
    pub(super) running: DelegateFile,
    /// What is wrong with the file as it is now, and was told.
    pub(super) told: Vec<Diagnostic>,
    pub(super) station: Arc<Station>,
    pub(super) worker: Arc<Worker>,
    pub(super) hiring: Arc<Hiring>,
    pub(super) secrets: Arc<ArcSwap<Secrets>>,
}

impl Revision {
    pub(super) async fn follow(mut self, mut watcher: Watcher, asked: Arc<Notify>) {
        loop {
            let occasion = tokio::select! {
                () = watcher.changed() => Occasion::Look,
                () = asked.notified() => Occasion::Wish,
            };
            occasion.begins(service::reloading);
            let (path, environment) = (self.path.clone(), self.environment.clone());
            let read = tokio::task::spawn_blocking(move || config::load_delegate_file(&path, &environment)).await;
            let outcome = match read {
                Ok(loaded) => {
                    watcher.watch(&loaded.watched);
                    self.take_up(loaded.file, &loaded.diagnostics)
                }
                Err(_) => ReloadOutcome::Rejected,
            };
            occasion.ends(Phase::Done(outcome), service::reloading);
        }
    }

    /// Once for each edit, however often the file is looked at.
    fn tell_faults(&mut self, diagnostics: &[Diagnostic]) {
        if self.told == diagnostics {
            return;
        }
        self.told = diagnostics.to_vec();
        for Diagnostic { file, line, message, help, .. } in diagnostics {
            tracing::error!(%file, line, help, "the changed file is faulty and the last good one counts: {message}");
        }
    }

    fn take_up(&mut self, file: Option<DelegateFile>, diagnostics: &[Diagnostic]) -> ReloadOutcome {
        let read = file.and_then(|file| Some((file.station.clone()?, file)));
        let Some((settings, file)) = read else {
            self.tell_faults(diagnostics);
            return ReloadOutcome::Rejected;
        };
        self.told.clear();
        if file == self.running {
            return ReloadOutcome::Unchanged;
        }
        for key in needs_restart(&self.running, &file) {
            tracing::warn!(key, "a changed value counts after a restart only");
        }
        self.secrets.store(Arc::new(Secrets::new(file.sources(), self.environment.clone())));
        if is_another_worker(&self.running, &file) {
            self.worker.change(hire(&self.hiring, &file, &settings));
        }
        self.station.revise(offer(&file, &settings));
        tracing::info!("the changed file is taken up");
        self.running = file;
        ReloadOutcome::Applied
    }
}

/// Keys whose new value counts at a start only.
fn needs_restart(old: &DelegateFile, new: &DelegateFile) -> Vec<&'static str> {
    let differs = |part: fn(&StationConfig) -> String| old.station.as_ref().map(part) != new.station.as_ref().map(part);
    let remote = |file: &DelegateFile| file.station.as_ref().map(|station| station.remote.clone());
    let keys = [
        ("delegate.state_dir", old.state_dir != new.state_dir),
        ("delegate.name", differs(|station| station.delegate.name.to_string())),
        ("delegate.agent", differs(|station| station.agent.to_string())),
        ("remote", remote(old) != remote(new)),
    ];
    keys.into_iter().filter_map(|(key, has_changed)| has_changed.then_some(key)).collect()
}

/// Whether tasks are to be carried out in another way, or with other secrets.
fn is_another_worker(old: &DelegateFile, new: &DelegateFile) -> bool {
    let delegate = |file: &DelegateFile| file.station.as_ref().map(|station| station.delegate.clone());
    delegate(old) != delegate(new) || old.sources() != new.sources()
}
