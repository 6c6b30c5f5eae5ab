-- What sessions used, over time. The three tables have one shape: a row of `raw` is
-- one sample, a row of `minute` and of `hour` adds up the samples that fall into it.
-- Sums and counts, never means, so that rows can be added up further.

-- Whose samples: 0 is all sessions together.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL UNIQUE,
    last_ms INTEGER NOT NULL
) STRICT;
INSERT INTO series (id, session, last_ms) VALUES (0, '', 0);

CREATE TABLE raw (
    series INTEGER NOT NULL,
    -- Milliseconds since the Unix epoch: of the sample, or of the row's beginning.
    at INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    -- Hundredths of a percent of one core.
    cpu_sum INTEGER NOT NULL,
    cpu_max INTEGER NOT NULL,
    -- KiB.
    memory_sum INTEGER NOT NULL,
    memory_max INTEGER NOT NULL,
    -- Bytes.
    disk_read INTEGER NOT NULL,
    disk_written INTEGER NOT NULL,
    -- Commands that answered, and their time to do so in microseconds.
    answered INTEGER NOT NULL,
    answer_us INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    -- Sessions that were sampled together.
    sessions_sum INTEGER NOT NULL,
    sessions_max INTEGER NOT NULL,
    PRIMARY KEY (series, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE minute (
    series INTEGER NOT NULL,
    at INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    cpu_sum INTEGER NOT NULL,
    cpu_max INTEGER NOT NULL,
    memory_sum INTEGER NOT NULL,
    memory_max INTEGER NOT NULL,
    disk_read INTEGER NOT NULL,
    disk_written INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    answer_us INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    sessions_sum INTEGER NOT NULL,
    sessions_max INTEGER NOT NULL,
    PRIMARY KEY (series, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE hour (
    series INTEGER NOT NULL,
    at INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    cpu_sum INTEGER NOT NULL,
    cpu_max INTEGER NOT NULL,
    memory_sum INTEGER NOT NULL,
    memory_max INTEGER NOT NULL,
    disk_read INTEGER NOT NULL,
    disk_written INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    answer_us INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    sessions_sum INTEGER NOT NULL,
    sessions_max INTEGER NOT NULL,
    PRIMARY KEY (series, at)
) STRICT, WITHOUT ROWID;

-- When a host ran: uptime and availability come from here.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    began_ms INTEGER NOT NULL,
    -- The last moment at which it is known to have run.
    last_ms INTEGER NOT NULL
) STRICT;

-- What went wrong, and until when.
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY,
    component TEXT NOT NULL,
    -- '' where it is not about one session.
    session TEXT NOT NULL,
    -- 'warning', 'error' or 'critical'.
    severity TEXT NOT NULL,
    cause TEXT NOT NULL,
    began_ms INTEGER NOT NULL,
    -- NULL while it lasts.
    ended_ms INTEGER,
    -- What was done about it, where something was.
    recovery TEXT
) STRICT;
CREATE INDEX incidents_by_beginning ON incidents (began_ms);
