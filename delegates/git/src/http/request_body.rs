//! The body of a request, compressed where that is worth it.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// From here on a request is compressed, as Git itself does: every server of smart HTTP understands it.
const COMPRESS_ABOVE: usize = 1024;

#[derive(Debug, Clone)]
pub(crate) struct RequestBody {
    bytes: Bytes,
    encoding: Option<&'static str>,
}

impl RequestBody {
    pub(crate) fn new(plain: Bytes) -> Self {
        if plain.len() <= COMPRESS_ABOVE {
            return Self { bytes: plain, encoding: None };
        }
        match compressed(&plain) {
            Ok(bytes) => Self { bytes, encoding: Some("gzip") },
            // Writing to memory does not fail; if it did, the plain request would do as well.
            Err(_) => Self { bytes: plain, encoding: None },
        }
    }

    pub(crate) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The value of `Content-Encoding`.
    pub(crate) fn encoding(&self) -> Option<&'static str> {
        self.encoding
    }
}

fn compressed(plain: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain)?;
    encoder.finish().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn small_requests_go_as_they_are() {
        let body = RequestBody::new(Bytes::from(vec![b'x'; COMPRESS_ABOVE]));
        assert_eq!((body.bytes().len(), body.encoding()), (COMPRESS_ABOVE, None));
    }

    #[test]
    fn large_requests_are_compressed() {
        let plain = vec![b'x'; COMPRESS_ABOVE + 1];
        let body = RequestBody::new(Bytes::from(plain.clone()));
        assert_eq!(body.encoding(), Some("gzip"));
        let mut back = Vec::new();
        GzDecoder::new(&body.bytes()[..]).read_to_end(&mut back).unwrap();
        assert_eq!(back, plain);
    }
}
