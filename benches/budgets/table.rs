//! The table: amounts, what they are held against, and the verdict.

use std::fmt;
use std::time::Duration;

const MICROS_PER_MILLI: f64 = 1000.0;
const KIB: f64 = 1024.0;

/// Something measured, in its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Amount {
    /// Processor time or time on the clock.
    Time(Duration),
    Bytes(f64),
    /// Requests or connections.
    Count(f64),
    FilesPerSecond(f64),
    TasksPerSecond(f64),
}

impl Amount {
    fn number(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::Bytes(number) | Self::Count(number) => number,
            Self::FilesPerSecond(number) | Self::TasksPerSecond(number) => number,
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) if *time < Duration::from_secs(1) => {
                write!(f, "{:.2} ms", time.as_secs_f64() * MICROS_PER_MILLI)
            }
            Self::Time(time) => write!(f, "{:.2} s", time.as_secs_f64()),
            Self::Bytes(bytes) if *bytes < KIB => write!(f, "{bytes:.0} B"),
            Self::Bytes(bytes) if *bytes < KIB * KIB => write!(f, "{:.1} KiB", bytes / KIB),
            Self::Bytes(bytes) => write!(f, "{:.1} MiB", bytes / KIB / KIB),
            Self::Count(count) => write!(f, "{count:.2}"),
            Self::FilesPerSecond(rate) | Self::TasksPerSecond(rate) => write!(f, "{rate:.0}/s"),
        }
    }
}

/// What an amount is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Budget {
    /// It is shown and judged by nobody.
    Information,
    AtMost(Amount),
    /// At most this part of the peer's.
    AtMostOfPeer(f64),
    /// At least this part of the peer's.
    AtLeastOfPeer(f64),
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Information => Ok(()),
            Self::AtMost(amount) => write!(f, "≤ {amount}"),
            Self::AtMostOfPeer(part) => write!(f, "≤ {part:.3} of it"),
            Self::AtLeastOfPeer(part) => write!(f, "≥ {part:.3} of it"),
        }
    }
}

/// One line: what was measured, ours and the peer's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) ours: Amount,
    pub(crate) peer: Option<Peer>,
    pub(crate) budget: Budget,
}

/// The tool beside us, and what it needs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) amount: Amount,
}

impl Line {
    pub(crate) fn new(what: impl Into<String>, ours: Amount, budget: Budget) -> Self {
        Self { what: what.into(), ours, peer: None, budget }
    }

    #[must_use]
    pub(crate) fn beside(self, name: &'static str, amount: Amount) -> Self {
        Self { peer: Some(Peer { name, amount }), ..self }
    }

    /// Ours as a part of the peer's.
    fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().map(|peer| self.ours.number() / peer.amount.number())
    }

    fn is_kept(&self) -> bool {
        match self.budget {
            Budget::Information => true,
            Budget::AtMost(most) => self.ours.number() <= most.number(),
            Budget::AtMostOfPeer(part) => self.ratio().is_some_and(|ratio| ratio <= part),
            Budget::AtLeastOfPeer(part) => self.ratio().is_some_and(|ratio| ratio >= part),
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.budget, self.is_kept()) {
            (Budget::Information, _) => "",
            (_, true) => "ok",
            (_, false) => "OVER",
        }
    }
}

/// All lines, by row.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<(&'static str, Line)>);

impl Table {
    pub(crate) fn add(&mut self, row: &'static str, lines: Vec<Line>) {
        self.0.extend(lines.into_iter().map(|line| (row, line)));
    }

    /// Whether no budget is missed.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.iter().all(|(_, line)| line.is_kept())
    }

    /// As Markdown, in columns that a terminal shows well too.
    pub(crate) fn render(&self) -> String {
        let head = ["row", "what", "ours", "peer", "its", "ratio", "budget", "verdict"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(head).chain(self.0.iter().map(|(row, line)| cells(row, line))).collect();
        let widths: Vec<_> = (0..rows.first().map_or(0, |head| head.len()))
            .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max())
            .map(Option::unwrap_or_default)
            .collect();
        let render = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |"));
            format!("|{}\n", padded.collect::<String>())
        };
        let rule: String = widths.iter().map(|width| format!("{}|", "-".repeat(width + 2))).collect();
        let mut lines = rows.iter().map(|row| render(row));
        let head = lines.next().unwrap_or_default();
        format!("{head}|{rule}\n{}", lines.collect::<String>())
    }
}

fn cells(row: &str, line: &Line) -> [String; 8] {
    let (name, amount) =
        line.peer.as_ref().map_or_else(Default::default, |peer| (peer.name.to_owned(), peer.amount.to_string()));
    let ratio = line.ratio().map(|ratio| format!("{ratio:.3}")).unwrap_or_default();
    let (budget, verdict) = (line.budget.to_string(), line.verdict().to_owned());
    [row.to_owned(), line.what.clone(), line.ours.to_string(), name, amount, ratio, budget, verdict]
}
