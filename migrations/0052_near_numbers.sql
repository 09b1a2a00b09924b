-- A subject's number as it's compared with one that is nearly the same: 0012, 12, H-1, h1. Filled in by the service before
-- the next table of subjects is taken (src/db/near_numbers.rs).
ALTER TABLE subjects ADD COLUMN near_number TEXT;
CREATE INDEX subjects_near ON subjects (near_number);
