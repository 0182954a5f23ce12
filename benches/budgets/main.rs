//! The budgets: what the product may cost, each measured in one run beside the tool that people would use instead.
//!
//! `./dev bench [ROW…]` prints the table and ends with 1 where a budget is missed. What is measured runs in a process
//! of its own (`worker`), so that the server's share is not in it; the server is the loopback one, real Git behind TLS
//! and a token, and counts requests and bytes.

mod agent;
mod cancel;
mod discovery;
mod first_sync;
mod idle;
mod measuring;
mod poll;
mod record;
mod remote;
mod schedules;
mod site;
mod source_tree;
mod ssh_poll;
mod table;
mod update;
mod worker;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Parser;

use site::Site;
use table::{Line, Table};

/// A row of the table: some lines that are measured together.
struct Row {
    name: &'static str,
    measure: fn(&Site) -> anyhow::Result<Vec<Line>>,
}

/// Every row, in the table's order.
const ROWS: [Row; 9] = [
    Row { name: "poll", measure: poll::measure },
    Row { name: "ssh-poll", measure: ssh_poll::measure },
    Row { name: "first-sync", measure: first_sync::measure },
    Row { name: "update", measure: update::measure },
    Row { name: "discovery", measure: discovery::measure },
    Row { name: "cancel", measure: cancel::measure },
    Row { name: "idle", measure: idle::measure },
    Row { name: "schedules", measure: schedules::measure },
    Row { name: "remote", measure: remote::measure },
];

/// Measures the budgets.
#[derive(Debug, Parser)]
#[command(name = "budgets")]
struct Arguments {
    /// Rows to measure: poll, ssh-poll, first-sync, update, discovery, cancel, idle, schedules, remote; all if none is named
    #[arg(value_parser = ROWS.map(|row| row.name))]
    rows: Vec<String>,
    /// End with 0 even where a budget is missed
    #[arg(long)]
    report: bool,
    /// Write the table to benches/README.md; needs all rows
    #[arg(long, conflicts_with = "rows")]
    write: bool,
    /// What cargo tells every benchmark
    #[arg(long, hide = true)]
    bench: bool,
    /// Carry out orders from standard input instead
    #[arg(long, hide = true)]
    worker: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if arguments.worker {
        worker::serve()?;
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(!cfg!(debug_assertions), "a debug build shows nothing: run `./dev bench`");
    let site = Site::new().context("failed to set the server up; it needs `git` with its `http-backend`")?;
    let mut table = Table::default();
    for row in ROWS.iter().filter(|row| arguments.rows.is_empty() || arguments.rows.iter().any(|name| name == row.name))
    {
        writeln!(io::stderr(), "measuring {}", row.name)?;
        let lines = (row.measure)(&site).with_context(|| format!("failed to measure {}", row.name))?;
        table.add(row.name, lines);
    }
    write!(io::stdout(), "{}", table.render())?;
    if arguments.write {
        record::write(&table)?;
    }
    Ok(if table.is_kept() || arguments.report { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
