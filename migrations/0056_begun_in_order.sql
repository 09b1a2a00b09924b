-- Work on an issue begins on a workday, and no long-term one before an urgent one: the dates of before are derived again.
INSERT INTO derivations (id, reason, done_to, created_at)
  SELECT 'begun-in-order', 'repair', '', 0 WHERE EXISTS (SELECT 1 FROM subjects);
-- Residents count from the day on which they were heard: the first start counts again what is kept (src/db/recount.rs).
DELETE FROM meta WHERE name = 'figures';
-- What a draw drew is read by the draw.
CREATE INDEX inspections_draw ON inspections (draw_id);
