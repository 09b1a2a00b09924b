-- How often a process began with a table that somebody brought: one that always kills it isn't begun for ever.
ALTER TABLE uploads ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
