-- Hand-offs 交接单: workbooks of referrals for a portal that only people can use. A referral is in one of them at
-- most, whatever happens.
CREATE TABLE handoffs (
  number BIGINT PRIMARY KEY,
  lane TEXT NOT NULL,
  on_date TEXT NOT NULL,
  row_count BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  written_at BIGINT
);
CREATE TABLE handoff_rows (
  handoff BIGINT NOT NULL REFERENCES handoffs (number),
  place BIGINT NOT NULL,
  referral_id TEXT NOT NULL UNIQUE REFERENCES referrals (id),
  PRIMARY KEY (handoff, place)
);

-- A person hears of more than the day's digest: one notice for each topic of a day.
CREATE TABLE notices_by_topic (
  id TEXT PRIMARY KEY,
  staff_id TEXT NOT NULL REFERENCES staff (id),
  channel TEXT NOT NULL,
  on_date TEXT NOT NULL,
  topic TEXT NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  delivered_at BIGINT,
  created_at BIGINT NOT NULL,
  UNIQUE (staff_id, channel, on_date, topic)
);
INSERT INTO notices_by_topic SELECT id, staff_id, channel, on_date, 'digest', title, body, delivered_at, created_at FROM notices;
DROP TABLE notices;
ALTER TABLE notices_by_topic RENAME TO notices;
