-- How deep an agent was started: 1 by nobody's agent, else one more than the agent
-- that has started it.
ALTER TABLE agents ADD COLUMN depth INTEGER NOT NULL DEFAULT 1;
