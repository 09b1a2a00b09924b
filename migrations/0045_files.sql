-- Files that came by a browser, sealed in pieces: a table on its way in, the marked copy of one that was refused, what was handed in.
-- All of one is there once its pieces are counted; one that nothing names any more goes the night after.
CREATE TABLE files (
  id TEXT PRIMARY KEY,
  name_sealed TEXT NOT NULL,
  size BIGINT NOT NULL,
  pieces BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX files_created ON files (created_at);
CREATE TABLE file_pieces (
  file_id TEXT NOT NULL REFERENCES files (id),
  sequence BIGINT NOT NULL,
  body_sealed TEXT NOT NULL,
  PRIMARY KEY (file_id, sequence)
);
-- A table that somebody brought: looked through, told what it would do, then taken or dropped. Instants are real time.
CREATE TABLE uploads (
  id TEXT PRIMARY KEY,
  staff_id TEXT NOT NULL REFERENCES staff (id),
  file_id TEXT REFERENCES files (id), -- nothing once it's over
  copy_id TEXT REFERENCES files (id), -- the same with what is wrong beside each row
  file_sealed TEXT NOT NULL,
  options TEXT NOT NULL,
  state TEXT NOT NULL,
  version BIGINT NOT NULL,
  told_sealed TEXT,
  lease_until BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX uploads_person ON uploads (staff_id, created_at);
CREATE INDEX uploads_created ON uploads (created_at);
CREATE INDEX uploads_file ON uploads (file_id);
CREATE INDEX uploads_copy ON uploads (copy_id);
-- What was handed in for an area or a unit of the town, each time anew: by whom, the file, and that it was sent back with a word.
CREATE TABLE hand_ins (
  id TEXT PRIMARY KEY,
  duty_key TEXT NOT NULL,
  version BIGINT NOT NULL,
  file_id TEXT REFERENCES files (id), -- nothing where it came on paper
  handed_by TEXT NOT NULL REFERENCES staff (id),
  handed_at BIGINT NOT NULL,
  returned_by TEXT REFERENCES staff (id),
  returned_at BIGINT,
  word_sealed TEXT
);
CREATE UNIQUE INDEX hand_ins_duty ON hand_ins (duty_key, version);
CREATE INDEX hand_ins_file ON hand_ins (file_id);
CREATE INDEX audit_sent_back ON audit (target) WHERE action = 'send_back';
