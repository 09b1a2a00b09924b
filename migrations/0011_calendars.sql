-- Raised to make a person's calendar address a new one.
ALTER TABLE staff ADD COLUMN calendar_version BIGINT NOT NULL DEFAULT 0;
