//! `status`: one screen.

use super::fault::{Exit, Fault};
use super::look::{Look, Paint};
use super::route::Route;
use super::session::Session;
use super::wording::{ago, count, escaped, span};
use super::{connection, delegate, failure, link};
use crate::domain::connection::ConnectionStatus;
use crate::domain::link::LinkStatus;
use crate::views::{ConfigView, Problem, RunsView, StatusView};

/// Connections and links that one screen shows; those that do not work come first.
const SHOWN: usize = 20;

pub(super) async fn run(session: &mut Session) -> Result<Exit, Fault> {
    let status: StatusView = session.client.get(Route::of("status")).await?;
    session.screen.show(&status, render)?;
    Ok(Exit::Done)
}

fn render(status: &StatusView, look: &Look) -> String {
    let sections = [
        agent(status, look),
        section("Connections", &connections(status, look)),
        section("Links", &links(status, look)),
        section("Runs", &runs(status.runs)),
        section("Delegates", &delegate::render_list(&status.delegates, look)),
        problems(&status.problems, look),
    ];
    sections.join("\n")
}

fn section(title: &str, text: &str) -> String {
    format!("{}\n{text}", Paint::Title.on(title))
}

fn agent(status: &StatusView, look: &Look) -> String {
    let agent = &status.agent;
    let up = span(look.now - agent.started_at).unwrap_or_else(|| "less than a second".to_owned());
    let title = Paint::Title.on(format!("suitesync {} on {}", escaped(&agent.version), escaped(&agent.name)));
    let process = format!("process {}, up {up}, state in {}", agent.process, escaped(&agent.state_dir));
    format!("{title}\n{process}\n{}", config(&status.config, look))
}

fn config(config: &ConfigView, look: &Look) -> String {
    let running = format!("configuration {}, taken up {}\n", config.generation, ago(config.configured_at, look.now));
    let Some(first) = config.rejected.first() else {
        return running;
    };
    let more = match config.rejected.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let place = format!("{}:{}:{}{more}", escaped(&first.file), first.line, first.column);
    format!("{running}{} ({place}); this one goes on running\n", Paint::Bad.on("the files on disk are faulty"))
}

fn connections(status: &StatusView, look: &Look) -> String {
    let mut shown = status.connections.clone();
    shown.sort_by_key(|connection| connection.status == ConnectionStatus::Active);
    shown.truncate(SHOWN);
    connection::render_list(&shown, look) + &and_more(status.connections.len(), "connection")
}

fn links(status: &StatusView, look: &Look) -> String {
    let mut shown = status.links.clone();
    shown.sort_by_key(|link| link.status == LinkStatus::Active);
    shown.truncate(SHOWN);
    link::render_list(&shown, look) + &and_more(status.links.len(), "link")
}

/// `2 under way, 5 queued, by 12 schedules`, and how many lately did not pass.
fn runs(runs: RunsView) -> String {
    let by = count(runs.schedules, "schedule");
    let mut text = format!("{} under way, {} queued, by {by}\n", runs.running, runs.queued);
    if runs.failed_last_day > 0 {
        let failed = Paint::Bad.on(format!("{} of the last day did not pass", count(runs.failed_last_day, "run")));
        text.push_str(&format!("{failed}: `suitesync run list`\n"));
    }
    text
}

fn and_more(all: usize, what: &str) -> String {
    if all > SHOWN { format!("and {} more: `suitesync {what} list`\n", all - SHOWN) } else { String::new() }
}

fn problems(problems: &[Problem], look: &Look) -> String {
    if problems.is_empty() {
        return format!("{} Nothing is wrong.\n", look.marks.good());
    }
    let title = Paint::Title.on(format!("What is wrong ({})", count(problems.len() as u64, "problem")));
    let told = problems.iter().map(|problem| one_problem(problem, look));
    format!("{title}\n{}", told.collect::<String>())
}

