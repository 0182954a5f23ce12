//! Versions of REST: which one a request asks for, and whether it can be had.

use hyper::Method;
use hyper::header::ACCEPT;

use crate::azure::reply::version_refused;
use crate::front::{Head, Reply};

/// Whether a resource has been released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Released {
    Yes,
    /// Only versions that end in `-preview` are taken.
    Never,
}

/// The refusal of the version that a request asks for, or of its lack.
pub(super) fn refusal(head: &Head<'_>, released: Released, latest: &str) -> Option<Reply> {
    let Some(asked) = head.query("api-version").or_else(|| from_accept(head)) else {
        return version_missing(head.method());
    };
    let number = asked.split("-preview").next().unwrap_or_default();
    if parsed(number) > parsed(latest) {
        let message = format!(
            "The requested REST API version of {asked} is out of range for this server. \
             The latest REST API version this server supports is {latest}."
        );
        return Some(version_refused("VssVersionOutOfRangeException", message));
    }
    if released == Released::Never && !asked.contains("-preview") {
        let message = format!(
            "The requested version \"{asked}\" of the resource is under preview. \
             The -preview flag must be supplied in the api-version for such requests."
        );
        return Some(version_refused("VssInvalidPreviewVersionException", message));
    }
    None
}

/// Reading needs no version; changing does.
fn version_missing(method: &Method) -> Option<Reply> {
    if method == Method::GET || method == Method::OPTIONS {
        return None;
    }
    let message = format!("No api-version was supplied for the \"{method}\" request.");
    Some(version_refused("VssVersionNotSpecifiedException", message))
}

/// `application/json;api-version=7.1`
fn from_accept(head: &Head<'_>) -> Option<String> {
    let parameters = head.header(ACCEPT)?.split([';', ',']);
    parameters
        .filter_map(|parameter| parameter.trim().split_once('='))
        .find_map(|(name, value)| name.eq_ignore_ascii_case("api-version").then(|| value.trim_matches('"').to_owned()))
}

/// Major and minor; what is no number is beyond all of them.
fn parsed(version: &str) -> (u32, u32) {
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    (major.parse().unwrap_or(u32::MAX), minor.parse().unwrap_or(u32::MAX))
}
