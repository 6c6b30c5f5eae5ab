-- Sessions, those that have ended too. A session of the backend `pty` dies with its
-- host; one on tmux or iTerm2 is found again by its id.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    backend TEXT NOT NULL,
    -- What the session is called on its backend: a pane of tmux, a session of iTerm2.
    backend_handle TEXT,
    -- What it takes to understand its shell's marks, a secret; where it outlives its host.
    marks TEXT,
    -- A JSON array.
    tags TEXT NOT NULL DEFAULT '[]',
    created_ms INTEGER NOT NULL,
    last_activity_ms INTEGER NOT NULL,
    -- NULL while it lives.
    ended_ms INTEGER,
    -- How it ended: 'closed', 'exited', or 'lost' with its host.
    ending TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_ending ON sessions (ended_ms);
