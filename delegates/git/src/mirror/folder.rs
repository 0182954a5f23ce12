//! The folder of one mirror: how it is made, recovered, judged and thrown away. All of it with the lock held.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use suitesync_contract::{ConnectionName, RepoUrl};

use super::access::expect_usable;
use super::fault::Fault;
use super::heal::heal;
use super::name::MirrorKey;
use super::paths::{Paths, discard, is_missing};
use super::state::State;
use super::store::{SharedStore, Store};

/// Only the agent's own user may look into mirrors: they hold other people's code.
const PRIVATE: u32 = 0o700;
/// Present in a mirror that was found to be damaged; holds the reason.
const CONDEMNED: &str = "condemned";

/// Where one mirror lies and what it is to be.
#[derive(Debug)]
pub(crate) struct Folder {
    paths: Paths,
    connection: String,
    repository: String,
}

impl Folder {
    pub(crate) fn new(mirrors: &Path, connection: &ConnectionName, url: &RepoUrl) -> Self {
        Self::of(mirrors, &MirrorKey { connection: connection.clone(), repository: url.identity().clone() })
    }

    pub(crate) fn of(mirrors: &Path, key: &MirrorKey) -> Self {
        let paths = Paths::new(mirrors, &key.name());
        Self { paths, connection: key.connection.to_string(), repository: key.repository.to_string() }
    }

    /// Where the mirror is fetched anew: beside it, with the same lock.
    pub(crate) fn beside(&self) -> Self {
        let paths = self.paths.beside();
        Self { paths, connection: self.connection.clone(), repository: self.repository.clone() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.paths.mirror()
    }

    pub(crate) fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Makes the folder of all mirrors.
    pub(crate) fn make_parent(&self) -> Result<(), Fault> {
        let parent = self.path().parent().unwrap_or(self.path());
        let made = DirBuilder::new().recursive(true).mode(PRIVATE).create(parent);
        made.map_err(|error| Fault::io("make the folder", parent, &error))
    }

    /// Makes the mirror ready for use: its state, and why it had to be made anew, if it had. What was opened to look at
    /// it stays open in `store`.
    pub(crate) fn prepare(&self, store: &SharedStore) -> Result<(State, Option<String>), Fault> {
        let lost = self.recover()?;
        if is_missing(self.path()) {
            return Ok((self.make()?, lost));
        }
        match self.inspect(self.path(), store) {
            Ok(state) => Ok((state, None)),
            Err(Fault::Damaged(reason)) => {
                store.close();
                Ok((self.replace()?, Some(reason)))
            }
            Err(other) => Err(other),
        }
    }

    /// Ends what a killed process left half done. The reason if what had been the mirror could not be saved.
    pub(crate) fn recover(&self) -> Result<Option<String>, Fault> {
        let mut lost = None;
        if is_missing(self.path()) {
            for beside in [self.paths.fresh(), self.paths.aside()].into_iter().filter(|path| !is_missing(path)) {
                match self.inspect(&beside, &SharedStore::default()) {
                    Ok(_) => {
                        self.paths.put_in_place(&beside)?;
                        lost = None;
                        break;
                    }
                    // A new one that is half was never the mirror.
                    Err(Fault::Damaged(reason)) => lost = Some(reason).filter(|_| beside == self.paths.aside()),
                    Err(other) => return Err(other),
                }
            }
        }
        self.paths.clear_leftovers()?;
        Ok(lost)
    }

    /// Throws the mirror away and makes an empty one.
    pub(crate) fn replace(&self) -> Result<State, Fault> {
        self.paths.throw_away()?;
        self.make()
    }

    /// Marks the mirror for the next one who opens it. A mark that cannot be written costs one more failed sync.
    pub(crate) fn condemn(&self, reason: &str) {
        if let Err(error) = fs::write(self.path().join(CONDEMNED), reason) {
            tracing::debug!(mirror = %self.path().display(), %error, "failed to mark a damaged mirror");
        }
    }

    fn make(&self) -> Result<State, Fault> {
        let fresh = self.paths.fresh();
        discard(&fresh)?;
        let made = DirBuilder::new().mode(PRIVATE).create(&fresh);
        made.map_err(|error| Fault::io("make the folder", &fresh, &error))?;
        Store::create(&fresh)?;
        let state = State::new(self.connection.clone(), self.repository.clone());
        state.write(&fresh)?;
        self.paths.put_in_place(&fresh)?;
        Ok(state)
    }

    /// Heals a folder that is, or is to be, the mirror, and reads its state.
    fn inspect(&self, path: &Path, store: &SharedStore) -> Result<State, Fault> {
        if !fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
            return Err(Fault::Damaged("it is no folder".to_owned()));
        }
        expect_usable(path)?;
        if let Ok(reason) = fs::read_to_string(path.join(CONDEMNED)) {
            return Err(Fault::Damaged(reason));
        }
        let state = State::read(path)?;
        if !state.belongs_to(&self.connection, &self.repository) {
            return Err(Fault::Damaged("the folder belongs to another repository".to_owned()));
        }
        heal(path)?;
        store.read(path, |store| {
            for tip in state.newest(super::MAX_HAVES) {
                // Other faults are the repository's own: they are told when it is read, not when the mirror is opened.
                if let Err(damage @ Fault::Damaged(_)) = store.expect_readable(tip) {
                    return Err(damage);
                }
            }
            Ok(())
        })?;
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use suitesync_contract::Provider;

    use super::*;

    /// What tells the folders of a test apart.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Content {
        Missing,
        /// A whole mirror, marked with this letter.
        Whole(char),
        /// A mirror that lost its state, as one that is being removed.
        Half,
        /// A whole mirror of another repository.
        Foreign,
    }
    use Content::{Foreign, Half, Missing, Whole};

