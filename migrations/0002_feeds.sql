-- Where the platform's feed of changes was last read to.
CREATE TABLE feeds (
  lane TEXT PRIMARY KEY,
  cursor TEXT NOT NULL,
  read_at BIGINT NOT NULL
);
