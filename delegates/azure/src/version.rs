//! Versions of the API: the newest that we know is tried first, and each refusal says which one comes next.
//!
//! Servers know them up to 5.1 (2019), 6.0 (2020), 7.0 (2022) and 7.1 (2022.1); Services knows them all
//! (learn.microsoft.com, "REST API versioning").

use std::fmt;

/// From the newest to the oldest.
const NUMBERS: [&str; 5] = ["7.1", "7.0", "6.0", "5.1", "5.0"];

/// What a resource is in a version of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Released,
    Preview,
    /// It stands outside of the versions.
    Unversioned,
}

/// What is asked for as `api-version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApiVersion {
    pub(crate) age: Age,
    pub(crate) stage: Stage,
}

/// How far down the list of versions a server is; the newest by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Age(usize);

/// How a server refuses a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionRefusal {
    /// It knows only older ones.
    OutOfRange,
    /// It has the resource, but not released.
    PreviewRequired,
}

impl ApiVersion {
    /// What to ask for after a refusal; nothing where there is nothing left to try.
    pub(crate) fn after(self, refusal: VersionRefusal) -> Option<Self> {
        match (refusal, self.stage) {
            (VersionRefusal::OutOfRange, Stage::Released | Stage::Preview) => {
                let age = Age(self.age.0 + 1);
                NUMBERS.get(age.0).map(|_| Self { age, ..self })
            }
            (VersionRefusal::PreviewRequired, Stage::Released) => Some(Self { stage: Stage::Preview, ..self }),
            (VersionRefusal::PreviewRequired, Stage::Preview) | (_, Stage::Unversioned) => None,
        }
    }

    /// The value of the parameter; nothing where none is sent.
    pub(crate) fn parameter(self) -> Option<String> {
        match self.stage {
            Stage::Released => Some(self.age.to_string()),
            Stage::Preview => Some(format!("{}-preview.1", self.age)),
            Stage::Unversioned => None,
        }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(NUMBERS.get(self.0).copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(stage: Stage, refusals: &[VersionRefusal]) -> Vec<Option<String>> {
        let first = ApiVersion { age: Age::default(), stage };
        let mut walked = vec![first.parameter()];
        let mut at = Some(first);
        for refusal in refusals {
            at = at.and_then(|at| at.after(*refusal));
            walked.push(at.and_then(ApiVersion::parameter));
        }
        walked
    }

    #[test]
    fn each_refusal_leads_to_the_next_version_until_none_is_left() {
        use VersionRefusal::{OutOfRange, PreviewRequired};
        let check = |stage, refusals: &[VersionRefusal], expect: &[Option<&str>]| {
            let expect: Vec<_> = expect.iter().map(|version| version.map(str::to_owned)).collect();
            assert_eq!(walk(stage, refusals), expect);
        };
        let down = [Some("7.1"), Some("7.0"), Some("6.0"), Some("5.1"), Some("5.0"), None];
        check(Stage::Released, &[OutOfRange; 5], &down);
        let mixed = [Some("7.1"), Some("7.0"), Some("7.0-preview.1"), Some("6.0-preview.1"), None];
        check(Stage::Released, &[OutOfRange, PreviewRequired, OutOfRange, PreviewRequired], &mixed);
        check(Stage::Preview, &[OutOfRange], &[Some("7.1-preview.1"), Some("7.0-preview.1")]);
        check(Stage::Unversioned, &[OutOfRange], &[None, None]);
    }
}
