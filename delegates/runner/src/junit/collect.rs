//! Puts results together from elements as they come.

use std::borrow::Cow;

use quick_xml::events::BytesStart;
use suitesync_contract::{CaseResult, CaseStatus};

use super::fault::{Fault, MAX_DEPTH};
use super::guard::MAX_TEXT;
use super::{Allowance, Execution, Identified, clock, text};
use crate::redactor::Redactor;

/// What a result costs besides its texts.
const RESULT: usize = size_of::<CaseResult>();

/// What an open element is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Suites,
    /// The execution at this place in the list.
    Suite(usize),
    Case,
    /// Says how the case ended, with text.
    Ending,
    /// Passed over, with all that is inside.
    Other,
}

/// A case that has not ended.
struct OpenCase {
    result: CaseResult,
    /// What its `status` says.
    stated: Option<CaseStatus>,
    /// What the elements inside say.
    shown: Option<CaseStatus>,
    /// The message of the element that says so, and the text inside it.
    message: String,
    text: String,
}

pub(super) struct Collector<'a> {
    redactor: &'a Redactor,
    allowance: &'a mut Allowance,
    open: Vec<Element>,
    case: Option<OpenCase>,
    executions: Vec<Execution>,
    /// Files of suites, which cases without one of their own lie in; by place in the list.
    files: Vec<Option<String>>,
    /// The execution of cases that stand outside of any suite.
    outside: Option<usize>,
    saw_root: bool,
    /// Whether the file begins with what no XML begins with.
    begins_otherwise: bool,
    messages_dropped: usize,
}

impl<'a> Collector<'a> {
    pub(super) fn new(redactor: &'a Redactor, allowance: &'a mut Allowance) -> Self {
        Self {
            redactor,
            allowance,
            open: Vec::new(),
            case: None,
            executions: Vec::new(),
            files: Vec::new(),
            outside: None,
            saw_root: false,
            begins_otherwise: false,
            messages_dropped: 0,
        }
    }

    pub(super) fn start(&mut self, element: &BytesStart<'_>) -> Result<(), Fault> {
        if self.open.len() == MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        let name = element.local_name();
        let next = match (self.open.last(), name.as_ref()) {
            (None | Some(Element::Suites), "testsuites") => Element::Suites,
            (None | Some(Element::Suites | Element::Suite(_)), "testsuite") => self.start_suite(element)?,
            (Some(Element::Suite(_) | Element::Suites), "testcase") => self.start_case(element)?,
            (Some(Element::Case), name) => self.start_inside_case(name, element),
            (None, name) if !self.saw_root => return Err(self.other_root(name)),
            (None | Some(_), _) => Element::Other,
        };
        self.saw_root = true;
        self.open.push(next);
        Ok(())
    }

    /// A root that is no report's; one without a name in letters is no element at all.
    fn other_root(&self, name: &str) -> Fault {
        let is_name = name.starts_with(|first: char| first.is_alphabetic() || first == '_');
        if is_name { Fault::OtherRoot(text::name(name, self.redactor)) } else { Fault::NotXml }
    }

    /// What the matter is, given what the file has been so far.
    pub(super) fn judge(&self, fault: Fault) -> Fault {
        if self.begins_otherwise && !self.saw_root { Fault::NotXml } else { fault }
    }

    fn start_suite(&mut self, element: &BytesStart<'_>) -> Result<Element, Fault> {
        let name = self.name_in(element, "name").unwrap_or_default();
        let id = self.name_in(element, "id").filter(|id| is_path_to(id, &name));
        let identified = if id.is_some() { Identified::ById } else { Identified::ByName };
        let suite = id.unwrap_or(name);
        self.charge(0, RESULT + suite.len())?;
        let started_at = attribute(element, "timestamp").and_then(|time| clock::time(&time));
        self.files.push(self.name_in(element, "file"));
        self.executions.push(Execution { suite, identified, started_at, cases: Vec::new() });
        Ok(Element::Suite(self.executions.len() - 1))
    }

    fn start_case(&mut self, element: &BytesStart<'_>) -> Result<Element, Fault> {
        let suite = self.present_suite();
        let execution = self.executions.get(suite);
        let name = self.name_in(element, "name").unwrap_or_default();
        let class_name = self.name_in(element, "classname").unwrap_or_default();
        // Katalon writes a case's id twice; the id is its path.
        let id = Some(&name).filter(|name| **name == class_name && name.contains('/')).cloned();
        let path = self.name_in(element, "file").or(id);
        let path = path.or_else(|| self.files.get(suite).cloned().flatten());
        let started_at = attribute(element, "timestamp").and_then(|time| clock::time(&time));
        let result = CaseResult {
            name,
            class_name,
            suite: execution.map(|execution| execution.suite.clone()).unwrap_or_default(),
            path,
            status: CaseStatus::Passed,
            duration_ms: attribute(element, "time").and_then(|time| clock::duration_ms(&time)),
            message: None,
            started_at: started_at.or_else(|| execution?.started_at.clone()),
            attempts: 1,
        };
        let names = [&result.name, &result.class_name, &result.suite].map(String::len).into_iter().sum::<usize>();
        self.charge(1, RESULT + names + result.path.as_ref().map_or(0, String::len))?;
        let stated = attribute(element, "status").and_then(|status| stated(&status));
        self.case = Some(OpenCase { result, stated, shown: None, message: String::new(), text: String::new() });
        Ok(Element::Case)
    }

    /// The suite that is open last; cases that stand outside of any go to one without a name.
    fn present_suite(&mut self) -> usize {
        let place = |element: &Element| if let Element::Suite(place) = element { Some(*place) } else { None };
        if let Some(place) = self.open.iter().rev().find_map(place) {
            return place;
        }
        *self.outside.get_or_insert_with(|| {
            let (suite, identified) = (String::new(), Identified::ByName);
            self.files.push(None);
            self.executions.push(Execution { suite, identified, started_at: None, cases: Vec::new() });
            self.executions.len() - 1
        })
    }

