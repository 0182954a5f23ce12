//! Keeps what a process holds in its memory, secrets among it, from others of the same user and out of core dumps.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Lets no other process of our user look into this one: neither its memory nor the environment that it was started
/// with (ptrace(2)). What it starts can be looked into again once it is another program.
pub(super) fn hide_memory() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user can look into this one, which holds secrets");
    }
}

/// Keeps secrets out of core dumps, those of the programs that print secrets included. The limit alone does not do: a
/// kernel that hands dumps to a program, such as systemd's, does not heed it (core(5)).
pub(super) fn forbid_core_dumps() {
    hide_memory();
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps cannot be forbidden: one would hold secrets");
    }
}
