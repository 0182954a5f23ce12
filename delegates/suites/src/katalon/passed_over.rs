//! What was passed over, counted by reason, so that a copied tree of thousands of files is one notice.

use std::collections::BTreeMap;

use suitesync_contract::{Notice, readable};

use crate::allowance::MAX_KEPT;

/// Why a file that looks like a test's is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    SymbolicLink,
    Submodule,
    BuildCopy,
    OutsideTestCases,
    OutsideRoots,
    /// The same as outside every root, where there is no root at all.
    NoRoot,
    /// Of these only what they say is passed over.
    LeftOut,
}

impl Reason {
    fn message(self, count: usize) -> String {
        let what = match self {
            Self::SymbolicLink => "symbolic links named like test files are not followed",
            Self::Submodule => "submodules named like test files are not entered",
            Self::BuildCopy => "project files under bin/ are build copies and make no root",
            Self::OutsideTestCases => "test case files outside their project's `Test Cases` folder are not listed",
            Self::OutsideRoots => {
                "test files have no .prj in a folder above them, so belong to no project and are not listed"
            }
            Self::NoRoot => {
                "test files belong to no project, since no .prj was found, and are not listed: \
                 commit the .prj that stands beside `Test Cases`"
            }
            Self::LeftOut => {
                return format!(
                    "what {count} test files say is left out, this is the first: the files of this tree say more than \
                     {} MiB; link a directory of it",
                    MAX_KEPT >> 20
                );
            }
        };
        format!("{what} ({count} in all, this is the first)")
    }
}

/// The first path and the number of paths for each reason.
#[derive(Debug, Default)]
pub(super) struct PassedOver<'a>(BTreeMap<Reason, (&'a [u8], usize)>);

impl<'a> PassedOver<'a> {
    pub(super) fn add(&mut self, reason: Reason, path: &'a [u8]) {
        let (_, count) = self.0.entry(reason).or_insert((path, 0));
        *count += 1;
    }

    pub(super) fn notices(self) -> impl Iterator<Item = Notice> {
        let notice = |(reason, (path, count)): (Reason, (&[u8], usize))| Notice {
            path: readable(path).into_owned(),
            message: reason.message(count),
        };
        self.0.into_iter().map(notice)
    }
}
