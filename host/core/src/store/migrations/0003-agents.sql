-- Agents and teams, and what they hold. Lists and maps are JSON.
CREATE TABLE agents (
    name TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    teams TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE teams (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    parent_team TEXT,
    created_at TEXT NOT NULL,
    -- The colour of its profile, in degrees.
    hue REAL NOT NULL,
    -- The GUID of its profile in iTerm2.
    guid TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Who alone may type into a session, and until when.
CREATE TABLE leases (
    session_id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    fencing_token INTEGER NOT NULL,
    acquired_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    lasts_ms INTEGER NOT NULL,
    waiting TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session_roles (
    session_id TEXT PRIMARY KEY,
    config TEXT NOT NULL,
    assigned_at TEXT NOT NULL,
    assigned_by TEXT
) STRICT, WITHOUT ROWID;

-- What a role means here, in place of its default.
CREATE TABLE role_configs (
    role TEXT PRIMARY KEY,
    config TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    agent TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    level TEXT NOT NULL,
    summary TEXT NOT NULL,
    context TEXT,
    action_hint TEXT
) STRICT;

-- What each agent was told, as digests: the newest thousand.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    agent TEXT NOT NULL,
    digest BLOB NOT NULL,
    UNIQUE (agent, digest)
) STRICT;
