//! How a token is sent: as HTTP Basic with an empty user, which is what a personal access token wants, or as Bearer,
//! which is what a token of Entra ID wants. Its shape tells which of the two it is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use suitesync_reach::basic;
use zeroize::Zeroizing;

/// The first part of a JSON Web Token (RFC 7515, section 4).
#[derive(Debug, Deserialize)]
struct JoseHeader {
    #[serde(rename = "alg")]
    _algorithm: String,
}

/// The `Authorization` of every request.
pub(crate) fn header(token: &str) -> HeaderValue {
    if !is_web_token(token) {
        return basic("", token);
    }
    let text = Zeroizing::new(format!("Bearer {token}"));
    let mut header = HeaderValue::from_str(&text).expect("base64 holds nothing that a header may not hold");
    header.set_sensitive(true);
    header
}

/// Whether a token is a signed JSON Web Token: three parts of base64url, the first of which names an algorithm.
fn is_web_token(token: &str) -> bool {
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok().filter(|bytes| !bytes.is_empty());
    let parts: Option<Vec<_>> = token.split('.').map(decoded).collect();
    match parts.as_deref() {
        Some([header, _, _]) => serde_json::from_slice::<JoseHeader>(header).is_ok(),
        Some(_) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn web_token(header: &str) -> String {
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", encoded(header), encoded(r#"{"aud":"x"}"#), encoded("signature"))
    }

    #[test]
    fn the_shape_of_a_token_decides_how_it_is_sent() {
        let check = |token: &str, expect: &str| {
            let header = header(token);
            assert_eq!(header.to_str().unwrap(), expect);
            assert!(header.is_sensitive());
        };
        let basic = |token: &str| format!("Basic {}", STANDARD.encode(format!(":{token}")));
        check("pat", "Basic OnBhdA==");
        let signed = web_token(r#"{"typ":"JWT","alg":"RS256"}"#);
        check(&signed, &format!("Bearer {signed}"));
        for other in [web_token(r#"{"typ":"JWT"}"#), web_token("[]"), "a.b.c".to_owned(), format!("{signed}.x")] {
            check(&other, &basic(&other));
        }
    }

    #[test]
    fn what_no_header_may_hold_is_sent_encoded() {
        let broken = format!("{}\r\nHost: elsewhere", web_token(r#"{"alg":"none"}"#));
        assert!(header(&broken).as_bytes().starts_with(b"Basic "));
    }
}
