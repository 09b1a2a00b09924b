-- 链接: each address of a digest's page is drawn at random and kept only as a digest under the key. It ends with its use (签收),
-- after its days, or when somebody revokes it.
CREATE TABLE links (
  token_hash TEXT PRIMARY KEY,
  staff_id TEXT NOT NULL REFERENCES staff (id),
  on_date TEXT NOT NULL,
  asks BIGINT NOT NULL, -- 1: several could read it, so whoever signs says who they are
  wrong BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  ended_at BIGINT,
  ended_why TEXT -- used | revoked | guessed
);
CREATE INDEX links_person ON links (staff_id);
-- A message as more people than its reader may see it: a group's robot takes it over where a person's own channel refuses.
ALTER TABLE notices ADD COLUMN several TEXT;
