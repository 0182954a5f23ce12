//! Reads one table, key by key. Whatever is not as it should be is reported and then absent, so that one pass finds all.

mod time;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use suitesync_contract::UrlError;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::Keys;
use super::place::{Place, Placed};
use super::report::{Finding, Report};
use super::settings::Pin;
use crate::domain::nearest::{nearest, suggestion};

pub(super) use time::shown;

/// A table whose keys are known ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'r> {
    pub(super) report: &'r Report<'r>,
    pub(super) place: Place,
    keys: &'static Keys,
    table: &'r DeTable<'r>,
}

/// A value of any kind, placed.
pub(super) type Value<'r> = Placed<&'r DeValue<'r>>;

pub(super) fn placed<'r>(file: usize, value: &'r Spanned<DeValue<'r>>) -> Value<'r> {
    Placed::new(value.get_ref(), Place::new(file, value.span()))
}

impl<'r> Section<'r> {
    /// Takes a table, and reports the keys that do not belong to it.
    pub(super) fn new(report: &'r Report<'r>, table: Placed<&'r DeTable<'r>>, keys: &'static Keys) -> Self {
        let section = Self { report, place: table.place, keys, table: table.value };
        section.refuse_other_keys();
        section
    }

    /// Takes a value that should be a table.
    pub(super) fn open(report: &'r Report<'r>, value: Value<'r>, keys: &'static Keys) -> Option<Self> {
        match value.value.as_table() {
            Some(table) => Some(Self::new(report, Placed::new(table, value.place), keys)),
            None => {
                let message = format!("{} is a table, not {}", keys.table, kind(value.value));
                report.add(Finding::error(value.place, message).help(format!("write it as {}", keys.table)));
                None
            }
        }
    }

