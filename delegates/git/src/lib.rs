//! The only code that speaks Git.
