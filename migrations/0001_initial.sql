-- The whole domain, in SQL that SQLite and PostgreSQL both understand: TEXT, BIGINT and DOUBLE PRECISION only.
-- Instants (…_at) are epoch milliseconds, dates (…_on) ISO text, ids UUIDv7 text. Columns that end in _sealed
-- hold personal data sealed with the key of privacy.key_file; natural_key finds a row without opening it.

CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);

CREATE TABLE areas (
  id TEXT PRIMARY KEY,
  code TEXT UNIQUE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  parent_id TEXT REFERENCES areas (id),
  created_at BIGINT NOT NULL
);
CREATE INDEX areas_parent ON areas (parent_id);

CREATE TABLE staff (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  area_id TEXT NOT NULL REFERENCES areas (id),
  unit TEXT NOT NULL,
  phone_sealed TEXT,
  created_at BIGINT NOT NULL
);

CREATE TABLE staff_roles (
  staff_id TEXT NOT NULL REFERENCES staff (id),
  role TEXT NOT NULL,
  PRIMARY KEY (staff_id, role)
);

CREATE TABLE subjects (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  area_id TEXT NOT NULL REFERENCES areas (id),
  name_sealed TEXT NOT NULL,
  address_sealed TEXT,
  content_key TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX subjects_area ON subjects (area_id);

CREATE TABLE residents (
  id TEXT PRIMARY KEY,
  subject_id TEXT NOT NULL REFERENCES subjects (id),
  natural_key TEXT NOT NULL UNIQUE,
  name_sealed TEXT NOT NULL,
  contact_sealed TEXT,
  created_at BIGINT NOT NULL
);
CREATE INDEX residents_subject ON residents (subject_id);

CREATE TABLE assignments (
  id TEXT PRIMARY KEY,
  subject_id TEXT NOT NULL UNIQUE REFERENCES subjects (id),
  staff_id TEXT NOT NULL REFERENCES staff (id),
  overridden_by TEXT,
  override_reason TEXT,
  overridden_at BIGINT,
  created_at BIGINT NOT NULL
);
CREATE INDEX assignments_staff ON assignments (staff_id);

CREATE TABLE visits (
  id TEXT PRIMARY KEY,
  natural_key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  subject_id TEXT NOT NULL REFERENCES subjects (id),
  resident_id TEXT NOT NULL REFERENCES residents (id),
  staff_id TEXT NOT NULL REFERENCES staff (id),
  visited_on TEXT NOT NULL,
  satisfaction TEXT,
  created_at BIGINT NOT NULL
);
CREATE INDEX visits_subject ON visits (subject_id, kind);
CREATE INDEX visits_resident ON visits (resident_id, kind);

CREATE TABLE issues (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  natural_key TEXT NOT NULL UNIQUE,
  visit_id TEXT NOT NULL REFERENCES visits (id),
  resident_id TEXT NOT NULL REFERENCES residents (id),
  subject_id TEXT NOT NULL REFERENCES subjects (id),
  area_id TEXT NOT NULL REFERENCES areas (id),
  text_sealed TEXT NOT NULL,
  state TEXT NOT NULL,
  round BIGINT NOT NULL,
  level TEXT,
  category TEXT,
  urgency TEXT,
  town_finished BIGINT NOT NULL,
  platform_finished BIGINT NOT NULL,
  due_on TEXT,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX issues_resident ON issues (resident_id);
CREATE INDEX issues_state ON issues (state, level);

CREATE TABLE issue_events (
  issue_id TEXT NOT NULL REFERENCES issues (id),
  sequence BIGINT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  actor TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (issue_id, sequence)
);

CREATE TABLE referrals (
  id TEXT PRIMARY KEY,
  issue_id TEXT NOT NULL REFERENCES issues (id),
  round BIGINT NOT NULL,
  lane TEXT NOT NULL,
  reference TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL, -- queued | waiting (token, no number yet) | open | ended | refused | cancelled
  remote_id TEXT,
  token TEXT,
  remote_word TEXT,
  remote_at BIGINT,
  queued_at BIGINT NOT NULL,
  delivered_at BIGINT,
  poll_at BIGINT,
  UNIQUE (issue_id, round)
);
CREATE INDEX referrals_remote ON referrals (lane, remote_id);
CREATE INDEX referrals_poll ON referrals (lane, state, poll_at);

CREATE TABLE referral_updates (
  id TEXT PRIMARY KEY,
  lane TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  digest TEXT NOT NULL UNIQUE,
  word TEXT NOT NULL,
  status TEXT,
  body TEXT NOT NULL,
  at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  applied_at BIGINT
);
CREATE INDEX referral_updates_remote ON referral_updates (lane, remote_id, at);

CREATE TABLE duties (
  id TEXT PRIMARY KEY,
  duty_key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  staff_id TEXT REFERENCES staff (id),
  role TEXT NOT NULL,
  area_id TEXT NOT NULL REFERENCES areas (id),
  subject_id TEXT REFERENCES subjects (id),
  resident_id TEXT REFERENCES residents (id),
  issue_id TEXT REFERENCES issues (id),
  due_on TEXT NOT NULL,
  state TEXT NOT NULL, -- open | met | cancelled
  met_at BIGINT,
  met_by TEXT,
  next_rung BIGINT NOT NULL,
  next_rung_on TEXT,
  created_at BIGINT NOT NULL
);
CREATE INDEX duties_rung ON duties (state, next_rung_on);
CREATE INDEX duties_due ON duties (state, due_on);

CREATE TABLE notices (
  id TEXT PRIMARY KEY,
  staff_id TEXT NOT NULL REFERENCES staff (id),
  channel TEXT NOT NULL,
  on_date TEXT NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  delivered_at BIGINT,
  created_at BIGINT NOT NULL,
  UNIQUE (staff_id, channel, on_date)
);

CREATE TABLE notice_items (
  duty_id TEXT NOT NULL REFERENCES duties (id),
  rung BIGINT NOT NULL,
  staff_id TEXT NOT NULL REFERENCES staff (id),
  on_date TEXT NOT NULL,
  PRIMARY KEY (duty_id, rung, staff_id)
);

CREATE TABLE outbox (
  id TEXT PRIMARY KEY,
  lane TEXT NOT NULL,
  kind TEXT NOT NULL, -- referral | notice
  debt_key TEXT NOT NULL UNIQUE,
  target_id TEXT NOT NULL,
  priority BIGINT NOT NULL,
  state TEXT NOT NULL, -- ready | leased | delivered | refused | held | cancelled
  unknown_since BIGINT,
  attempts BIGINT NOT NULL,
  first_attempt_at BIGINT,
  last_attempt_at BIGINT,
  not_before BIGINT NOT NULL,
  lease_owner TEXT,
  lease_until BIGINT,
  last_error TEXT,
  created_at BIGINT NOT NULL,
  settled_at BIGINT
);
CREATE INDEX outbox_ready ON outbox (lane, state, not_before, priority);

CREATE TABLE lanes (
  name TEXT PRIMARY KEY,
  good_at BIGINT,
  failed_at BIGINT,
  failure TEXT
);

CREATE TABLE job_runs (
  job TEXT NOT NULL,
  slot BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  finished_at BIGINT,
  outcome TEXT,
  PRIMARY KEY (job, slot)
);

CREATE TABLE imports (
  digest TEXT PRIMARY KEY,
  file_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  row_count BIGINT NOT NULL,
  imported_at BIGINT NOT NULL
);

CREATE TABLE audit (
  sequence BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT NOT NULL,
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL
);
