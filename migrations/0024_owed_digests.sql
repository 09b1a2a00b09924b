-- Who is owed the digest of what they were told by then: it's written with the reminders, and goes when the digest is there,
-- so that a run that was killed between the two is gone on with.
CREATE TABLE owed_digests (
  staff_id TEXT PRIMARY KEY REFERENCES staff (id),
  on_date TEXT NOT NULL
);
-- Who has a digest of a day is asked in each turn of a run.
CREATE INDEX notices_day ON notices (on_date, topic, staff_id);
