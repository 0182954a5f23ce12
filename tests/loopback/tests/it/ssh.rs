//! What the real `ssh` and Git see of the SSH server.

mod keys;
mod serving;
mod site;
