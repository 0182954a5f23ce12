-- Reports of runs made elsewhere, each once a project.
CREATE TABLE import (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project     TEXT NOT NULL,
    source      TEXT NOT NULL,
    -- The SHA-256 of the file.
    content     TEXT NOT NULL,
    results     INTEGER NOT NULL DEFAULT 0,
    matched     INTEGER NOT NULL DEFAULT 0,
    -- Nothing until its last result is recorded: none of them counts before.
    recorded_at INTEGER
) STRICT;
CREATE UNIQUE INDEX import_by_content ON import (project, content);

ALTER TABLE result ADD COLUMN import INTEGER REFERENCES import (id);
CREATE INDEX result_by_import ON result (import) WHERE import IS NOT NULL;

-- Results but those of an import that is not whole.
CREATE VIEW whole_result AS
SELECT * FROM result WHERE coalesce(import, 0) NOT IN (SELECT id FROM import WHERE recorded_at IS NULL);

CREATE INDEX run_by_link ON run (link, id);
