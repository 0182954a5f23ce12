//! Each kind of rule against hosts, as tables.

use super::{NoProxy, Reason};

fn check(rule: &str, host: &str, port: u16, expect: bool) {
    assert_eq!(NoProxy::parse(rule).unwrap().exempts(host, port), expect, "{rule} for {host}:{port}");
}

fn check_refused(rule: &str, expect: Reason) {
    assert_eq!(NoProxy::parse(rule).unwrap_err().reason, expect, "{rule}");
}

#[test]
fn a_name_exempts_itself_and_its_subdomains() {
    check("corp.example", "corp.example", 443, true);
    check("corp.example", "git.corp.example", 443, true);
    check("corp.example", "mycorp.example", 443, false);
    check("corp.example", "corp.example.org", 443, false);
    check("localhost", "localhost", 80, true);
    check("localhost", "127.0.0.1", 80, false);
}

#[test]
fn a_suffix_exempts_subdomains_alone() {
    for rule in [".corp.example", "*.corp.example"] {
        check(rule, "git.corp.example", 443, true);
        check(rule, "a.b.corp.example", 443, true);
        check(rule, "corp.example", 443, false);
        check(rule, ".corp.example", 443, false);
        check(rule, "mycorp.example", 443, false);
    }
}

#[test]
fn letter_case_and_a_dot_at_the_end_do_not_matter() {
    check("CORP.Example.", "git.corp.example", 443, true);
    check("corp.example", "GIT.corp.example.", 443, true);
    check(".Corp", "git.CORP.", 22, true);
    check("bücher.example", "xn--bcher-kva.example", 443, true);
}

#[test]
fn a_port_narrows_any_rule() {
    for (rule, host) in [
        ("corp.example:8443", "git.corp.example"),
        (".corp.example:8443", "git.corp.example"),
        ("10.0.0.0/8:8443", "10.1.2.3"),
        ("10.1.2.3:8443", "10.1.2.3"),
        ("[fd00::/8]:8443", "fd00::1"),
        ("[::1]:8443", "::1"),
        ("*:8443", "anything.example"),
    ] {
        check(rule, host, 8443, true);
        check(rule, host, 443, false);
    }
}

#[test]
fn addresses_are_compared_as_addresses() {
    check("10.1.2.3", "10.1.2.3", 443, true);
    check("10.1.2.3", "10.1.2.30", 443, false);
    check("::1", "0:0:0:0:0:0:0:1", 443, true);
    check("[2001:DB8::1]", "2001:db8::1", 443, true);
    check("10.1.2.3", "::ffff:10.1.2.3", 443, true);
    check("127.1", "127.0.0.1", 443, true);
}

#[test]
fn blocks_hold_addresses_and_no_names() {
    check("10.0.0.0/8", "10.255.0.1", 443, true);
    check("10.0.0.0/8", "11.0.0.1", 443, false);
    check("10.0.0.0/8", "10.example", 443, false);
    check("10.1.2.3/8", "10.200.0.1", 443, true);
    check("0.0.0.0/0", "203.0.113.9", 443, true);
    check("0.0.0.0/0", "::1", 443, false);
    check("192.0.2.7/32", "192.0.2.8", 443, false);
    check("fd00::/8", "fd12::9", 443, true);
    check("fd00::/8", "fe00::9", 443, false);
    check("::/0", "2001:db8::1", 443, true);
    check("2001:db8::/127", "2001:db8::1", 443, true);
}

#[test]
fn a_star_exempts_everything() {
    for host in ["git.example.org", "10.1.2.3", "::1", "localhost"] {
        check("*", host, 443, true);
    }
}

#[test]
fn several_rules_may_stand_in_one_text_or_be_put_together() {
    let listed = NoProxy::parse("localhost, .corp,,10.0.0.0/8").unwrap();
    let rules = ["10.0.0.0/8", "LOCALHOST", "*.corp", "localhost"].map(|rule| NoProxy::parse(rule).unwrap());
    assert_eq!(NoProxy::of(rules), listed);
    assert_eq!(listed.to_string(), "localhost,.corp,[10.0.0.0/8]");
    assert!(!NoProxy::default().exempts("localhost", 443));
}

#[test]
fn what_is_no_rule_is_refused_with_what_is_wrong() {
    check_refused("", Reason::Empty);
    check_refused(" , ", Reason::Empty);
    check_refused("https://corp.example", Reason::Url);
    check_refused("corp.example:0", Reason::Port);
    check_refused("corp.example:https", Reason::Port);
    check_refused("corp.example:70000", Reason::Port);
    check_refused("[::1]:", Reason::Port);
    check_refused("10.0.0.0/33", Reason::Block);
    check_refused("fd00::/129", Reason::Block);
    check_refused("10.0.0.0/", Reason::Block);
    check_refused("corp.example/8", Reason::Block);
    check_refused("git.*.example", Reason::Name);
    check_refused("*corp", Reason::Name);
    check_refused("..corp", Reason::Name);
    check_refused(".10.1.2.3", Reason::Name);
    check_refused("[::1", Reason::Name);
    check_refused("a b..c", Reason::Name);
    check_refused("svc@corp.example", Reason::Name);
}

#[test]
fn the_message_names_the_rule() {
    let error = NoProxy::parse("localhost,10.0.0.0/40").unwrap_err();
    assert!(error.to_string().starts_with("failed to read the rule `10.0.0.0/40`: its block"), "{error}");
}
