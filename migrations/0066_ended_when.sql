-- When it was written down that a subject isn't to be visited any more, and when that was taken back last: a sample that was
-- drawn before is drawn again alike, whatever day was named (src/db/inspections.rs). Of what ended before, the day alone is known.
ALTER TABLE subjects ADD COLUMN ended_at BIGINT;
ALTER TABLE subjects ADD COLUMN resumed_at BIGINT;
