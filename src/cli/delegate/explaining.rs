//! `delegate explain`: who would be given work now, and every rule that each of the others fails.

use super::super::arguments::ExplainArguments;
use super::super::fault::{Exit, Fault};
use super::super::look::{Look, Paint};
use super::super::route::Route;
use super::super::session::Session;
use super::super::table::{Cell, Table};
use super::super::wording::escaped;
use crate::domain::back_off::BackOff;
use crate::engine::explanation::DelegateVerdict;

pub(super) async fn run(arguments: &ExplainArguments, session: &mut Session) -> Result<Exit, Fault> {
    let route = Route::of("delegates").then("explain");
    let route = route.with("connection", arguments.connection.as_ref());
    let route = route.with("link", arguments.link.as_ref()).with("schedule", arguments.schedule.as_ref());
    let verdicts: Vec<DelegateVerdict> = session.client.get(route).await?;
    let work = work(arguments);
    session.screen.show(&verdicts, |verdicts, look| told(&work, verdicts, look))?;
    Ok(Exit::answer(verdicts.iter().any(|verdict| verdict.eligible)))
}

/// What is to be done, as a sentence begins with it.
fn work(arguments: &ExplainArguments) -> String {
    match (&arguments.connection, &arguments.link, &arguments.schedule) {
        (Some(name), _, _) => format!("A test of connection {}", escaped(name.as_str())),
        (None, Some(name), _) => format!("A sync of link {}", escaped(name.as_str())),
        (None, None, Some(name)) => format!("A run of schedule {}", escaped(name.as_str())),
        (None, None, None) => "A task that asks for no tags".to_owned(),
    }
}

fn told(work: &str, verdicts: &[DelegateVerdict], look: &Look) -> String {
    let chosen = verdicts.iter().find(|verdict| verdict.chosen);
    let first = match chosen {
        Some(verdict) => {
            let because = verdict.because.as_deref().unwrap_or_default();
            format!("{work} would go to {}: {because}.\n", escaped(&verdict.delegate))
        }
        None => format!("{work} would go to no delegate now.\n"),
    };
    if verdicts.is_empty() {
        return first;
    }
    let mut table = Table::new(["DELEGATE", "ELIGIBLE", "WHY NOT"], look);
    for verdict in verdicts {
        let eligible =
            if verdict.eligible { Cell::painted(Paint::Good, "yes") } else { Cell::painted(Paint::Warning, "no") };
        table.row([Cell::new(&verdict.delegate), eligible, Cell::new(verdict.reasons.join("; "))]);
    }
    first + "\n" + &table.render() + &without_alternative(verdicts)
}

/// Those that would leave a server alone for a while, were another one at hand.
fn without_alternative(verdicts: &[DelegateVerdict]) -> String {
    let line = |(verdict, back_off): (&DelegateVerdict, &BackOff)| {
        let (delegate, host) = (escaped(&verdict.delegate), escaped(&back_off.host));
        format!("{delegate} could not connect to {host} ({}), but nobody else can be asked.\n", back_off.class)
    };
    let eligible = verdicts.iter().filter(|verdict| verdict.eligible);
    eligible.flat_map(|verdict| verdict.backs_off.iter().map(move |back_off| (verdict, back_off))).map(line).collect()
}

#[cfg(test)]
mod tests {
    use suitesync_contract::FailureClass;

    use super::super::super::look::tests::{look, plain};
    use super::*;

    fn verdict(delegate: &str, reasons: &[&str]) -> DelegateVerdict {
        DelegateVerdict {
            delegate: delegate.to_owned(),
            eligible: reasons.is_empty(),
            reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
            chosen: false,
            because: None,
            backs_off: Vec::new(),
        }
    }

    #[test]
    fn the_one_that_is_taken_comes_first_and_what_others_lack_stands_beside_them() {
        let because = Some("no other one can".to_owned());
        let verdicts = [
            DelegateVerdict { chosen: true, because, ..verdict("dc1", &[]) },
            verdict("dc2", &["missing tag linux", "backs off from git.example.org until 2026-02-03T04:05:36Z (proxy)"]),
            verdict("dc3", &["draining"]),
        ];
        insta::assert_snapshot!(plain(&told("A sync of link web", &verdicts, &look())), @r"
        A sync of link web would go to dc1: no other one can.

        DELEGATE  ELIGIBLE  WHY NOT
        dc1       yes
        dc2       no        missing tag linux; backs off from git.example.org until 2026-02-03T04:05:36Z (proxy)
        dc3       no        draining
        ");
    }

    #[test]
    fn that_nobody_can_be_asked_instead_is_told() {
        let until = "2026-02-03T04:05:36Z".parse().unwrap();
        let back_off = BackOff { host: "git.example.org".to_owned(), class: FailureClass::Dns, until };
        let alone = DelegateVerdict { backs_off: vec![back_off], ..verdict("dc1", &[]) };
        let shown = plain(&told("A sync of link web", &[alone], &look()));
        assert!(shown.ends_with("dc1 could not connect to git.example.org (dns), but nobody else can be asked.\n"));
    }

    #[test]
    fn without_delegates_nobody_takes_it() {
        assert_eq!(told("A sync of link web", &[], &look()), "A sync of link web would go to no delegate now.\n");
    }
}
