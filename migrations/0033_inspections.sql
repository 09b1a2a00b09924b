-- 四(三) 入户抽查: what was drawn at random, by whom and by which seed; who checks each; what was found beside what the visitor
-- wrote, and what came of that. Notes of a day's inspection that was at no household (日常督查).
CREATE TABLE inspection_draws (
  id TEXT PRIMARY KEY,
  seed TEXT NOT NULL,
  asked TEXT NOT NULL,
  population BIGINT NOT NULL,
  due_on TEXT NOT NULL,
  drawn_by TEXT NOT NULL REFERENCES staff (id),
  drawn_at BIGINT NOT NULL
);
CREATE TABLE inspections (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  draw_id TEXT NOT NULL REFERENCES inspection_draws (id),
  subject_id TEXT NOT NULL REFERENCES subjects (id),
  inspector_id TEXT NOT NULL REFERENCES staff (id),
  drawn_on TEXT NOT NULL,
  due_on TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  checked_on TEXT,
  checked_by TEXT REFERENCES staff (id),
  finding TEXT,
  found_sealed TEXT,
  recorded_at BIGINT,
  answer_role TEXT,
  answered_by TEXT REFERENCES staff (id),
  answer_sealed TEXT,
  answered_at BIGINT
);
CREATE INDEX inspections_subject ON inspections (subject_id);
CREATE INDEX inspections_checked ON inspections (checked_on);
CREATE TABLE inspection_notes (
  id TEXT PRIMARY KEY,
  on_date TEXT NOT NULL,
  staff_id TEXT NOT NULL REFERENCES staff (id),
  text_sealed TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX inspection_notes_on ON inspection_notes (on_date);
CREATE INDEX visits_checked ON visits (visited_on) WHERE kind = 'spot_check';
