-- Up to which number events may have been told though they were not kept yet: a host
-- that was killed goes on after it.
CREATE TABLE event_numbers (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    promised INTEGER NOT NULL
) STRICT;
