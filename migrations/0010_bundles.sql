-- Bundles 任务单: duties that one person owes of one kind, in one area, by one date climb the ladder together, so that a
-- day costs what is due and not what is owed (docs/decisions/0007). An issue's duties have bundles of their own.
CREATE TABLE bundles (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  role TEXT NOT NULL,
  staff_id TEXT REFERENCES staff (id),
  area_id TEXT NOT NULL REFERENCES areas (id),
  issue_id TEXT REFERENCES issues (id),
  due_on TEXT NOT NULL,
  next_rung BIGINT NOT NULL,
  next_rung_on TEXT,
  created_at BIGINT NOT NULL
);
CREATE INDEX bundles_rung ON bundles (next_rung_on);
CREATE INDEX bundles_like ON bundles (kind, area_id, staff_id, due_on, next_rung);
CREATE INDEX bundles_issue ON bundles (issue_id);
INSERT INTO bundles (id, kind, role, staff_id, area_id, issue_id, due_on, next_rung, next_rung_on, created_at)
  SELECT MIN(id), kind, role, staff_id, area_id, issue_id, due_on, next_rung, next_rung_on, MIN(created_at)
  FROM duties GROUP BY kind, role, staff_id, area_id, issue_id, due_on, next_rung, next_rung_on;

CREATE TABLE bundled_duties (
  id TEXT PRIMARY KEY,
  duty_key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  bundle_id TEXT NOT NULL REFERENCES bundles (id),
  subject_id TEXT REFERENCES subjects (id),
  resident_id TEXT REFERENCES residents (id),
  issue_id TEXT REFERENCES issues (id),
  state TEXT NOT NULL, -- open | met | cancelled
  met_at BIGINT,
  met_by TEXT,
  created_at BIGINT NOT NULL
);
INSERT INTO bundled_duties
  SELECT d.id, d.duty_key, d.kind, b.id, d.subject_id, d.resident_id, d.issue_id, d.state, d.met_at, d.met_by, d.created_at
  FROM duties d JOIN bundles b ON b.kind = d.kind AND b.area_id = d.area_id AND b.due_on = d.due_on
    AND b.next_rung = d.next_rung AND b.role = d.role AND COALESCE(b.staff_id, '') = COALESCE(d.staff_id, '')
    AND COALESCE(b.issue_id, '') = COALESCE(d.issue_id, '') AND COALESCE(b.next_rung_on, '') = COALESCE(d.next_rung_on, '');

-- That a person was told of a bundle at a rung: how many duties were open in it, and instead of whom (away, or
-- without a channel) the person was told.
CREATE TABLE tellings (
  bundle_id TEXT NOT NULL REFERENCES bundles (id),
  rung BIGINT NOT NULL,
  staff_id TEXT NOT NULL REFERENCES staff (id),
  instead_of TEXT REFERENCES staff (id),
  duties BIGINT NOT NULL,
  on_date TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (bundle_id, rung, staff_id)
);
CREATE INDEX tellings_day ON tellings (on_date, staff_id);
INSERT INTO tellings (bundle_id, rung, staff_id, duties, on_date, at)
  SELECT d.bundle_id, i.rung, i.staff_id, COUNT(*), MIN(i.on_date), 0
  FROM notice_items i JOIN bundled_duties d ON d.id = i.duty_id GROUP BY d.bundle_id, i.rung, i.staff_id;
DROP TABLE notice_items;
DROP TABLE duties;
ALTER TABLE bundled_duties RENAME TO duties;
CREATE INDEX duties_open ON duties (bundle_id) WHERE state = 'open';
CREATE INDEX duties_subject ON duties (subject_id);
CREATE INDEX duties_of_issue ON duties (issue_id);

-- How a person is reached besides the telephone, sealed; and which of these a channel found dead.
ALTER TABLE staff ADD COLUMN email_sealed TEXT;
ALTER TABLE staff ADD COLUMN wecom_sealed TEXT;
ALTER TABLE staff ADD COLUMN feishu_sealed TEXT;
CREATE TABLE dead_addresses (
  staff_id TEXT NOT NULL REFERENCES staff (id),
  channel TEXT NOT NULL,
  since BIGINT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (staff_id, channel)
);
-- Who is away, both days included, and who stands in.
CREATE TABLE absences (
  id TEXT PRIMARY KEY,
  staff_id TEXT NOT NULL REFERENCES staff (id),
  from_date TEXT NOT NULL,
  until_date TEXT NOT NULL,
  deputy_id TEXT REFERENCES staff (id),
  created_at BIGINT NOT NULL,
  UNIQUE (staff_id, from_date)
);
-- 已知晓: a person needn't be told again of a bundle, before its date (0) or after it (1).
CREATE TABLE acknowledgements (
  bundle_id TEXT NOT NULL REFERENCES bundles (id),
  staff_id TEXT NOT NULL REFERENCES staff (id),
  late BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (bundle_id, staff_id, late)
);
ALTER TABLE notices ADD COLUMN html TEXT;
-- 户不漏人: who is registered at a household, and why somebody there couldn't be heard.
ALTER TABLE residents ADD COLUMN registered BIGINT NOT NULL DEFAULT 0;
ALTER TABLE residents ADD COLUMN unheard_sealed TEXT;
ALTER TABLE visits ADD COLUMN face_to_face BIGINT NOT NULL DEFAULT 1;
