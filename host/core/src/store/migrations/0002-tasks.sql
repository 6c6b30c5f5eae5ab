-- What one caller handed in at once: the terms that its tasks share.
CREATE TABLE submissions (
    number INTEGER PRIMARY KEY,
    -- JSON: strategy, limit, workers, and who handed it in.
    terms TEXT NOT NULL,
    submitted_ms INTEGER NOT NULL
) STRICT;

-- Tasks, those that have ended too. An id names the newest task of that id.
CREATE TABLE tasks (
    -- Counts in order of submission.
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    submission INTEGER NOT NULL REFERENCES submissions (number) ON DELETE CASCADE,
    -- JSON: what is to be done, and how.
    spec TEXT NOT NULL,
    -- JSON array: numbers of the tasks that have to complete before.
    needs TEXT NOT NULL,
    -- 'queued', 'running', 'completed', 'failed' or 'cancelled'.
    state TEXT NOT NULL DEFAULT 'queued',
    -- How often it was started, and how many of those times nobody knows the end of.
    attempts INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    -- JSON array of sentences: what became of earlier attempts.
    notes TEXT NOT NULL DEFAULT '[]',
    -- Where it ran last.
    session_id TEXT,
    -- What estimates go by.
    work TEXT NOT NULL,
    duration_ms INTEGER,
    -- JSON: exit status and output.
    result TEXT,
    error TEXT,
    submitted_ms INTEGER NOT NULL,
    started_ms INTEGER,
    ended_ms INTEGER
) STRICT;
CREATE INDEX tasks_by_id ON tasks (id, number);
CREATE INDEX tasks_by_submission ON tasks (submission);
CREATE INDEX tasks_open ON tasks (number) WHERE ended_ms IS NULL;
CREATE INDEX tasks_ended ON tasks (ended_ms) WHERE ended_ms IS NOT NULL;
