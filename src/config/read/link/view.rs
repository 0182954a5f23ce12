//! What a link looks at in its repository: a branch, tag or commit, and a directory, by its URL or by keys.

use suitesync_contract::{LinkUrl, RefSpec};

use crate::config::place::Placed;
use crate::config::report::Finding;
use crate::config::section::Section;

/// Ref and directory, the URL's and the keys' word together.
#[derive(Debug)]
pub(super) struct View {
    pub(super) reference: RefSpec,
    pub(super) directory: String,
}

pub(super) fn read(section: &Section<'_>, url: Option<&LinkUrl>) -> View {
    let reference = read_reference(section);
    let directory = read_directory(section);
    let in_url = url.and_then(|url| url.reference.as_ref());
    if let (Some(written), Some(in_url)) = (&reference, in_url)
        && written.value != *in_url
    {
        let message = format!("{} contradicts the URL, which says {in_url}", written.value);
        section.report.add(Finding::error(written.place, message).help("keep one of them"));
    }
    let directory_in_url = url.and_then(|url| url.directory.as_ref());
    if let (Some(written), Some(in_url)) = (&directory, directory_in_url)
        && written.value != *in_url
    {
        let message = format!("directory `{}` contradicts the URL, which says `{in_url}`", written.value);
        section.report.add(Finding::error(written.place, message).help("keep one of them"));
    }
    View {
        reference: reference.map(|written| written.value).or_else(|| in_url.cloned()).unwrap_or(RefSpec::Default),
        directory: directory.map(|written| written.value).or_else(|| directory_in_url.cloned()).unwrap_or_default(),
    }
}

fn read_reference(section: &Section<'_>) -> Option<Placed<RefSpec>> {
    let key = section.only_one_of(&["branch", "tag", "commit"])?;
    let text = section.text(key)?;
    let reference = match key {
        "commit" => {
            text.value.parse().map(RefSpec::Commit).map_err(|_| "a commit's whole id, 40 hexadecimal digits".to_owned())
        }
        "tag" => ref_name(text.value, "refs/tags/").map(RefSpec::Tag),
        _ => ref_name(text.value, "refs/heads/").map(RefSpec::Branch),
    };
    match reference {
        Ok(reference) => Some(Placed::new(reference, text.place)),
        Err(help) => {
            section.report.add(Finding::error(text.place, format!("`{}` is no {key}", text.value)).help(help));
            None
        }
    }
}

/// A name by the rules of `git check-ref-format`, or what to write.
fn ref_name(name: &str, prefix: &str) -> Result<String, String> {
    if let Some(short) = name.strip_prefix(prefix) {
        return Err(format!("write `{short}`"));
    }
    let is_refused = |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let is_name = name.split('/').all(is_part)
        && !name.contains(is_refused)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.starts_with('-')
        && !name.ends_with('.')
        && name != "@";
    if is_name {
        Ok(name.to_owned())
    } else {
        Err("a name that Git allows, such as `main` or `release/2.1`".to_owned())
    }
}

fn read_directory(section: &Section<'_>) -> Option<Placed<String>> {
    let text = section.text("directory")?;
    let directory = text.value.trim_end_matches('/');
    let is_absolute = text.value.starts_with('/');
    let is_part = |part: &str| !matches!(part, "" | "." | "..");
    let is_inside = text.value.is_empty() || directory.split('/').all(is_part);
    if is_absolute || !is_inside || directory.contains(char::is_control) {
        let help = match directory.trim_start_matches('/') {
            inside if is_absolute && !inside.is_empty() && inside.split('/').all(is_part) => {
                format!("write `{inside}`")
            }
            _ => "a path from the repository's top, such as `tests/ui`, without `.` and `..`".to_owned(),
        };
        let message = format!("`{}` is no directory in a repository", text.value);
        section.report.add(Finding::error(text.place, message).help(help));
        return None;
    }
    Some(text.map(|_| directory.to_owned()))
}
