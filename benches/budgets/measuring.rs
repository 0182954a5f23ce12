//! Measuring: the worker that carries out what is measured, what it is asked, what that cost, and the median.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use suitesync_contract::ObjectId;

use crate::site::Site;
use crate::table::Amount;

/// What a worker has to know of the server: sent first, by a pipe, so that the token is on no command line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// The only authority in this file signed the server.
    pub(crate) authority: PathBuf,
    /// Without a certificate in it, so that Git reads no others.
    pub(crate) empty_folder: PathBuf,
    pub(crate) token: String,
    /// The private key for SSH, once there is such a server.
    pub(crate) ssh_key: PathBuf,
    pub(crate) known_hosts: PathBuf,
}

/// What a worker is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Take on a delegate that keeps its mirrors and parses in this folder.
    Hire { folder: PathBuf },
    /// Let the delegate sync links, one after the other, so many times.
    Sync { links: Vec<Link>, times: u32 },
    /// Let the delegate sync a link, cancel that while a pack comes in, and tell how long it took to end.
    Cancel { link: Link },
    /// Run Git with these arguments, so many times.
    Git { invocations: Vec<Vec<String>>, times: u32 },
    /// Read the files that a sync of the link parses out of the mirror in the folder, by libgit2 alone.
    ReadBlobs { folder: PathBuf, link: Link, commit: ObjectId, knowing: Knowing },
}

/// What is known before blobs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Knowing {
    /// The commit: where they are has to be found in its tree.
    Commit,
    /// Their ids.
    Ids,
}

/// One link of a repository's default branch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) directory: String,
    /// The commit that is taken for synced.
    pub(crate) known: Option<ObjectId>,
}

/// What an order cost and found.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// User and system time of the process for our own code, of its children for Git.
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    pub(crate) commit: Option<ObjectId>,
    pub(crate) files: u64,
    /// Bodies of answers, as the server counted them.
    pub(crate) bytes: f64,
    pub(crate) requests: f64,
    pub(crate) connections: f64,
}

impl Cost {
    pub(crate) fn cpu(&self) -> Amount {
        Amount::Time(self.cpu)
    }

    pub(crate) fn wall(&self) -> Amount {
        Amount::Time(self.wall)
    }

    pub(crate) fn bytes(&self) -> Amount {
        Amount::Bytes(self.bytes)
    }

    pub(crate) fn requests(&self) -> Amount {
        Amount::Count(self.requests)
    }

    pub(crate) fn connections(&self) -> Amount {
        Amount::Count(self.connections)
    }

    /// Files a second of processor time: what one core does.
    pub(crate) fn file_rate(&self) -> Amount {
        Amount::FilesPerSecond(self.files as f64 / self.cpu.as_secs_f64())
    }

    /// The cost of one of so many.
    pub(crate) fn each(&self, times: u32) -> Self {
        Self {
            cpu: self.cpu / times,
            wall: self.wall / times,
            bytes: self.bytes / f64::from(times),
            requests: self.requests / f64::from(times),
            connections: self.connections / f64::from(times),
            ..*self
        }
    }
}

/// What a worker answers an order with.
pub(crate) type Answer = Result<Cost, String>;

/// A process of its own for what is measured. It ends when its input does.
pub(crate) struct Worker<'a> {
    site: &'a Site,
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl<'a> Worker<'a> {
    pub(crate) fn start(site: &'a Site) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--worker").env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (orders, answers) = (child.stdin.take(), child.stdout.take());
        let answers = BufReader::new(answers.context("the worker has no output")?);
        let mut worker = Self { site, child, orders, answers };
        worker.send(&site.terms())?;
        Ok(worker)
    }

    /// One with a delegate that works in `folder` of the site.
    pub(crate) fn with_delegate(site: &'a Site, folder: &str) -> anyhow::Result<Self> {
        let mut worker = Self::start(site)?;
        worker.ask(&Order::Hire { folder: site.path(folder) })?;
        Ok(worker)
    }

    /// Lets the worker carry out an order, and counts at the server meanwhile.
    pub(crate) fn ask(&mut self, order: &Order) -> anyhow::Result<Cost> {
        let before = self.site.traffic();
        self.send(order)?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the worker ended before it answered");
        }
        let cost = serde_json::from_str::<Answer>(&line)?.map_err(|reason| anyhow!(reason))?;
        let after = self.site.traffic();
        Ok(Cost {
            bytes: (after.bytes - before.bytes) as f64,
            requests: (after.requests - before.requests) as f64,
            connections: (after.connections - before.connections) as f64,
            ..cost
        })
    }

    /// One sync of a link.
    pub(crate) fn sync(&mut self, link: &Link) -> anyhow::Result<Cost> {
        self.ask(&Order::Sync { links: vec![link.clone()], times: 1 })
    }

    /// Git, once with each of these arguments.
    pub(crate) fn git(&mut self, invocations: &[&[&str]]) -> anyhow::Result<Cost> {
        let owned = |words: &&[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        self.ask(&Order::Git { invocations: invocations.iter().map(owned).collect(), times: 1 })
    }

    fn send(&mut self, message: &impl Serialize) -> anyhow::Result<()> {
        let orders = self.orders.as_mut().context("the worker takes no more orders")?;
        writeln!(orders, "{}", serde_json::to_string(message)?)?;
        Ok(())
    }
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        drop(self.orders.take());
        // It ends by itself at the end of its input; there is nobody to tell of an error.
        let _ = self.child.wait();
    }
}

/// The middle of some figures; zero of none.
pub(crate) fn median<T: PartialOrd + Copy + Default>(figures: impl IntoIterator<Item = T>) -> T {
    let mut figures: Vec<_> = figures.into_iter().collect();
    figures.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// The medians of some costs, figure by figure.
pub(crate) fn median_cost(costs: &[Cost]) -> Cost {
    Cost {
        cpu: median(costs.iter().map(|cost| cost.cpu)),
        wall: median(costs.iter().map(|cost| cost.wall)),
        commit: None,
        files: median(costs.iter().map(|cost| cost.files)),
        bytes: median(costs.iter().map(|cost| cost.bytes)),
        requests: median(costs.iter().map(|cost| cost.requests)),
        connections: median(costs.iter().map(|cost| cost.connections)),
    }
}
