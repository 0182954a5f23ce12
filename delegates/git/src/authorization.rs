//! Who we are to a server, made from secrets that are already resolved. Values are wiped when dropped and never shown.

use std::fmt;

use reqwest::header::HeaderValue;
use suitesync_reach::basic;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Who we are to a connection's own origin, and to no other.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub enum Authorization {
    /// HTTP Basic (RFC 7617); the user may be empty, as it is with a personal access token.
    Basic { username: String, password: String },
    /// HTTP Bearer (RFC 6750).
    Bearer { token: String },
    /// A key for SSH: in OpenSSH's format or as PEM.
    PrivateKey { private_key: String, passphrase: Option<String> },
}

/// The secret holds bytes that no HTTP header may hold, such as a line end in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret holds characters that cannot be sent")]
pub(crate) struct UnsendableSecret;

impl Authorization {
    /// The `Authorization` of every request; a key has none.
    pub(crate) fn header(&self) -> Result<HeaderValue, UnsendableSecret> {
        let text = match self {
            Self::Basic { username, password } => return Ok(basic(username, password)),
            Self::Bearer { token } => Zeroizing::new(format!("Bearer {token}")),
            Self::PrivateKey { .. } => return Err(UnsendableSecret),
        };
        let mut header = HeaderValue::from_str(&text).map_err(|_| UnsendableSecret)?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { username, .. } => write!(f, "Basic {{ username: {username:?}, password: [secret] }}"),
            Self::Bearer { .. } => write!(f, "Bearer {{ token: [secret] }}"),
            Self::PrivateKey { .. } => write!(f, "PrivateKey {{ private_key: [secret] }}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_with_an_empty_user() {
        let header = Authorization::Basic { username: String::new(), password: "pat".into() }.header().unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic OnBhdA==");
        assert!(header.is_sensitive());
    }

    #[test]
    fn debug_shows_no_secret() {
        let basic = Authorization::Basic { username: "svc".into(), password: "hunter2".into() };
        let bearer = Authorization::Bearer { token: "hunter2".into() };
        let key = Authorization::PrivateKey { private_key: "hunter2".into(), passphrase: Some("hunter2".into()) };
        let shown = format!("{basic:?} {bearer:?} {:?} {key:?}", bearer.header().unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_token_with_a_line_end_is_refused() {
        assert_eq!(Authorization::Bearer { token: "a\r\nHost: b".into() }.header(), Err(UnsendableSecret));
    }
}
