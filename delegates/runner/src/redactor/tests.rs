//! What is found, in which forms, and that no cut between writes lets a secret through.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

const VALUE: &str = "p@ss/w\"ord é+1";

fn secret(name: &str, value: &str, user: Option<&str>) -> Secret {
    let source = SecretRef::Env(name.to_owned());
    Secret { source, value: Zeroizing::new(value.to_owned()), user: user.map(str::to_owned) }
}

fn redactor(value: &str) -> Redactor {
    Redactor::new(&[secret("A", value, Some("svc"))]).unwrap()
}

fn check(text: &str, expect: &str) {
    assert_eq!(redactor(VALUE).redact(text), expect, "{text}");
}

#[test]
fn a_secret_is_found_in_every_form() {
    for form in [
        VALUE,
        "p%40ss%2Fw%22ord%20%C3%A9%2B1",
        "p%40ss%2fw%22ord%20%c3%a9%2b1",
        "p%40ss/w%22ord%20%C3%A9%2B1",
        "p%40ss%2Fw%22ord+%C3%A9%2B1",
        "p@ss/w\\\"ord é+1",
        "p@ss\\/w\\\"ord é+1",
        "p@ss/w\\\"ord \\u00e9+1",
        "p@ss/w&quot;ord é+1",
        &hex::encode(VALUE),
    ] {
        check(&format!("<{form}>"), "<[secret env:A]>");
    }
}

#[test]
fn base64_is_found_wherever_the_secret_lies_in_it() {
    check(&STANDARD.encode(format!("svc:{VALUE}")), "[secret env:A]");
    check(&STANDARD.encode(format!(":{VALUE}")), "[secret env:A]");
    for before in ["", "a", "ab", "abc", "user:"] {
        let text = format!("{before}{VALUE}\nrest");
        for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            let redacted = redactor(VALUE).redact(&encoded).into_owned();
            assert!(redacted.contains("[secret env:A]"), "{before}: {redacted}");
            assert!(redacted.len() < "[secret env:A]".len() + 20, "{before}: {redacted}");
        }
    }
}

#[test]
fn base64_tells_no_bit_of_a_secret_whatever_stands_around_it() {
    for value in ["hunter2", "hunter22", "hunter222"] {
        for (before, after) in [("user:", ""), ("us:", "\n"), ("u:", "\u{ff}"), ("", "x"), ("user:", "@host")] {
            let encoded = STANDARD.encode(format!("{before}{value}{after}"));
            // Whole groups that hold nothing of the secret, and what pads the last one.
            let first = before.len() * 8 / 6;
            let last = ((before.len() + value.len()) * 8).div_ceil(6);
            let expect = format!("{}[secret env:A]{}", &encoded[..first], &encoded[last..]);
            assert_eq!(redactor(value).redact(&encoded), expect, "{before}{value}{after}");
        }
    }
}

#[test]
fn lines_of_a_long_secret_are_found_alone_and_in_broken_base64() {
    let key = format!("-----BEGIN KEY-----\n{}\n{}\n-----END KEY-----\n", "Ab1+".repeat(16), "Cd2/".repeat(16));
    let lines = redactor(&key).redact(&format!("x{}x", "Cd2/".repeat(16))).into_owned();
    assert_eq!(lines, "x[secret env:A]x");
    let encoded = STANDARD.encode(&key);
    let broken: Vec<_> = encoded.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
    for line in redactor(&key).redact(&broken.join("\n")).lines() {
        assert_eq!(line, "[secret env:A]");
    }
}

#[test]
fn each_line_of_a_secret_is_found_that_would_be_by_itself() {
    let secret = "{\n  \"key\": 7,\n  hunter2\n}";
    assert_eq!(redactor(secret).redact("a hunter2 b } \"key\": 7, c"), "a [secret env:A] b } [secret env:A] c");
    assert_eq!(redactor(secret).redact(secret), "[secret env:A]");
}

#[test]
fn secrets_that_overlap_are_taken_out_together() {
    let both = Redactor::new(&[secret("A", "abcdef", None), secret("B", "defghi", None)]).unwrap();
    assert_eq!(both.redact("<abcdefghi>"), "<[secret env:A]>");
    assert_eq!(both.redact("<abcdefdefghi>"), "<[secret env:A][secret env:B]>");
    let nested = Redactor::new(&[secret("A", "abcd", None), secret("B", "xabcdx", None)]).unwrap();
    assert_eq!(nested.redact("xabcdx xabcdy"), "[secret env:B] x[secret env:A]y");
}

#[test]
fn what_is_too_short_or_absent_is_left_alone() {
    assert_eq!(redactor("abc").redact("abc"), "abc");
    assert_eq!(Redactor::default().redact("abc"), "abc");
    check("p@ss/w and more", "p@ss/w and more");
}

fn in_pieces(redactor: &Redactor, text: &[u8], mut next: impl FnMut() -> usize) -> (Vec<u8>, usize) {
    let (mut stream, mut out, mut rest) = (redactor.stream(), Vec::new(), text);
    let mut most_held = 0;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(next().clamp(1, rest.len()));
        stream.push(piece, &mut out);
        most_held = most_held.max(stream.held.len());
        rest = after;
    }
    stream.finish(&mut out);
    (out, most_held)
}

#[test]
fn no_cut_between_writes_changes_what_is_found() {
    let redactor = Redactor::new(&[secret("A", VALUE, Some("svc")), secret("B", "aabaa", None)]).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let longest = redactor.known.as_ref().unwrap().longest;
    let encoded = STANDARD.encode(format!("svc:{VALUE}"));
    let parts = [VALUE, "aabaa", "aab", "p@ss", "w%22ord", " ", "a", "aabaabaa", &encoded, "p%40ss%2Fw"];
    for round in 0..2_000 {
        let text: String = (0..random.usize(1..20)).map(|_| parts[random.usize(..parts.len())]).collect();
        let (whole, _) = in_pieces(&redactor, text.as_bytes(), || usize::MAX);
        let (cut, held) = in_pieces(&redactor, text.as_bytes(), || random.usize(1..9));
        assert_eq!(String::from_utf8_lossy(&cut), String::from_utf8_lossy(&whole), "{round}: {text}");
        assert!(held < longest, "{round}: {held}");
        let shown = String::from_utf8_lossy(&cut);
        assert!(!shown.contains(VALUE) && !shown.contains("aabaa") && !shown.contains(&encoded), "{round}: {text}");
    }
}

#[test]
fn what_looks_like_no_secret_is_not_held_back() {
    let mut stream = redactor(VALUE).stream();
    let mut out = Vec::new();
    stream.push(b"a line\n", &mut out);
    assert_eq!(out, b"a line\n");
    stream.push(b"p@s", &mut out);
    assert_eq!(out, b"a line\n");
    stream.push(b"sive\n", &mut out);
    assert_eq!(out, b"a line\np@ssive\n");
}