fn one_problem(problem: &Problem, look: &Look) -> String {
    let class = Paint::Bad.on(escaped(&problem.class));
    let line = format!("{} {}: {class}: {}\n", look.marks.bad(), escaped(&problem.subject), escaped(&problem.message));
    line + &failure::next_step(&problem.hint, look)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::look::tests::{look, plain};
    use super::*;
    use crate::catalog::link::Counts;
    use crate::engine::dispatcher::DelegateView;
    use crate::views::{AgentView, LinkView};

    fn link(name: &str, status: LinkStatus) -> LinkView {
        LinkView {
            name: name.to_owned(),
            display_name: name.to_owned(),
            connection: "contoso".to_owned(),
            status,
            commit: Some("ab".repeat(20)),
            checked_at: Some(look().now - TimeDelta::seconds(12)),
            synced_at: None,
            reasons: Vec::new(),
            counts: Counts { cases: 3, suites: 1, collections: 0, malformed: 0 },
            stale: false,
            failure: None,
        }
    }

    fn status() -> StatusView {
        StatusView {
            agent: AgentView {
                name: "build-host-7".to_owned(),
                version: "0.1.0".to_owned(),
                process: 4242,
                started_at: look().now - TimeDelta::hours(3),
                state_dir: "/var/lib/suitesync".to_owned(),
            },
            config: ConfigView {
                generation: 2,
                configured_at: look().now - TimeDelta::minutes(5),
                rejected: Vec::new(),
            },
            connections: Vec::new(),
            links: vec![link("checkout-tests", LinkStatus::Active)],
            delegates: vec![DelegateView {
                name: "local".to_owned(),
                kind: "local".to_owned(),
                tags: vec!["local".to_owned(), "linux".to_owned()],
                status: "connected".to_owned(),
                running: 1,
                capacity: 4,
                tasks: 1,
                lost: None,
                program: None,
                backs_off: Vec::new(),
            }],
            runs: RunsView::default(),
            problems: Vec::new(),
        }
    }

    #[test]
    fn runs_that_did_not_pass_have_a_line_of_their_own() {
        let lately = RunsView { schedules: 12, queued: 5, running: 2, failed_last_day: 1 };
        let told = "2 under way, 5 queued, by 12 schedules\n1 run of the last day did not pass: `suitesync run list`\n";
        assert_eq!(plain(&runs(lately)), told);
    }

    #[test]
    fn one_screen_shows_all_there_is() {
        insta::assert_snapshot!(plain(&render(&status(), &look())), @"
        suitesync 0.1.0 on build-host-7
        process 4242, up 3 h, state in /var/lib/suitesync
        configuration 2, taken up 5 min ago

        Connections
        There are no connections yet: add a [[connection]] to the configuration; `suitesync check` validates it.

        Links
        NAME            CONNECTION  STATUS  CASES  SUITES  COMMIT      CHECKED   FAILURE
        checkout-tests  contoso     active  3      1       ababababab  12 s ago

        Runs
        0 under way, 0 queued, by 0 schedules

        Delegates
        NAME   KIND   STATUS     RUNNING  TAGS          NOTES
        local  local  connected  1 of 4   local, linux

        ✓ Nothing is wrong.
        ");
    }

    #[test]
    fn faulty_files_and_problems_are_told_with_what_to_do() {
        let mut status = status();
        let fault = r#"{"severity":"error","file":"/c.toml","line":3,"column":1,"message":"no such key","help":null}"#;
        status.config.rejected = vec![serde_json::from_str(fault).unwrap()];
        status.problems = vec![Problem {
            subject: "link web".to_owned(),
            class: "ref_not_found".to_owned(),
            message: "there is no branch `mi\u{1b}an`".to_owned(),
            hint: "check the branch or tag of the link".to_owned(),
        }];
        let shown = plain(&render(&status, &look()));
        let told: Vec<_> = shown.lines().filter(|line| line.contains("/c.toml") || line.contains("mi\\u")).collect();
        assert_eq!(
            told,
            [
                "the files on disk are faulty (/c.toml:3:1); this one goes on running",
                "✗ link web: ref_not_found: there is no branch `mi\\u{1b}an`",
            ]
        );
        assert!(shown.ends_with("\n  → check the branch or tag of the link\n"));
    }

    #[test]
    fn what_does_not_work_comes_first_and_the_rest_is_counted() {
        let mut status = status();
        status.links = (0..30).map(|number| link(&format!("l{number}"), LinkStatus::Active)).collect();
        status.links.push(link("broken", LinkStatus::Error));
        let shown = plain(&links(&status, &look()));
        assert!(shown.lines().nth(1).is_some_and(|line| line.starts_with("broken")));
        assert!(shown.ends_with("and 11 more: `suitesync link list`\n"));
    }
}
