-- When a process that is at a job last said so: a run that takes long isn't taken over by another replica.
ALTER TABLE job_runs ADD COLUMN alive_at BIGINT;
UPDATE job_runs SET alive_at = started_at;
-- What was given back before it was on the platform isn't to be uploaded by anybody: what is owed is derived again.
INSERT INTO derivations (id, reason, done_to, created_at)
  SELECT 'given-back', 'repair', '', 0 WHERE EXISTS (SELECT 1 FROM subjects);
