-- The plan in effect, and those before it: the last one holds. It is what was applied, whatever the file says meanwhile.
CREATE TABLE plans (
  version BIGINT PRIMARY KEY,
  code TEXT NOT NULL,
  body TEXT NOT NULL,
  applied_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  applied_at BIGINT NOT NULL
);
-- Reports of a breach of discipline 违纪反映: for the inspection group only.
CREATE TABLE breaches (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  happened_on TEXT NOT NULL,
  area_id TEXT NOT NULL REFERENCES areas (id),
  text_sealed TEXT NOT NULL,
  reporter_sealed TEXT,
  about_sealed TEXT,
  state TEXT NOT NULL, -- open | closed
  result_sealed TEXT,
  created_at BIGINT NOT NULL,
  closed_at BIGINT
);
