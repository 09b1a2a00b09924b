-- What somebody is to hear besides their duties: how it stands, what was handed in, what nobody holds. It goes into their digest
-- of that day, and stays as what was said.
CREATE TABLE words (
  id TEXT PRIMARY KEY,
  staff_id TEXT NOT NULL REFERENCES staff (id),
  topic TEXT NOT NULL,
  on_date TEXT NOT NULL,
  title_sealed TEXT NOT NULL,
  body_sealed TEXT NOT NULL
);
CREATE INDEX words_day ON words (on_date, topic);
CREATE INDEX words_person ON words (staff_id, on_date);
