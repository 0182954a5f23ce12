//! Paths of the agent's routes, with names and values safely in them.

use std::fmt::Display;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but what RFC 3986 leaves unreserved. The dot is encoded, too: a name may be `..`, which is no step upwards.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// One route, such as `/v1/links/NAME/sync`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    path: String,
    query: String,
}

impl Route {
    /// What is listed, or stands alone: `connections`, `status`.
    pub(super) fn of(kind: &str) -> Self {
        Self { path: format!("/v1/{kind}"), query: String::new() }
    }

    /// The one with this name.
    pub(super) fn named(mut self, name: &str) -> Self {
        self.path.push('/');
        self.path.extend(utf8_percent_encode(name, ENCODED));
        self
    }

    /// What is to be done to it, or which side of it is to be shown.
    pub(super) fn then(mut self, act: &str) -> Self {
        self.path.push('/');
        self.path.push_str(act);
        self
    }

    /// A value, if there is one.
    pub(super) fn with(mut self, key: &str, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            self.query.push(if self.query.is_empty() { '?' } else { '&' });
            self.query.push_str(key);
            self.query.push('=');
            self.query.extend(utf8_percent_encode(&value.to_string(), ENCODED));
        }
        self
    }

    pub(super) fn text(&self) -> String {
        format!("{}{}", self.path, self.query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_encoded() {
        let check = |route: Route, expect: &str| assert_eq!(route.text(), expect);
        check(Route::of("status"), "/v1/status");
        check(Route::of("links").named("Prüf-1").then("sync"), "/v1/links/Pr%C3%BCf-1/sync");
        check(Route::of("links").named(".."), "/v1/links/%2E%2E");
        let cases =
            Route::of("cases").with("link", None::<&str>).with("text", Some("a b&c")).with("archived", Some(true));
        check(cases, "/v1/cases?text=a%20b%26c&archived=true");
    }
}
