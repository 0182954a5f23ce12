//! HTTP Basic (RFC 7617), to servers and proxies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

/// The value of `Authorization` or `Proxy-Authorization`, marked as secret. The name may be empty, and holds no colon.
pub fn basic(username: &str, password: &str) -> HeaderValue {
    let pair = Zeroizing::new(format!("{username}:{password}"));
    let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    let text = Zeroizing::new(format!("Basic {}", *encoded));
    let mut header = HeaderValue::from_str(&text).expect("base64 is made of characters that a header may hold");
    header.set_sensitive(true);
    header
}
