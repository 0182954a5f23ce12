-- The last slot of each schedule that was dealt with.
CREATE TABLE schedule (
    name        TEXT PRIMARY KEY,
    consumed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Nothing where results were imported.
    schedule     TEXT NOT NULL,
    link         TEXT NOT NULL,
    connection   TEXT NOT NULL,
    project      TEXT NOT NULL,
    root         TEXT NOT NULL,
    suite        TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('queued', 'running', 'canceling', 'passed', 'failed', 'error',
                                                 'canceled', 'timed_out', 'skipped')),
    reason       TEXT,
    message      TEXT,
    -- Who started it by hand.
    requested_by TEXT,
    due_at       INTEGER NOT NULL,
    queued_at    INTEGER NOT NULL,
    started_at   INTEGER,
    finished_at  INTEGER,
    delegate     TEXT,
    -- Grows each time the run is handed out: an outcome with an older one is refused.
    fence        INTEGER NOT NULL DEFAULT 0,
    commit_id    TEXT,
    counts       TEXT,
    exit         TEXT,
    -- By which its processes are found again after a crash.
    marker       TEXT,
    written_bytes INTEGER NOT NULL DEFAULT 0,
    omitted_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX run_unfinished ON run (status, link) WHERE status IN ('queued', 'running', 'canceling');
CREATE INDEX run_by_end ON run (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX run_by_suite ON run (schedule, link, root, suite, id);

-- Results belong to a project. The case that one is attached to may be removed and come back: its row stays.
CREATE TABLE result (
    id          INTEGER PRIMARY KEY,
    project     TEXT NOT NULL,
    run         INTEGER,
    -- The report it was read from.
    source      TEXT NOT NULL,
    position    INTEGER NOT NULL,
    suite       TEXT NOT NULL,
    name        TEXT NOT NULL,
    class_name  TEXT NOT NULL,
    path        TEXT,
    status      TEXT NOT NULL CHECK (status IN ('passed', 'failed', 'error', 'skipped')),
    duration_ms INTEGER,
    attempts    INTEGER NOT NULL,
    message     TEXT,
    started_at  TEXT,
    recorded_at INTEGER NOT NULL,
    case_key    INTEGER REFERENCES test_case (key)
) STRICT;
-- By which a result finds its case.
CREATE INDEX test_case_by_name ON test_case (id) WHERE removed_by IS NULL;
CREATE INDEX test_case_by_path ON test_case (path) WHERE removed_by IS NULL;
CREATE INDEX result_by_case ON result (case_key, id) WHERE case_key IS NOT NULL;
CREATE INDEX result_unmatched ON result (project, path) WHERE case_key IS NULL;
CREATE INDEX result_by_run ON result (run, id);
CREATE INDEX result_by_time ON result (recorded_at);
CREATE INDEX event_by_run ON event (run) WHERE run IS NOT NULL;

ALTER TABLE link ADD COLUMN link_existing_results INTEGER NOT NULL DEFAULT 0;
