-- Delegates that an operator drains: they take nothing new until they are resumed, whatever is restarted meanwhile.
CREATE TABLE drained_delegate (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
