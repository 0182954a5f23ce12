//! A connection test as a checklist, step by step while it happens.

use suitesync_contract::{Step, StepOutcome, StepReport};

use super::failure;
use super::look::{Look, Paint};
use super::wording::{count, duration, escaped};
use crate::engine::work::TestReport;

/// Columns of a step's name and of its time: the longest is `credentials`.
const STEP: usize = 11;
const TIME: usize = 9;

/// What has been told of a test so far.
#[derive(Debug, Default)]
pub(super) struct Checklist {
    told: Vec<StepReport>,
}

impl Checklist {
    /// The lines to tell now that this step has ended.
    ///
    /// Steps out of their order are told at the end: the test had begun before this one asked for it, or another
    /// delegate tries again.
    pub(super) fn step(&mut self, step: &StepReport, look: &Look) -> String {
        let mut lines = String::new();
        if self.told.is_empty() && step.step != Step::Delegate {
            // A step that was taken was taken by a delegate.
            let delegate =
                StepReport { step: Step::Delegate, outcome: StepOutcome::Ok, detail: String::new(), duration_ms: 0 };
            lines = self.next(&delegate, step, look);
        }
        if step.step.place() == self.told.len() {
            lines.push_str(&line(step, look));
            self.told.push(step.clone());
        }
        lines
    }

    /// Tells the step of the delegate if `step` is the one right after it.
    fn next(&mut self, delegate: &StepReport, step: &StepReport, look: &Look) -> String {
        if step.step.place() != delegate.step.place() + 1 {
            return String::new();
        }
        self.told.push(delegate.clone());
        line(delegate, look)
    }

    /// What is left to tell at the end: other steps, and what came of it all.
    pub(super) fn end(&self, report: &TestReport, look: &Look) -> String {
        let same = |(told, step): (&StepReport, &StepReport)| (told.step, told.outcome) == (step.step, step.outcome);
        let agrees = self.told.iter().zip(&report.steps).all(same);
        let mut text = String::new();
        if !agrees {
            text.push_str("It was tried again, by another delegate:\n");
        }
        let left = report.steps.iter().skip(if agrees { self.told.len() } else { 0 });
        text.extend(left.map(|step| line(step, look)));
        text.push_str(&verdict(report, look));
        text
    }
}

fn line(step: &StepReport, look: &Look) -> String {
    let name = step.step.code();
    let mark = match step.outcome {
        StepOutcome::Ok => look.marks.good(),
        StepOutcome::Failed => look.marks.bad(),
        StepOutcome::Skipped => return format!("{} {name}\n", look.marks.skipped()),
    };
    let time = Paint::Faint.on(format!("{:>TIME$}", duration(step.duration_ms)));
    let line = format!("{mark} {name:STEP$} {time}  {}", escaped(&step.detail));
    format!("{}\n", line.trim_end())
}

fn verdict(report: &TestReport, look: &Look) -> String {
    let name = escaped(&report.connection);
    match &report.failure {
        Some(failure) => format!("\n{}", failure::told(failure, look)),
        None => {
            let passed = report.steps.iter().filter(|step| step.outcome == StepOutcome::Ok).count() as u64;
            let status = Paint::of_status(&report.status).on(&report.status);
            let by = report.delegate.as_deref().map(|delegate| format!(", by delegate {}", escaped(delegate)));
            format!("\nConnection {name} is {status}: {} passed{}.\n", count(passed, "step"), by.unwrap_or_default())
        }
    }
}

/// A whole test that has ended, with the connection's name above it.
pub(super) fn whole(report: &TestReport, look: &Look) -> String {
    let title = Paint::Title.on(escaped(&report.connection));
    format!("{title}\n{}", Checklist::default().end(report, look))
}

/// The steps of a test in the history.
pub(super) fn steps(steps: &[StepReport], look: &Look) -> String {
    steps.iter().map(|step| line(step, look)).collect()
}

#[cfg(test)]
mod tests {
    use suitesync_contract::{Failure, FailureClass};

