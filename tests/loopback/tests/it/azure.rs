//! The look-alike of Azure DevOps, seen by `curl` and by the real Git.

mod git;
mod rest;
mod site;