    fn refuse_other_keys(&self) {
        let Keys { table, known, unsupported } = self.keys;
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            let place = Place::new(self.place.file, key.span());
            if unsupported.contains(&name) {
                let message = format!("`{name}` in {table} is not supported by this version");
                self.report.add(Finding::error(place, message).help("remove it; what it asks for would not be done"));
            } else if !known.contains(&name) {
                let finding = Finding::error(place, format!("unknown key `{name}` in {table}"));
                self.report.add(finding.help(suggestion(name, "known keys", known.iter().copied())));
            }
        }
    }

    pub(super) fn value(&self, key: &str) -> Option<Value<'r>> {
        self.table.get(key).map(|value| placed(self.place.file, value))
    }

    /// Where a key itself is written.
    pub(super) fn key_place(&self, key: &str) -> Option<Place> {
        self.table.get_key_value(key).map(|(key, _)| Place::new(self.place.file, key.span()))
    }

    pub(super) fn text(&self, key: &str) -> Option<Placed<&'r str>> {
        let value = self.value(key)?;
        let text = value.value.as_str();
        if text.is_none() {
            self.refuse_kind(key, value, "a text in quotes");
        }
        text.map(|text| Placed::new(text, value.place))
    }

    pub(super) fn required_text(&self, key: &str) -> Option<Placed<&'r str>> {
        self.require(key)?;
        self.text(key)
    }

    /// Whether a key was refused, so that something else was meant by the table.
    pub(super) fn has_other_keys(&self) -> bool {
        self.table.keys().any(|key| !self.keys.known.contains(&key.get_ref().as_ref()))
    }

    /// The key's value; reports a key that is not there.
    pub(super) fn require(&self, key: &str) -> Option<Value<'r>> {
        let value = self.value(key);
        if value.is_none() && !self.report.is_broken(self.place.file) {
            let near = self.table.keys().map(|key| key.get_ref().as_ref()).find(|other| self.is_slip_for(key, other));
            let help = near.map_or_else(|| format!("add `{key}`"), |near| format!("is `{near}` meant to be `{key}`?"));
            self.report.add(Finding::error(self.place, format!("{} lacks `{key}`", self.keys.table)).help(help));
        }
        value
    }

    fn is_slip_for(&self, key: &str, written: &str) -> bool {
        !self.keys.known.contains(&written) && nearest(written, [key]).is_some()
    }

    /// A required text that is read as something else, such as a name.
    pub(super) fn parsed<T>(&self, key: &str, help: &str) -> Option<Placed<T>>
    where
        T: FromStr<Err: Display>,
    {
        let text = self.required_text(key)?;
        match text.value.parse() {
            Ok(value) => Some(Placed::new(value, text.place)),
            Err(fault) => {
                self.report.add(Finding::error(text.place, format!("`{key}` is not usable: {fault}")).help(help));
                None
            }
        }
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        let flag = value.value.as_bool();
        if flag.is_none() {
            self.refuse_kind(key, value, "true or false");
        }
        flag
    }

    pub(super) fn number(&self, key: &str, allowed: RangeInclusive<u32>) -> Option<u32> {
        let value = self.value(key)?;
        let Some(written) = value.value.as_integer() else {
            self.refuse_kind(key, value, "a whole number");
            return None;
        };
        let number = u32::from_str_radix(written.as_str(), written.radix()).ok().filter(|n| allowed.contains(n));
        if number.is_none() {
            let message = format!("`{key}` is out of range");
            let help = format!("from {} to {}", allowed.start(), allowed.end());
            self.report.add(Finding::error(value.place, message).help(help));
        }
        number
    }

    pub(super) fn texts(&self, key: &str) -> Option<Vec<Placed<&'r str>>> {
        const EXPECTED: &str = "a list of texts, such as [\"a\", \"b\"]";
        let value = self.value(key)?;
        let Some(items) = value.value.as_array() else {
            self.refuse_kind(key, value, EXPECTED);
            return None;
        };
        let texts = items.iter().filter_map(|item| {
            let item = placed(self.place.file, item);
            let text = item.value.as_str();
            if text.is_none() {
                self.refuse_kind(key, item, EXPECTED);
            }
            text.map(|text| Placed::new(text, item.place))
        });
        Some(texts.collect())
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&'static str, T)]) -> Option<Placed<T>> {
        let text = self.text(key)?;
        let chosen = choices.iter().find(|(word, _)| *word == text.value).map(|(_, choice)| *choice);
        if chosen.is_none() {
            let allowed = choices.iter().map(|(word, _)| *word);
            let near = nearest(text.value, allowed.clone()).map(|near| format!("did you mean `{near}`? "));
            let list = allowed.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            let help = format!("{}allowed: {list}", near.unwrap_or_default());
            let message = format!("`{}` is not allowed for `{key}`", text.value);
            self.report.add(Finding::error(text.place, message).help(help));
        }
        chosen.map(|choice| Placed::new(choice, text.place))
    }

    /// A list of tags.
    pub(super) fn tags(&self, key: &str) -> Option<Vec<Placed<&'r str>>> {
        let tags = self.texts(key)?;
        for tag in tags.iter().filter(|tag| tag.value.trim().is_empty()) {
            self.report.add(Finding::error(tag.place, "a tag is empty").help("remove it"));
        }
        Some(tags)
    }

    /// Where a flag holds something down.
    pub(super) fn pin(&self, key: &str) -> Option<Pin> {
        let place = self.flag(key)?.then(|| self.key_place(key))??;
        let source = self.report.source(place)?;
        Some(Pin { file: source.shown_path(), line: source.position(place.start).line })
    }

    /// Reports an address that cannot be used, with the one that was probably meant.
    pub(super) fn refuse_url(&self, key: &str, place: Place, fault: UrlError) {
        let finding = Finding::error(place, format!("`{key}` is not usable: {}", fault.message));
        self.report.add(match fault.corrected {
            Some(corrected) => finding.help(format!("did you mean \"{corrected}\"?")),
            None => finding,
        });
    }

    /// A text for people, of limited length.
    pub(super) fn caption(&self, key: &str, longest: usize) -> Option<String> {
        let text = self.text(key)?;
        let length = text.value.chars().count();
        if length > longest {
            let message = format!("`{key}` has {length} characters");
            self.report.add(Finding::error(text.place, message).help(format!("at most {longest}")));
        }
        Some(text.value.to_owned())
    }

    /// A path; a relative one starts from the folder of the file that it is written in.
    pub(super) fn path(&self, key: &str) -> Option<Placed<PathBuf>> {
        let text = self.text(key)?;
        if text.value.is_empty() || text.value.contains('\0') {
            self.report.add(Finding::error(text.place, format!("`{key}` is no path")));
            return None;
        }
        let folder = self.report.source(text.place)?.folder();
        let path = folder.join(text.value);
        Some(Placed::new(std::path::absolute(&path).unwrap_or(path), text.place))
    }

    /// Of keys that exclude each other, the one that is there; reports a second one.
    pub(super) fn only_one_of(&self, keys: &[&'static str]) -> Option<&'static str> {
        let mut present = keys.iter().filter_map(|key| self.key_place(key).map(|place| (*key, place)));
        let (first, first_place) = present.next()?;
        for (second, place) in present {
            let message = format!("`{first}` and `{second}` exclude each other");
            let finding = Finding::error(place, message).help("keep one of them").other(first_place, "the other is at");
            self.report.add(finding);
        }
        Some(first)
    }

    /// Reports a value of another kind than the key has.
    pub(super) fn refuse_kind(&self, key: &str, value: Value<'_>, expected: &str) {
        let message = format!("`{key}` is {expected}, not {}", kind(value.value));
        self.report.add(Finding::error(value.place, message).help(format!("write {expected}")));
    }
}

/// What kind of value it is, in words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
