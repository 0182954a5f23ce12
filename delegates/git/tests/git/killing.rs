//! A process that is killed at any moment of opening, fetching and swapping leaves a mirror that the next one uses.
//!
//! The one that is killed is this test binary, told by its environment what to do.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use suitesync_contract::{HostKeys, ObjectId, Provider, RepoUrl, TreeEntryKind};
use suitesync_git::{Mirrors, PlainHttp, RemoteSettings, Remotes};
use suitesync_loopback::Change;
use suitesync_reach::{Clients, Route, TimeLimits, Trust};
use tokio_util::sync::CancellationToken;

use crate::support::{PATH, TOKEN, World, connection, delegate, token};

const ROUNDS: u32 = 30;
const VICTIM: &str = "killing::the_one_that_is_killed";
/// What the victim prints when it begins and when it is done.
const BEGIN: &str = "begin";
const DONE: &str = "done";
/// Far longer than a fetch takes: only a victim that hangs is caught.
const PATIENCE: Duration = Duration::from_secs(60);

/// Brings a commit in and reads all of it.
#[tokio::test]
#[ignore = "run by the test that kills it"]
async fn the_one_that_is_killed() {
    let Ok(url) = std::env::var("VICTIM_URL") else { return };
    let variable = |name: &str| std::env::var(name).unwrap();
    let commit: ObjectId = variable("VICTIM_COMMIT").parse().unwrap();
    let trust = Trust::with_additional([variable("VICTIM_CA").as_str()]).unwrap();
    let url = RepoUrl::parse(&url, Provider::Git).unwrap().repository;
    let settings = RemoteSettings {
        url: url.clone(),
        authorization: Some(token(TOKEN)),
        plain_http: PlainHttp::Refused,
        host_keys: HostKeys::default(),
        delegate: delegate(),
    };
    let remote = Remotes::default()
        .remote(Clients::new(TimeLimits::default()).client(&Route::new(trust)).unwrap(), settings)
        .unwrap();
    let (mirrors, cancel) = (Mirrors::new(variable("VICTIM_MIRRORS"), delegate()), CancellationToken::new());
    println!("\n{BEGIN}");
    let mut mirror = mirrors.open(&connection(), &url, &cancel).await.unwrap();
    mirror.fetch(&remote, &[commit], &mut |_| {}, &cancel).await.unwrap();
    let entries = mirror.snapshot(commit).unwrap();
    let files = entries.iter().filter(|entry| entry.kind == TreeEntryKind::File);
    let blobs: Vec<_> = files.map(|file| file.id).collect();
    mirror.ensure_blobs(&blobs).await.unwrap();
    blobs.iter().for_each(|blob| drop(mirror.read_blob(*blob, u64::MAX).unwrap()));
    println!("{DONE}");
}

struct Victim {
    child: Child,
    lines: Receiver<String>,
}

impl Victim {
    /// Starts one and waits until it begins.
    fn start(world: &World, commit: ObjectId) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([VICTIM, "--exact", "--ignored", "--nocapture"]).stdout(Stdio::piped()).stderr(Stdio::null());
        command.env("VICTIM_URL", world.server.url(PATH)).env("VICTIM_CA", world.authority.pem());
        command.env("VICTIM_MIRRORS", world.mirrors_folder()).env("VICTIM_COMMIT", commit.to_string());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let victim = Self { child, lines };
        assert!(victim.says(BEGIN, PATIENCE), "the victim did not begin");
        victim
    }

    /// Waits for a line; whether it came in time.
    fn says(&self, expect: &str, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let next = || self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok();
        std::iter::from_fn(next).any(|line| line == expect)
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A commit that changes half of the files.
fn change(world: &World, round: u32) -> ObjectId {
    let content = |file: u32| format!("{round} {file} ").repeat(500).into_bytes();
    let changes = (0..40).filter(|file| round == 0 || file % 2 == round % 2);
    let changes: Vec<_> = changes.map(|file| Change::write(format!("{}/{file}.tc", file % 7), content(file))).collect();
    world.commit_all("main", &changes)
}

/// The commits that a mirror says it holds, the newest last.
fn tips(mirror: &Path) -> Vec<ObjectId> {
    let state: serde_json::Value =
        serde_json::from_slice(&std::fs::read(mirror.join("suitesync.json")).unwrap()).unwrap();
    let tips = state["tips"].as_array().unwrap().iter();
    tips.map(|tip| tip.as_str().unwrap().parse().unwrap()).collect()
}

fn names(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn kills_at_random_moments_cost_no_clone() {
    let world = World::empty();
    let remote = world.remote();
    let mut held = change(&world, 0);
    let begun = Instant::now();
    assert!(Victim::start(&world, held).says(DONE, PATIENCE));
    let span = begun.elapsed();
    let mut random = 0x9e37_79b9_u32;
    for round in 1..=ROUNDS {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mirror = world.mirror(&remote).await;
        if round % 3 != 0 {
            std::fs::write(mirror.path().join("superseded"), "").unwrap();
        }
        drop(mirror);
        let new = change(&world, round);
        let victim = Victim::start(&world, new);
        victim.says(DONE, span * (random >> 24) / 256);
        victim.kill();
        let mut mirror = world.mirror(&remote).await;
        assert_eq!(mirror.rebuilt(), None, "round {round}");
        let newest = tips(mirror.path()).pop();
        assert!(newest == Some(new) || newest == Some(held), "round {round}");
        assert!(mirror.snapshot(newest.unwrap()).is_ok(), "round {round}");
        assert_eq!(names(&world.mirrors_folder()), 2, "round {round}");
        world.fetch(&mut mirror, &remote, new).await.unwrap();
        assert!(mirror.rebuilt().is_none() && mirror.snapshot(new).is_ok(), "round {round}");
        held = new;
    }
}
