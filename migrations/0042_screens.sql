-- 大屏链接: addresses by which a television shows the wall chart, counts only: each kept as a digest under the key, until somebody
-- ends it. The instants are real time, in a rehearsal too.
CREATE TABLE screens (
  token_hash TEXT PRIMARY KEY,
  number BIGINT NOT NULL UNIQUE,
  place TEXT NOT NULL,
  made_by TEXT NOT NULL REFERENCES staff (id),
  created_at BIGINT NOT NULL,
  ended_at BIGINT
);
