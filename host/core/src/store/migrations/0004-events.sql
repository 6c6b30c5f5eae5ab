-- What happened, as streams told it. Pruned by age and by number.
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    type TEXT NOT NULL,
    -- The whole event as JSON.
    event TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_type ON events (type, sequence);
CREATE INDEX events_by_time ON events (at_ms);
