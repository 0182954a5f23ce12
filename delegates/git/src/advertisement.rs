//! Why what a server advertises cannot be used, whatever the version of the protocol.

use suitesync_contract::Failure;
use suitesync_reach::Place;

use crate::refs::InvalidRef;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("it speaks protocol v2 without `ls-refs` and `fetch`")]
    MissingCommands,
    #[error("its object format is not sha1")]
    ForeignObjectFormat,
    #[error(transparent)]
    InvalidRef(#[from] InvalidRef),
}

impl Unusable {
    pub(crate) fn failure(self, place: &Place) -> Failure {
        let failure = place.protocol_failure(self);
        match self {
            Self::ForeignObjectFormat => {
                failure.with_hint("only repositories with SHA-1 ids can be read; link a copy that has such ids")
            }
            Self::MissingCommands | Self::InvalidRef(_) => failure,
        }
    }
}

/// Refuses ids of another kind than those that everything here is made for; SHA-1 where nothing is said.
pub(crate) fn check_object_format(announced: Option<&[u8]>) -> Result<(), Unusable> {
    match announced {
        None | Some(b"sha1") => Ok(()),
        Some(_) => Err(Unusable::ForeignObjectFormat),
    }
}
