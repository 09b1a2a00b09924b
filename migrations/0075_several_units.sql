-- Whoever answers for several units of the town (城建办、民政办) owes what is asked of each: what is owed is derived again.
INSERT INTO derivations (id, reason, done_to, created_at)
  SELECT 'several-units', 'repair', '', 0 WHERE EXISTS (
    SELECT 1 FROM staff WHERE unit LIKE '%、%' OR unit LIKE '%，%' OR unit LIKE '%,%' OR unit LIKE '%;%' OR unit LIKE '%；%');
