//! Names that people give things. A name is an identity: 1 to 50 of letters, digits, `.`, `_` and `-`, not dots alone.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest name, in characters: what a table column and a form field hold.
pub const MAX_NAME: usize = 50;

/// What a name looks like to those who know characters by their ranges: of ASCII what a name may hold, and all beyond it,
/// as not every reader of patterns knows the letters there.
#[cfg(feature = "schema")]
const NAME_PATTERN: &str = r"^[^\x00-,/:-@\[-\^`{-\x7f]+$";

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidName {
    Empty,
    TooLong,
    /// In a path it would be a folder that is there, or the one above it.
    Dots,
    Character(char),
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a name may not be empty"),
            Self::TooLong => write!(f, "a name has at most {MAX_NAME} characters"),
            Self::Dots => write!(f, "a name may not be of dots alone"),
            Self::Character(c) => write!(f, "a name may not hold {c:?}: letters, digits, `.`, `_` and `-` only"),
        }
    }
}

impl std::error::Error for InvalidName {}

fn validate(text: &str) -> Result<(), InvalidName> {
    if text.is_empty() {
        return Err(InvalidName::Empty);
    }
    if text.chars().count() > MAX_NAME {
        return Err(InvalidName::TooLong);
    }
    if text.chars().all(|c| c == '.') {
        return Err(InvalidName::Dots);
    }
    match text.chars().find(|c| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
        Some(c) => Err(InvalidName::Character(c)),
        None => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(
            feature = "schema",
            derive(schemars::JsonSchema),
            schemars(extend("minLength" = 1, "maxLength" = MAX_NAME, "pattern" = NAME_PATTERN))
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                validate(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                validate(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// Identity of a connection.
    ConnectionName
);
name!(
    /// Identity of a link.
    LinkName
);
name!(
    /// Identity of a schedule.
    ScheduleName
);
name!(
    /// Identity of a delegate; also one of its tags.
    DelegateName
);
name!(
    /// Name of a secret's source, from `[secrets.NAME]`.
    SecretName
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_letters_digits_and_marks_are_accepted() {
        for text in ["contoso", "a.b_c-d", "..a", "Prüfstand", &"x".repeat(50)] {
            assert_eq!(text.parse::<ConnectionName>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_reason() {
        assert_eq!("".parse::<LinkName>(), Err(InvalidName::Empty));
        assert_eq!("x".repeat(51).parse::<LinkName>(), Err(InvalidName::TooLong));
        for dots in [".", "..", "..."] {
            assert_eq!(dots.parse::<DelegateName>(), Err(InvalidName::Dots));
        }
        assert_eq!("a/b".parse::<LinkName>(), Err(InvalidName::Character('/')));
        assert!(serde_json::from_str::<LinkName>("\"a b\"").is_err());
    }
}
