//! What the ledger makes of messages that come in any order.
