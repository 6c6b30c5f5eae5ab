-- Prompts that were typed for agents' programs, so that none is typed twice.
CREATE TABLE prompts (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    -- SHA-256 of the text.
    digest BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    -- The receipt as JSON; that of a prompt which is on its way says so.
    receipt TEXT NOT NULL
) STRICT;
CREATE INDEX prompts_by_time ON prompts (at_ms);