    fn folder(mirrors: &Path, repository: &str) -> Folder {
        let url = format!("https://git.example.org/{repository}");
        let url = RepoUrl::parse(&url, Provider::Git).unwrap().repository;
        Folder::new(mirrors, &"contoso".parse().unwrap(), &url)
    }

    fn put(mirrors: &Path, path: &Path, content: Content) {
        let repository = if content == Foreign { "other" } else { "checkout" };
        if content != Missing {
            let made = folder(&mirrors.join("workshop"), repository);
            made.make_parent().unwrap();
            made.prepare(&SharedStore::default()).unwrap();
            fs::rename(made.path(), path).unwrap();
        }
        match content {
            Whole(letter) => fs::write(path.join("letter"), letter.to_string()).unwrap(),
            Half => State::remove(path).unwrap(),
            Missing | Foreign => {}
        }
    }

    /// What the next one who opens makes of a mirror, a new one and an old one: the letter of the mirror it uses,
    /// nothing for an empty one, and whether it says that something was lost.
    #[track_caller]
    fn check(found: [Content; 3], expect: Option<char>, told: bool) {
        let mirrors = tempfile::tempdir().unwrap();
        let opened = folder(mirrors.path(), "checkout");
        let places = [opened.path().to_owned(), opened.paths.fresh(), opened.paths.aside()];
        places.iter().zip(found).for_each(|(place, content)| put(mirrors.path(), place, content));
        let (state, reason) = opened.prepare(&SharedStore::default()).unwrap();
        let letter = fs::read_to_string(opened.path().join("letter")).ok();
        assert_eq!((letter.as_deref(), reason.is_some()), (expect.map(String::from).as_deref(), told), "{found:?}");
        assert_eq!(State::read(opened.path()).unwrap(), state);
        assert!(opened.paths.leftovers().iter().all(|leftover| is_missing(leftover)), "{found:?}");
    }

    #[test]
    fn a_mirror_is_what_has_the_name_whatever_lies_beside() {
        check([Whole('a'), Missing, Missing], Some('a'), false);
        check([Whole('a'), Half, Missing], Some('a'), false);
        check([Whole('a'), Whole('b'), Missing], Some('a'), false);
        check([Whole('b'), Missing, Whole('a')], Some('b'), false);
        check([Whole('b'), Missing, Half], Some('b'), false);
        check([Whole('b'), Foreign, Foreign], Some('b'), false);
    }

    #[test]
    fn a_swap_that_was_killed_between_its_renames_is_ended() {
        check([Missing, Whole('b'), Whole('a')], Some('b'), false);
        check([Missing, Half, Whole('a')], Some('a'), false);
        check([Missing, Foreign, Whole('a')], Some('a'), false);
        check([Missing, Missing, Whole('a')], Some('a'), false);
    }

    #[test]
    fn without_anything_whole_a_mirror_is_made_anew_and_a_loss_is_told() {
        check([Missing, Missing, Missing], None, false);
        check([Missing, Half, Missing], None, false);
        check([Missing, Missing, Half], None, true);
        check([Missing, Half, Foreign], None, true);
        check([Half, Missing, Missing], None, true);
        check([Foreign, Whole('b'), Missing], None, true);
    }

    #[test]
    fn what_a_swap_in_a_swap_left_goes() {
        let mirrors = tempfile::tempdir().unwrap();
        let opened = folder(mirrors.path(), "checkout");
        let beside = opened.beside();
        for path in [beside.path().to_owned(), beside.paths.fresh(), beside.paths.aside()] {
            fs::create_dir_all(path.join("objects")).unwrap();
        }
        opened.prepare(&SharedStore::default()).unwrap();
        assert_eq!(fs::read_dir(mirrors.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_to_elsewhere_in_the_place_of_a_mirror_is_replaced_and_not_followed() {
        let (mirrors, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put(mirrors.path(), &elsewhere.path().join("mirror"), Whole('a'));
        let opened = folder(mirrors.path(), "checkout");
        std::os::unix::fs::symlink(elsewhere.path().join("mirror"), opened.path()).unwrap();
        assert!(opened.prepare(&SharedStore::default()).unwrap().1.is_some());
        assert!(fs::symlink_metadata(opened.path()).unwrap().is_dir());
        assert!(elsewhere.path().join("mirror/letter").exists());
    }
}
