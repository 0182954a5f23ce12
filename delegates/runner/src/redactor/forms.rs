//! The forms in which a secret turns up in the output of tools.

use base64::Engine as _;
use base64::alphabet::{self, Alphabet};
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::MIN_SECRET;

/// Shortest line of broken base64 that is looked for by itself; shorter ones say little.
const MIN_LINE: usize = 8;
/// Shortest piece of base64 that is looked for: four characters turn up by chance.
const MIN_BASE64: usize = 5;
/// Columns at which `openssl base64` and `base64` break lines.
const BASE64_COLUMNS: [usize; 2] = [64, 76];

/// RFC 3986: all but what is unreserved.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// As above, with slashes left alone: Python's `quote`.
const PATH: &AsciiSet = &STRICT.remove(b'/');
/// JavaScript's `encodeURIComponent`.
const COMPONENT: &AsciiSet = &STRICT.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');
/// What forms send, where a blank is a plus: `application/x-www-form-urlencoded`.
const FORM: &AsciiSet = &STRICT.remove(b'*').remove(b' ').add(b'~');

/// Every form once, the secret itself among them.
pub(super) fn of(secret: &str, user: Option<&str>) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms = Forms::default();
    forms.add(secret);
    forms.add(secret.trim_end());
    for line in secret.lines().filter(|line| line.trim().len() >= MIN_SECRET && line.len() < secret.len()) {
        forms.add(line.trim());
    }
    forms.add_escaped(secret);
    for set in [STRICT, PATH, COMPONENT] {
        forms.add_percent(&utf8_percent_encode(secret, set).to_string());
    }
    forms.add_percent(&utf8_percent_encode(secret, FORM).to_string().replace(' ', "+"));
    forms.add(hex::encode(secret));
    forms.add(hex::encode_upper(secret));
    forms.add_base64(secret);
    for user in ["", user.unwrap_or_default()] {
        let pair = Zeroizing::new(format!("{user}:{secret}"));
        forms.add(STANDARD.encode(pair.as_bytes()));
        forms.add(URL_SAFE.encode(pair.as_bytes()));
    }
    forms.0
}

#[derive(Default)]
struct Forms(Vec<Zeroizing<Vec<u8>>>);

impl Forms {
    fn add(&mut self, form: impl Into<Vec<u8>>) {
        let form = Zeroizing::new(form.into());
        if !form.is_empty() && !self.0.contains(&form) {
            self.0.push(form);
        }
    }

    /// As JSON, XML and a shell that shows its commands write it.
    fn add_escaped(&mut self, secret: &str) {
        let json = serde_json::Value::from(secret).to_string();
        let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(&json).to_owned();
        self.add(json.replace('/', "\\/"));
        self.add(ascii(&json));
        self.add(json);
        let xml = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.add(xml.replace('"', "&quot;"));
        self.add(xml.replace('"', "&quot;").replace('\'', "&apos;"));
        self.add(xml);
        self.add(secret.replace('\'', "'\\''"));
    }

    /// Digits beyond nine are written in either case.
    fn add_percent(&mut self, encoded: &str) {
        self.add(encoded);
        let mut lower = String::with_capacity(encoded.len());
        let mut digits = 0;
        for character in encoded.chars() {
            lower.push(if digits > 0 { character.to_ascii_lowercase() } else { character });
            digits = if character == '%' { 2 } else { digits.max(1) - 1 };
        }
        self.add(lower);
    }

    /// Base64 of anything that holds the secret: it begins at one of three places of a group of four characters. The
    /// characters at its ends that it shares with its neighbours tell some of it, too, and may be any of a few.
    fn add_base64(&mut self, secret: &str) {
        for before in 0..3 {
            let padded = Zeroizing::new([&[0; 3][..before], secret.as_bytes()].concat());
            let first = (before * 8).div_ceil(6);
            let end = padded.len() * 8 / 6;
            for (engine, alphabet) in [(STANDARD_NO_PAD, alphabet::STANDARD), (URL_SAFE_NO_PAD, alphabet::URL_SAFE)] {
                let encoded = Zeroizing::new(engine.encode(padded.as_slice()));
                let Some(own) = encoded.get(first..end).filter(|own| own.len() >= MIN_BASE64) else { continue };
                self.add(own);
                for shared in shared_first(padded.as_slice(), before, &alphabet) {
                    self.add(format!("{shared}{own}"));
                }
                for shared in shared_last(padded.as_slice(), &alphabet) {
                    self.add(format!("{own}{shared}"));
                }
            }
        }
        let whole = Zeroizing::new(STANDARD.encode(secret));
        for columns in BASE64_COLUMNS.into_iter().filter(|columns| whole.len() > *columns) {
            whole.as_bytes().chunks(columns).filter(|line| line.len() >= MIN_LINE).for_each(|line| self.add(line));
        }
    }
}

/// What the character may be that holds the secret's first bits after bits of what stands before it.
fn shared_first(padded: &[u8], before: usize, alphabet: &Alphabet) -> Vec<char> {
    let others = before * 8 % 6;
    let own = padded.get(before).map_or(0, |byte| usize::from(*byte) >> (2 + others));
    let variants = if others == 0 { 0 } else { 1 << others };
    characters((0..variants).map(|other| other << (6 - others) | own), alphabet)
}

/// What the character may be that holds the secret's last bits before bits of what comes after it, or none.
fn shared_last(padded: &[u8], alphabet: &Alphabet) -> Vec<char> {
    let bits = padded.len() * 8 % 6;
    let own = padded.last().map_or(0, |byte| usize::from(*byte) & ((1 << bits) - 1)) << (6 - bits);
    let variants = if bits == 0 { 0 } else { 1 << (6 - bits) };
    characters((0..variants).map(|other| own | other), alphabet)
}

fn characters(values: impl Iterator<Item = usize>, alphabet: &Alphabet) -> Vec<char> {
    values.filter_map(|value| alphabet.as_str().chars().nth(value)).collect()
}

/// JSON in ASCII alone, as Python writes it.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}
