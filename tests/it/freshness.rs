//! A hundred links stay fresh whatever a few servers do, and what was sick heals with its server.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;
use suitesync_loopback::{Authority, Fault, GitServer, IssueOptions, Login, ServerOptions};

use crate::support::katalon::small_project;
use crate::support::{Site, TOKEN, wait_for, wait_within};

/// Links on the healthy server; with fourteen on sick ones they are a hundred.
const HEALTHY: usize = 86;

/// How long the sick servers are sick: several turns of every healthy link.
const SICKNESS: Duration = Duration::from_secs(20);

/// What a turn may come late, on a machine that runs other tests too.
const LATENESS: chrono::TimeDelta = chrono::TimeDelta::seconds(8);

/// An answer that drips is given up after 100 s of its time limit; then the next turn finds the server well.
const HEALING: Duration = Duration::from_secs(150);

/// A server of its own, with one repository under several names.
fn server(site: &Site, name: &str, repositories: usize) -> GitServer {
    let authority = Authority::new(&format!("{name} authority")).unwrap();
    let root = site.path(&format!("servers/{name}"));
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(site.path(&format!("{name}.pem")), authority.pem()).unwrap();
    for number in 0..repositories {
        let target = site.path("repositories/shop.git");
        std::os::unix::fs::symlink(target, root.join(format!("r{number}.git"))).unwrap();
    }
    let identity = authority.issue(&IssueOptions::default()).unwrap();
    GitServer::start(ServerOptions::new(root).identity(identity).login(Login::Token(TOKEN.to_owned()))).unwrap()
}

fn configuration(site: &Site, name: &str, server: &GitServer, repositories: usize) -> String {
    let connection = format!(
        "[[connection]]\nname = \"{name}\"\nprovider = \"git\"\nurl = \"{}\"\nurl_type = \"organization\"\n\
         test_repository = \"r0.git\"\nadditional_certs_path = {:?}\ntest_every = \"1h\"\n\
         [connection.credentials]\npassword = {{ env = \"SITE_TOKEN\" }}\n\n",
        server.url("/"),
        site.path(&format!("{name}.pem")),
    );
    let link = |number: usize| {
        let url = server.url(&format!("/r{number}.git"));
        format!("[[link]]\nname = \"{name}-{number}\"\nconnection = \"{name}\"\nurl = \"{url}\"\nsync_every = \"4s\"\n")
    };
    connection + &(0..repositories).map(link).collect::<String>()
}

fn checked_at(link: &Value) -> DateTime<Utc> {
    link["checked_at"].as_str().unwrap().parse().unwrap()
}

fn links(site: &Site) -> Vec<Value> {
    site.json(&["link", "list"]).as_array().unwrap().clone()
}

fn is_healthy(link: &Value) -> bool {
    link["name"].as_str().unwrap().starts_with("healthy-")
}

#[test]
fn sick_servers_cost_their_own_links_only_and_heal() {
    let site = Site::new();
    let repository = site.repository("shop.git");
    repository.commit("main", "first", &small_project()).unwrap();
    let sick = [
        ("silent", 1, Fault::SilentAfterRequest),
        ("mute", 1, Fault::SilentAfterAccept),
        ("broken", 10, Fault::status(500)),
        ("dripping", 1, Fault::Drip { bytes_per_second: 1 }),
        ("thinking", 1, Fault::DelayFirstByte(Duration::from_secs(15))),
    ];
    let healthy = server(&site, "healthy", HEALTHY);
    let servers: Vec<_> = sick.iter().map(|(name, count, _)| server(&site, name, *count)).collect();
    let all = sick.iter().zip(&servers).map(|((name, count, _), server)| configuration(&site, name, server, *count));
    site.configure(&(configuration(&site, "healthy", &healthy, HEALTHY) + &all.collect::<String>()));
    let _agent = site.agent();
    let all_active = || links(&site).iter().all(|link| link["status"] == "active").then_some(());
    wait_for("all links to be active", all_active);

    sick.into_iter().zip(&servers).for_each(|((_, _, fault), server)| server.set_fault("", fault));
    let end = Instant::now() + SICKNESS;
    while Instant::now() < end {
        for link in links(&site).iter().filter(|link| is_healthy(link)) {
            let age = Utc::now() - checked_at(link);
            assert!(age < chrono::TimeDelta::seconds(4) + LATENESS, "{} was last looked at {age} ago", link["name"]);
        }
    }
    let broken = links(&site).into_iter().filter(|link| link["failure"]["class"] == "server_error");
    assert_eq!(broken.count(), 10);
    wait_for("the thinker's answer", || {
        links(&site).into_iter().find(|link| link["name"] == "thinking-0" && link["status"] == "active")
    });

    servers.iter().for_each(GitServer::clear_faults);
    let healed = Utc::now();
    wait_within(HEALING, "every link to heal", || {
        let fresh = |link: &Value| link["status"] == "active" && checked_at(link) > healed;
        links(&site).iter().all(fresh).then_some(())
    });
}
