//! What a delegate refuses.
