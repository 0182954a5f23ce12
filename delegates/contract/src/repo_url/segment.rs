//! The segments of an address's path: decoded once on the way in, encoded once on the way out.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::UrlError;

/// What is percent-encoded in a segment: all but the unreserved marks of RFC 3986 and `!'()*`, the same as
/// `encodeURIComponent` leaves, with which Azure's portal writes the names in its clone URLs.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*');

/// What [`join`] writes, where there are segments.
#[cfg(feature = "schema")]
pub(super) const PATH_PATTERN: &str = r"^(/([A-Za-z0-9._~!'()*-]|%[0-9A-F]{2})+)+$";

/// Whether the segments stand in an address, percent-encoded, or in a local path, as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    Encoded,
    Literal,
}

/// The segments of a path with or without a slash at its start; one slash at the end is ignored.
pub(super) fn split(path: &str, writing: Writing) -> Result<Vec<String>, UrlError> {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let path = if path == "/" { path } else { path.strip_suffix('/').unwrap_or(path) };
    path.split('/').map(|segment| read(segment, writing)).collect()
}

fn read(segment: &str, writing: Writing) -> Result<String, UrlError> {
    let decoded = match writing {
        Writing::Literal => segment.to_owned(),
        Writing::Encoded => percent_decode_str(segment)
            .decode_utf8()
            .map_err(|_| UrlError::new("the path holds encoded bytes that are not UTF-8"))?
            .into_owned(),
    };
    check(&decoded)?;
    Ok(decoded)
}

/// Refuses what would name another place than it seems to, or nothing.
pub(super) fn check(decoded: &str) -> Result<(), UrlError> {
    let fault = match decoded {
        "" => "an empty segment (`//`)",
        "." | ".." => "a dot segment",
        _ if decoded.contains('/') => "an encoded slash (`%2F`)",
        _ if decoded.contains('\\') => "a backslash",
        _ if decoded.contains(char::is_control) => "a control character",
        _ => return Ok(()),
    };
    Err(UrlError::new(format!("the path holds {fault}")))
}

/// The path of an address, from the first slash, with no slash at the end; empty where there are no segments.
pub(super) fn join<'a>(segments: impl IntoIterator<Item = &'a String>) -> String {
    segments.into_iter().fold(String::new(), |mut path, segment| {
        path.push('/');
        path.extend(utf8_percent_encode(segment, ENCODED));
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_decoded_once_and_encoded_once() {
        for (path, expect) in [
            ("/My Project/C%23", "/My%20Project/C%23"),
            ("/a%2525", "/a%2525"),
            ("/100%/%zz", "/100%25/%25zz"),
            ("group/~me/lib+x@2.git/", "/group/~me/lib%2Bx%402.git"),
            ("/%D0%BA/к", "/%D0%BA/%D0%BA"),
            ("/", ""),
        ] {
            assert_eq!(join(&split(path, Writing::Encoded).unwrap()), expect, "{path:?}");
        }
    }

    #[test]
    fn a_local_path_is_taken_as_it_is() {
        assert_eq!(split("/srv/a%20b", Writing::Literal).unwrap(), ["srv", "a%20b"]);
    }

    #[test]
    fn a_segment_that_misleads_is_refused() {
        for path in ["//", "/a//", "/a//b", "/./a", "/a/..", "/%2e%2E/a", "/a%2Fb", "/a%5Cb", "/a%00", "/a%0Ab", "/%FF"]
        {
            assert!(split(path, Writing::Encoded).is_err(), "{path:?}");
        }
    }
}
