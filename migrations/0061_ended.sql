-- A subject that isn't to be visited any more: since when, why, and what was said of it. Nothing is owed there from then on.
ALTER TABLE subjects ADD COLUMN ended_on TEXT;
ALTER TABLE subjects ADD COLUMN ended_why TEXT;
ALTER TABLE subjects ADD COLUMN ended_words_sealed TEXT;
-- They are few, and counted and listed apart by area.
CREATE INDEX subjects_ended ON subjects (area_id) WHERE ended_on IS NOT NULL;
