-- When a process that is at a job last said so: a run that takes long isn't taken over by another replica.
ALTER TABLE job_runs ADD COLUMN alive_at BIGINT;
