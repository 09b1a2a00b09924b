-- What a file that came in did, as the status page says it: how many rows of each kind of outcome, and which.
ALTER TABLE imports ADD COLUMN added BIGINT NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN same BIGINT NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN told TEXT NOT NULL DEFAULT '';
CREATE INDEX imports_at ON imports (imported_at);
ALTER TABLE imports_under_way ADD COLUMN told TEXT NOT NULL DEFAULT '';
