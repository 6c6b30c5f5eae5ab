-- What this store's host is called among machines: chosen once, by chance.
CREATE TABLE machine_owner (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL
) STRICT;

-- Errands that this machine has begun, so that none is begun twice here.
CREATE TABLE errands (
    -- Whose errand: the owner's id, the task's number there, and which sending.
    owner TEXT NOT NULL,
    task INTEGER NOT NULL,
    sending INTEGER NOT NULL,
    -- JSON: how it ended; NULL while it runs.
    fate TEXT,
    begun_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, task, sending)
) STRICT;

-- How often a task was sent to machines: no two sendings are taken for one.
ALTER TABLE tasks ADD COLUMN sendings INTEGER NOT NULL DEFAULT 0;