    use super::super::look::Marks;
    use super::super::look::tests::{look, plain};
    use super::*;

    fn step(step: Step, outcome: StepOutcome, detail: &str, duration_ms: u64) -> StepReport {
        StepReport { step, outcome, detail: detail.to_owned(), duration_ms }
    }

    fn failed() -> TestReport {
        let message = "the issuer of git.example.org's certificate, `Example CA`, is not trusted";
        TestReport {
            connection: "contoso".to_owned(),
            status: "error".to_owned(),
            delegate: Some("local".to_owned()),
            steps: vec![
                step(Step::Delegate, StepOutcome::Ok, "local", 0),
                step(Step::Secrets, StepOutcome::Ok, "[secret env:PAT]", 1),
                step(Step::Dns, StepOutcome::Ok, "192.0.2.7", 12),
                step(Step::Connect, StepOutcome::Ok, "", 3),
                step(Step::Tls, StepOutcome::Failed, "untrusted\u{1b}[2J", 1_250),
                step(Step::Credentials, StepOutcome::Skipped, "", 0),
                step(Step::Repository, StepOutcome::Skipped, "", 0),
            ],
            failure: Some(Failure::new(FailureClass::TlsUntrusted, message)),
        }
    }

    /// All that a person sees who waits for `report` and hears of the steps from `first` on.
    fn seen(report: &TestReport, first: usize, look: &Look) -> String {
        let mut checklist = Checklist::default();
        let mut text: String = report.steps.iter().skip(first).map(|step| checklist.step(step, look)).collect();
        text.push_str(&checklist.end(report, look));
        plain(&text)
    }

    #[test]
    fn a_failed_test_ends_with_the_next_step() {
        insta::assert_snapshot!(seen(&failed(), 1, &look()), @r"
        ✓ delegate         0 ms
        ✓ secrets          1 ms  [secret env:PAT]
        ✓ dns             12 ms  192.0.2.7
        ✓ connect          3 ms
        ✗ tls             1.2 s  untrusted\u{1b}[2J
        – credentials
        – repository

        tls_untrusted: the issuer of git.example.org's certificate, `Example CA`, is not trusted
          → put the issuer's certificate into `additional_certs_path`
        ");
    }

    #[test]
    fn ascii_is_enough() {
        insta::assert_snapshot!(seen(&failed(), 7, &Look { marks: Marks::Ascii, ..look() }), @r"
        + delegate         0 ms  local
        + secrets          1 ms  [secret env:PAT]
        + dns             12 ms  192.0.2.7
        + connect          3 ms
        x tls             1.2 s  untrusted\u{1b}[2J
        - credentials
        - repository

        tls_untrusted: the issuer of git.example.org's certificate, `Example CA`, is not trusted
          -> put the issuer's certificate into `additional_certs_path`
        ");
    }

    #[test]
    fn every_step_is_told_once_and_in_order_however_late_one_asked() {
        let names = |text: String| -> Vec<String> {
            text.lines().take(7).filter_map(|line| line.split_whitespace().nth(1)).map(str::to_owned).collect()
        };
        for first in 0..=7 {
            let expect: Vec<_> = failed().steps.iter().map(|step| step.step.code().to_owned()).collect();
            assert_eq!(names(seen(&failed(), first, &look())), expect);
        }
    }

    #[test]
    fn a_second_try_is_told_whole() {
        let mut passed = failed();
        passed.failure = None;
        passed.status = "active".to_owned();
        passed.steps.iter_mut().for_each(|step| step.outcome = StepOutcome::Ok);
        let mut checklist = Checklist::default();
        failed().steps.iter().for_each(|step| drop(checklist.step(step, &look())));
        let end = plain(&checklist.end(&passed, &look()));
        assert!(end.starts_with("It was tried again, by another delegate:\n✓ delegate"));
        assert!(end.ends_with("Connection contoso is active: 7 steps passed, by delegate local.\n"));
    }
}
