//! Reads JUnit XML: bytes in, results out, in bounded memory whatever the bytes are.
//!
//! The dialects of Katalon, pytest, Robot Framework, surefire, Jest and gotestsum are read as they are written, which
//! comes down to these rules:
//!
//! - Results are counted; the counts that a report states are not believed.
//! - A case's `status` says how it ended; without one the elements inside do. A `status` of passed makes no pass of a
//!   case with a failure inside.
//! - The same case may come many times (data, repeated lines of a suite): each is a result.
//! - A suite is named by its `id` where that ends with its name (Katalon), else by its name.
//! - A report that breaks off, or is no XML from some byte on, gives what came before, and says so.
//!
//! What tools print (`system-out`) is not kept. Secrets are taken out of what is kept.

mod clock;
mod collect;
mod decoded;
mod fault;
mod guard;
#[cfg(test)]
mod mutated;
#[cfg(test)]
mod tests;
mod text;

use std::io::{BufRead, BufReader};

use quick_xml::Reader;
use quick_xml::events::Event;
use suitesync_contract::{CaseResult, ReportedTime, ResultFile, ResultFileState};

use self::collect::Collector;
use self::decoded::Decoded;
use self::fault::Fault;
use self::guard::Guard;
use crate::redactor::Redactor;

/// What may still be kept of a run's results; reading a report uses it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    pub cases: usize,
    /// Bytes of names, paths and ids.
    pub names: usize,
    /// Bytes of messages. When they are used up results are kept without.
    pub messages: usize,
}

impl Default for Allowance {
    /// Some six times the largest known run. An outcome travels as one line of JSON, in which a text has up to twice its
    /// length: all of this fits into it.
    fn default() -> Self {
        Self { cases: 100_000, names: 20 << 20, messages: 8 << 20 }
    }
}

/// One execution of one suite: the cases of one `testsuite` element, less those of suites inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    pub suite: String,
    /// Whether the suite is named by an id that is a path, as Katalon does.
    pub identified: Identified,
    pub started_at: Option<ReportedTime>,
    pub cases: Vec<CaseResult>,
}

/// What a suite's name is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identified {
    /// It is the suite's id: equal names are the same suite.
    ById,
    /// It is a name: two suites may share it.
    ByName,
}

/// What one report holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub state: ResultFileState,
    /// Those with cases, in the order of the report.
    pub executions: Vec<Execution>,
    pub notices: Vec<String>,
}

impl Report {
    /// The report as a file of its own.
    pub fn into_file(self, path: String) -> ResultFile {
        let cases = self.executions.into_iter().flat_map(|execution| execution.cases).collect();
        ResultFile { path, state: self.state, cases, notices: self.notices }
    }
}

/// Reads a report to its end, or to where it stops being one.
pub fn read(input: impl BufRead, redactor: &Redactor, allowance: &mut Allowance) -> Report {
    let mut collector = Collector::new(redactor, allowance);
    let fault = collect(input, &mut collector).err().map(|fault| collector.judge(fault));
    let (executions, mut notices) = collector.finish();
    let state = fault.as_ref().map_or(ResultFileState::Whole, Fault::state);
    notices.extend(fault.map(|fault| fault.to_string()));
    Report { state, executions, notices }
}

fn collect(input: impl BufRead, collector: &mut Collector<'_>) -> Result<(), Fault> {
    let decoded = Decoded::new(input).map_err(|error| Fault::Unreadable(error.to_string()))?;
    let mut reader = Reader::from_reader(BufReader::new(Guard::new(decoded)));
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.allow_dangling_amp = true;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        match event.map_err(|error| Fault::of(&error))? {
            Event::Start(element) => collector.start(&element)?,
            Event::End(_) => collector.end()?,
            Event::Text(text) => collector.text(&text.into_inner()),
            Event::CData(text) => collector.text(&text.into_inner()),
            Event::GeneralRef(name) => collector.reference(&name.into_inner()),
            Event::DocType(_) => return Err(Fault::DocumentType),
            Event::Eof => return collector.at_end(),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}
