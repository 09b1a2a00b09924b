-- What hangs on a subject is found by it: its residents, its issues, and the duties of its issues too.
CREATE INDEX issues_subject ON issues (subject_id);
CREATE INDEX issues_area ON issues (area_id);
UPDATE duties SET subject_id = (SELECT i.subject_id FROM issues i WHERE i.id = duties.issue_id) WHERE issue_id IS NOT NULL;
-- An issue lies where its subject does, also where that was put right later.
UPDATE issues SET area_id = (SELECT s.area_id FROM subjects s WHERE s.id = issues.subject_id)
  WHERE area_id <> (SELECT s.area_id FROM subjects s WHERE s.id = issues.subject_id);
-- What meets a duty of an area: few among many.
CREATE INDEX visits_spot_checks ON visits (subject_id) WHERE kind = 'spot_check';
CREATE INDEX audit_confirmations ON audit (target) WHERE action = 'confirm';
-- What is to be derived again, subject by subject, and how far that has come.
CREATE TABLE derivations (
  id TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  done_to TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
-- A long file is checked whole, then applied piece by piece, each a turn of its own; whoever is killed in it goes on.
CREATE TABLE imports_under_way (
  id TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  file_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  row_count BIGINT NOT NULL,
  state TEXT NOT NULL, -- checking | applying
  lease_until BIGINT NOT NULL,
  pieces BIGINT NOT NULL,
  applied BIGINT NOT NULL,
  added BIGINT NOT NULL,
  changed BIGINT NOT NULL,
  same BIGINT NOT NULL,
  skipped BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE import_pieces (
  import_id TEXT NOT NULL REFERENCES imports_under_way (id),
  sequence BIGINT NOT NULL,
  body_sealed TEXT NOT NULL,
  PRIMARY KEY (import_id, sequence)
);
