//! Finds tests in a tree: bytes in, tests out.