    fn start_inside_case(&mut self, name: &str, element: &BytesStart<'_>) -> Element {
        let Some(case) = &mut self.case else { return Element::Other };
        let shown = match name {
            "failure" => CaseStatus::Failed,
            "error" => CaseStatus::Error,
            "skipped" => CaseStatus::Skipped,
            // Surefire: an earlier attempt that failed; how the last one ended is told by the others.
            "flakyFailure" | "flakyError" | "rerunFailure" | "rerunError" => {
                case.result.attempts = case.result.attempts.saturating_add(1);
                return Element::Other;
            }
            _ => return Element::Other,
        };
        let is_first = case.shown.is_none_or(|before| before == CaseStatus::Skipped);
        if !is_first {
            return Element::Other;
        }
        case.shown = Some(shown);
        let given = ["message", "type"].into_iter().filter_map(|name| attribute(element, name));
        case.message = given.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default();
        case.text.clear();
        Element::Ending
    }

    /// Text inside the present element, references resolved.
    pub(super) fn text(&mut self, text: &str) {
        self.begins_otherwise |= !self.saw_root && !text.trim().is_empty();
        if let (Some(Element::Ending), Some(case)) = (self.open.last(), &mut self.case) {
            let room = MAX_TEXT.saturating_sub(case.text.len());
            case.text.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
        }
    }

    pub(super) fn reference(&mut self, name: &str) {
        match text::reference(name) {
            Some(value) => self.text(&value),
            None => self.text(&format!("&{name};")),
        }
    }

    pub(super) fn end(&mut self) -> Result<(), Fault> {
        match self.open.pop() {
            Some(Element::Case) => {
                if let Some(case) = self.case.take() {
                    self.keep(case);
                }
                Ok(())
            }
            Some(Element::Suites | Element::Suite(_) | Element::Ending | Element::Other) | None => Ok(()),
        }
    }

    pub(super) fn at_end(&self) -> Result<(), Fault> {
        if !self.saw_root {
            Err(Fault::Empty)
        } else if self.open.is_empty() {
            Ok(())
        } else {
            Err(Fault::BreaksOff)
        }
    }

    /// A case that a broken report left open counts where it says how it ended: it may be what broke the report.
    pub(super) fn finish(mut self) -> (Vec<Execution>, Vec<String>) {
        if let Some(case) = self.case.take().filter(|case| case.stated.is_some() || case.shown.is_some()) {
            self.keep(case);
        }
        self.executions.retain(|execution| !execution.cases.is_empty());
        let dropped = self.messages_dropped;
        let notice = (dropped > 0).then(|| format!("{dropped} messages are left out: more than are kept of one run"));
        (self.executions, notice.into_iter().collect())
    }

    fn keep(&mut self, case: OpenCase) {
        let OpenCase { mut result, stated, shown, message, text } = case;
        result.status = ended(stated, shown);
        if result.status != CaseStatus::Passed {
            let message = text::message(&joined(&message, &text), self.redactor);
            let fits = message.as_ref().is_none_or(|message| message.len() <= self.allowance.messages);
            result.message = message.filter(|_| fits);
            self.messages_dropped += usize::from(!fits);
            self.allowance.messages -= result.message.as_ref().map_or(0, String::len);
        }
        let suite = self.present_suite();
        if let Some(execution) = self.executions.get_mut(suite) {
            execution.cases.push(result);
        }
    }

    fn charge(&mut self, cases: usize, bytes: usize) -> Result<(), Fault> {
        let cases = self.allowance.cases.checked_sub(cases);
        let names = self.allowance.names.checked_sub(bytes);
        let (Some(cases), Some(names)) = (cases, names) else { return Err(Fault::TooMany) };
        (self.allowance.cases, self.allowance.names) = (cases, names);
        Ok(())
    }

    fn name_in(&self, element: &BytesStart<'_>, name: &str) -> Option<String> {
        attribute(element, name).map(|value| text::name(&value, self.redactor)).filter(|value| !value.is_empty())
    }
}

/// The value of an attribute. One that is faulty does not hide the others.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let found = attributes.with_checks(false).flatten().find(|attribute| attribute.key.as_ref() == name)?;
    Some(text::unescape(&found.value).into_owned())
}

/// Whether an id is a path whose last segment is the name: other tools put running numbers there.
fn is_path_to(id: &str, name: &str) -> bool {
    id.rsplit_once('/').is_some_and(|(_, last)| last == name)
}

/// What a `status` says; nothing where it is a word that does not tell how a case ended, such as `run`.
fn stated(status: &str) -> Option<CaseStatus> {
    match status.to_ascii_lowercase().as_str() {
        "passed" => Some(CaseStatus::Passed),
        "failed" => Some(CaseStatus::Failed),
        "error" | "incomplete" => Some(CaseStatus::Error),
        "skipped" | "not_run" | "notrun" => Some(CaseStatus::Skipped),
        _ => None,
    }
}

fn ended(stated: Option<CaseStatus>, shown: Option<CaseStatus>) -> CaseStatus {
    match (stated, shown) {
        (Some(CaseStatus::Passed) | None, Some(shown)) => shown,
        (Some(stated), _) => stated,
        (None, None) => CaseStatus::Passed,
    }
}

/// A message and the text after it, which often begins with the message again.
fn joined<'a>(message: &'a str, text: &'a str) -> Cow<'a, str> {
    let (message, text) = (message.trim(), text.trim());
    if text.starts_with(message) { Cow::Borrowed(text) } else { Cow::Owned(format!("{message}\n{text}")) }
}
