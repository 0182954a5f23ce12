//! What is resolved to which value, and what is told where none is to be had.

use super::*;

fn secrets() -> Secrets {
    let sources = [("pat".parse().unwrap(), SecretSource::Env("PAT".to_owned()))].into();
    Secrets::new(sources, Environment::of([("PAT", "hunter2"), ("EMPTY", ""), ("TWO", "a\nb")]))
}

fn resolve_file(content: &[u8]) -> Result<SecretValue, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, content).unwrap();
    secrets().resolve(&SecretRef::File(path.display().to_string()))
}

#[test]
fn variables_and_declared_names_are_resolved() {
    for reference in [SecretRef::Env("PAT".to_owned()), SecretRef::Secret("pat".parse().unwrap())] {
        assert_eq!(secrets().resolve(&reference).unwrap().expose(), "hunter2");
    }
}

#[test]
fn a_value_is_shown_as_its_source() {
    let value = secrets().resolve(&SecretRef::Env("PAT".to_owned())).unwrap();
    assert_eq!(format!("{value} {value:?}"), "[secret env:PAT] [secret env:PAT]");
}

#[test]
fn one_line_end_of_a_file_is_not_part_of_the_secret() {
    let check = |content: &[u8], expect: &str| assert_eq!(resolve_file(content).unwrap().expose(), expect);
    check(b"hunter2", "hunter2");
    check(b"hunter2\n", "hunter2");
    check(b"hunter2\r\n", "hunter2");
    check(b" hunter2 ", " hunter2 ");
}

#[test]
fn files_that_hold_no_secret_are_a_failure() {
    let too_large = vec![b'x'; 64 * 1024 + 1];
    for content in [&b""[..], b"\n", b"a\n\n", b"\xff\xfe", &too_large] {
        assert_eq!(resolve_file(content).unwrap_err().class, FailureClass::SecretUnavailable);
    }
    assert!(resolve_file(&vec![b'x'; 64 * 1024]).is_ok());
}

#[test]
fn a_failure_names_the_source_and_never_the_value() {
    let check = |reference: SecretRef, message: &str| {
        assert_eq!(secrets().resolve(&reference).unwrap_err().message, message);
    };
    check(SecretRef::Env("NONE".to_owned()), "[secret env:NONE] is not set");
    check(SecretRef::Env("EMPTY".to_owned()), "[secret env:EMPTY] is not set");
    check(SecretRef::Env("TWO".to_owned()), "[secret env:TWO] holds a line break or another control character");
    check(SecretRef::Secret("none".parse().unwrap()), "[secret none] is not declared");
    check(SecretRef::File("/".to_owned()), "[secret file:/] is not a file");
}

#[test]
fn a_key_may_have_lines_and_ends_with_a_line_end() {
    let check = |value: &str, expect: &str| {
        let secrets = Secrets::new([].into(), Environment::of([("KEY", value)]));
        assert_eq!(secrets.resolve_key(&SecretRef::Env("KEY".to_owned())).unwrap().expose(), expect);
    };
    check("-----BEGIN-----\nabc\n-----END-----", "-----BEGIN-----\nabc\n-----END-----\n");
    check("a\r\nb\r\n", "a\nb\n");
    let secrets = Secrets::new([].into(), Environment::of([("KEY", "a\u{1b}b")]));
    assert!(secrets.resolve_key(&SecretRef::Env("KEY".to_owned())).is_err());
}

#[test]
fn what_a_run_is_given_may_have_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("document");
    let resolve = |content: &str| {
        std::fs::write(&path, content).unwrap();
        secrets().resolve_lines(&SecretRef::File(path.display().to_string())).map(|value| value.expose().to_owned())
    };
    assert_eq!(resolve("{\r\n\t\"a\": 1\n}\n").unwrap(), "{\r\n\t\"a\": 1\n}");
    assert!(resolve("a\0b").unwrap_err().message.contains("holds a control character"));
}

#[test]
fn a_credential_is_a_file_in_systemds_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pat"), "hunter2\n").unwrap();
    let secrets =
        Secrets::new([].into(), Environment::of([("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap())]));
    let resolve = |name: &str| secrets.resolve(&SecretRef::Credential(name.to_owned()));
    assert_eq!(resolve("pat").unwrap().expose(), "hunter2");
    let missing = resolve("other").unwrap_err();
    assert!(missing.message.starts_with("[secret credential:other] cannot be read: No such file"), "{missing:?}");
    assert_eq!(missing.hint, "add `LoadCredential=other:/path` to the unit");
    assert!(resolve("../pat").is_err());
    let elsewhere = self::secrets().resolve(&SecretRef::Credential("pat".to_owned())).unwrap_err();
    assert_eq!(elsewhere.message, "[secret credential:pat] is not there: systemd has given no credentials");
}

#[test]
fn a_command_prints_the_value() {
    let resolve =
        |script: &str| secrets().resolve(&SecretRef::Command(["/bin/sh", "-c", script].map(str::to_owned).to_vec()));
    assert_eq!(resolve("echo hunter2").unwrap().expose(), "hunter2");
    assert!(resolve("printf 'a\\nb\\n'").is_err());
    let message = |script: &str| resolve(script).unwrap_err().message;
    assert_eq!(message("echo hunter2; exit 7"), "[secret command:/bin/sh] ended with exit status 7");
    assert_eq!(message("true"), "[secret command:/bin/sh] is empty");
    assert_eq!(message("yes"), "[secret command:/bin/sh] is larger than 64 KiB");
}

#[test]
fn a_digest_follows_the_value_and_runs_no_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let mark = folder.path().join("mark");
    let of_file = || {
        std::fs::write(&path, "a\nb\n").unwrap();
        secrets().digest(&SecretRef::File(path.display().to_string()))
    };
    let before = of_file();
    assert!(before.is_some() && before == of_file());
    std::fs::write(&path, "a\nc\n").unwrap();
    assert_ne!(secrets().digest(&SecretRef::File(path.display().to_string())), before);
    let command = SecretRef::Command(vec!["/usr/bin/touch".to_owned(), mark.display().to_string()]);
    assert_eq!(secrets().digest(&command), None);
    assert!(!mark.exists());
}
