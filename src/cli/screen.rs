//! The one way to stdout: a view is shown as JSON to programs and rendered for people.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use chrono::Utc;
use serde::Serialize;

use super::fault::Fault;
use super::look::{Look, Marks, Paint};
use super::wording::{escaped_json, escaped_lines};
use crate::config::Environment;

/// Who reads what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Program,
    Person,
}

impl Reader {
    /// `--json` is for programs.
    pub(super) fn of(json: bool) -> Self {
        if json { Self::Program } else { Self::Person }
    }
}

/// What stdout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    Terminal,
    Pipe,
}

/// Stdout. Colour goes to a terminal only, and not where `NO_COLOR` is set.
pub(super) struct Screen {
    out: Box<dyn Write>,
    reader: Reader,
    output: Output,
    width: Option<u16>,
    marks: Marks,
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("reader", &self.reader).field("width", &self.width).finish_non_exhaustive()
    }
}

impl Screen {
    pub(super) fn of_stdout(reader: Reader, environment: &Environment) -> Self {
        let stdout = io::stdout();
        // Pipes get lines as long as they are: to wrap them would break them for `grep`.
        let output = if stdout.is_terminal() { Output::Terminal } else { Output::Pipe };
        let size = (output == Output::Terminal).then(|| rustix::termios::tcgetwinsize(&stdout).ok()).flatten();
        let out: Box<dyn Write> = match reader {
            // Not a byte of a value may be taken for colour.
            Reader::Program => Box::new(stdout),
            Reader::Person => Box::new(AutoStream::auto(stdout)),
        };
        Self {
            out,
            reader,
            output,
            width: size.map(|size| size.ws_col).filter(|columns| *columns > 0),
            marks: Marks::of_locale(environment),
        }
    }

    pub(super) fn is_for_programs(&self) -> bool {
        self.reader == Reader::Program
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.output == Output::Terminal
    }

    /// How things are to be told now.
    pub(super) fn look(&self) -> Look {
        Look { now: Utc::now(), width: self.width, marks: self.marks }
    }

    /// Shows a view: JSON for programs, and what `render` makes of it for people.
    pub(super) fn show<T: Serialize>(
        &mut self,
        view: &T,
        render: impl FnOnce(&T, &Look) -> String,
    ) -> Result<(), Fault> {
        match self.reader {
            Reader::Program => self.json(view),
            Reader::Person => {
                let text = render(view, &self.look());
                self.text(&text)
            }
        }
    }

    /// A text whose lines all end.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Fault> {
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }

    /// Bytes as they are, for whoever reads the other end of a pipe.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut stdout = io::stdout().lock();
        Ok(stdout.write_all(bytes).and_then(|()| stdout.flush())?)
    }

    /// One value on one line.
    pub(super) fn json<T: Serialize>(&mut self, value: &T) -> Result<(), Fault> {
        let json = serde_json::to_string(value).map_err(io::Error::from)?;
        self.text(&format!("{}\n", escaped_json(&json)))
    }
}

/// Says on stderr why a command was not carried out; whether that can be written changes nothing.
pub(super) fn complain(fault: &Fault, reader: Reader) {
    let mut stderr = AutoStream::auto(io::stderr());
    let _ = match reader {
        Reader::Program => writeln!(stderr, "{}", escaped_json(&fault.json().to_string())),
        Reader::Person => write!(stderr, "{}", complaint(fault)),
    };
}

/// Says on stderr what may not be as it was meant, though it was done.
pub(super) fn warn(message: &str, hint: &str) {
    let (warning, title) = (Paint::Warning.on("warning:"), Paint::Faint.on("hint:"));
    let mut stderr = AutoStream::auto(io::stderr());
    // Nobody may be reading.
    let _ = write!(stderr, "{warning} {}\n{title} {}\n", escaped_lines(message), escaped_lines(hint));
}

fn complaint(fault: &Fault) -> String {
    let error = if fault.has_titles() { String::new() } else { format!("{} ", Paint::Bad.on("error:")) };
    let hint = Paint::Faint.on("hint:");
    format!("{error}{}\n{hint} {}\n", escaped_lines(&fault.message()), escaped_lines(&fault.hint()))
}
