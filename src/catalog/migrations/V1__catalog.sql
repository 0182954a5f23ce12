-- Times are milliseconds since 1970-01-01 UTC. Object ids are 40 hexadecimal digits. Sets and records are JSON.

CREATE TABLE connection (
    name          TEXT PRIMARY KEY,
    display_name  TEXT NOT NULL,
    revision      INTEGER NOT NULL,
    fingerprint   TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('inactive', 'active', 'error')),
    disconnected  TEXT NOT NULL DEFAULT '[]',
    failure       TEXT,
    failures      INTEGER NOT NULL DEFAULT 0,
    last_test_at  INTEGER,
    next_test_at  INTEGER,
    tested_revision INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE connection_test (
    id          INTEGER PRIMARY KEY,
    connection  TEXT NOT NULL REFERENCES connection (name),
    revision    INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    delegate    TEXT,
    duration_ms INTEGER NOT NULL,
    steps       TEXT NOT NULL,
    failure     TEXT,
    certificate_days_left INTEGER
) STRICT;
CREATE INDEX connection_test_by_connection ON connection_test (connection, id);

CREATE TABLE link (
    key           INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    display_name  TEXT NOT NULL,
    description   TEXT NOT NULL,
    connection    TEXT NOT NULL,
    project       TEXT NOT NULL,
    revision      INTEGER NOT NULL,
    fingerprint   TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('inactive', 'active', 'error', 'archived')),
    reasons       TEXT NOT NULL DEFAULT '[]',
    failure       TEXT,
    failures      INTEGER NOT NULL DEFAULT 0,
    -- The last revision that an operator let proceed, where links do not by themselves.
    proceeded     INTEGER,
    -- The last good catalog: its commit, the revision it was made for, and what was found besides.
    commit_id     TEXT,
    commit_revision INTEGER,
    counts        TEXT NOT NULL DEFAULT '{"cases":0,"suites":0,"collections":0,"malformed":0}',
    roots         TEXT NOT NULL DEFAULT '[]',
    notices       TEXT NOT NULL DEFAULT '[]',
    checked_at    INTEGER,
    synced_at     INTEGER
) STRICT;

CREATE TABLE sync (
    id          INTEGER PRIMARY KEY,
    link        INTEGER NOT NULL REFERENCES link (key),
    at          INTEGER NOT NULL,
    from_commit TEXT,
    to_commit   TEXT,
    counts      TEXT NOT NULL,
    parsed      INTEGER NOT NULL,
    remembered  INTEGER NOT NULL,
    delegate    TEXT,
    duration_ms INTEGER NOT NULL,
    failure     TEXT
) STRICT;
CREATE INDEX sync_by_link ON sync (link, id);

-- A removed case or suite stays as a row with the sync that removed it, so that what hangs on it stays too.
CREATE TABLE test_case (
    key         INTEGER PRIMARY KEY,
    link        INTEGER NOT NULL REFERENCES link (key),
    root        TEXT NOT NULL,
    id          TEXT NOT NULL,
    path        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('ok', 'malformed')),
    reason      TEXT,
    name        TEXT NOT NULL,
    guid        TEXT,
    tags        TEXT NOT NULL,
    description TEXT NOT NULL,
    blob        TEXT NOT NULL,
    scripts     TEXT,
    removed_by  INTEGER REFERENCES sync (id)
) STRICT;
CREATE UNIQUE INDEX test_case_by_id ON test_case (link, root, id) WHERE removed_by IS NULL;
CREATE INDEX test_case_removed ON test_case (link, root, id) WHERE removed_by IS NOT NULL;

CREATE TABLE suite (
    key         INTEGER PRIMARY KEY,
    link        INTEGER NOT NULL REFERENCES link (key),
    root        TEXT NOT NULL,
    id          TEXT NOT NULL,
    path        TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('static', 'dynamic', 'collection')),
    state       TEXT NOT NULL CHECK (state IN ('ok', 'malformed')),
    reason      TEXT,
    name        TEXT NOT NULL,
    guid        TEXT,
    tags        TEXT NOT NULL,
    description TEXT NOT NULL,
    query       TEXT,
    blob        TEXT NOT NULL,
    -- Suites have no scripts; the column lets cases and suites be compared alike.
    scripts     TEXT,
    removed_by  INTEGER REFERENCES sync (id)
) STRICT;
CREATE UNIQUE INDEX suite_by_id ON suite (link, root, id) WHERE removed_by IS NULL;
CREATE INDEX suite_removed ON suite (link, root, id) WHERE removed_by IS NOT NULL;

CREATE TABLE suite_entry (
    suite    INTEGER NOT NULL REFERENCES suite (key) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    id       TEXT NOT NULL,
    enabled  INTEGER NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('ok', 'missing', 'case_differs')),
    PRIMARY KEY (suite, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE change (
    sync      INTEGER NOT NULL REFERENCES sync (id),
    position  INTEGER NOT NULL,
    item      TEXT NOT NULL CHECK (item IN ('case', 'suite')),
    item_key  INTEGER NOT NULL,
    change    TEXT NOT NULL CHECK (change IN ('added', 'removed', 'changed', 'renamed')),
    root      TEXT NOT NULL,
    id        TEXT NOT NULL,
    old_root  TEXT,
    old_id    TEXT,
    PRIMARY KEY (sync, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX change_by_item ON change (item, item_key);

CREATE TABLE event (
    id         INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    event      TEXT NOT NULL,
    level      TEXT NOT NULL,
    connection TEXT,
    link       TEXT,
    delegate   TEXT,
    run        TEXT,
    message    TEXT NOT NULL,
    fields     TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_time ON event (at);
