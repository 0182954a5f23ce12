//! What we call ourselves to servers.

/// Azure treats a caller whose `User-Agent` does not begin with `git/` as a browser and sends it to a sign-in page.
pub const USER_AGENT: &str = concat!("git/2.47 (suitesync ", env!("CARGO_PKG_VERSION"), ")");
