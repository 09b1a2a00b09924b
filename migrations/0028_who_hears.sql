-- Who is late with what is read by person and, where nobody is named, by role: for each day's reminders, and for what nobody is
-- assigned to.
CREATE INDEX duty_groups_person ON duty_groups (staff_id, due_on) WHERE staff_id IS NOT NULL AND issue_id IS NULL;
CREATE INDEX duty_groups_unowned ON duty_groups (kind, area_id) WHERE staff_id IS NULL AND issue_id IS NULL;
-- What nobody is assigned to is owed by whoever answers for the village, and what the platform refused is settled by the centre:
-- the records of before don't have these duties yet.
INSERT INTO derivations (id, reason, done_to, created_at)
  SELECT 'who-hears', 'repair', '', 0 WHERE EXISTS (SELECT 1 FROM subjects);
