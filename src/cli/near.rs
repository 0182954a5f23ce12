//! What was probably meant by an id that nothing has.

use super::fault::Fault;

/// More guesses than these are no help.
const GUESSES: usize = 3;

/// How alike two ids have to be, from 0 to 1, for one to be a slip of the other.
const ALIKE: f64 = 0.85;

/// Says that there is no `what` of this id, and which ones are near it.
pub(super) fn unknown<'a>(what: &str, id: &str, known: impl Iterator<Item = &'a str>) -> Fault {
    let guesses: Vec<_> = near(id, known).into_iter().map(|guess| format!("`{guess}`")).collect();
    let hint = match guesses.as_slice() {
        [] => format!("`suitesync {what} list` shows those there are"),
        guesses => format!("did you mean {}?", guesses.join(" or ")),
    };
    Fault::Usage { message: format!("there is no {what} `{id}`"), hint }
}

/// The most alike first. An id that holds what was typed is as near as can be: a folder was left out, or the end.
fn near<'a>(id: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = id.to_lowercase();
    let likeness = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        if candidate.contains(&wanted) { 1.0 } else { strsim::normalized_damerau_levenshtein(&wanted, &candidate) }
    };
    let mut near: Vec<_> = known.map(|id| (likeness(id), id)).filter(|(alike, _)| *alike >= ALIKE).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    near.dedup();
    near.into_iter().take(GUESSES).map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_were_probably_meant_are_named() {
        let known = ["Test Cases/Login", "Test Cases/Logout", "Test Cases/Pay"];
        let check = |id: &str, expect: &str| assert_eq!(unknown("case", id, known.into_iter()).hint(), expect);
        check("Login", "did you mean `Test Cases/Login`?");
        check("test cases/log", "did you mean `Test Cases/Login` or `Test Cases/Logout`?");
        check("Test Cases/Lgoin", "did you mean `Test Cases/Login`?");
        check("zzz", "`suitesync case list` shows those there are");
    }
}
