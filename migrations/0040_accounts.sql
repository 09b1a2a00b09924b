-- Who signs in: a person's password (argon2id over a digest under the key, so that the record alone lets nobody try any), how
-- often it was given wrongly since it was last right, and until when nobody may try. The instants of this file are real time, in
-- a rehearsal too.
CREATE TABLE accounts (
  staff_id TEXT PRIMARY KEY REFERENCES staff (id),
  password TEXT, -- nothing until the first link was used
  set_at BIGINT,
  wrong BIGINT NOT NULL,
  locked_until BIGINT NOT NULL
);
-- The one-time links for a first sign-in, each kept as a digest under the key; a person's new one ends those before.
CREATE TABLE invitations (
  token_hash TEXT PRIMARY KEY,
  staff_id TEXT NOT NULL REFERENCES staff (id),
  created_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX invitations_person ON invitations (staff_id);
-- Who is signed in where: the cookie's secret as a digest under the key.
CREATE TABLE sign_ins (
  token_hash TEXT PRIMARY KEY,
  staff_id TEXT NOT NULL REFERENCES staff (id),
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX sign_ins_person ON sign_ins (staff_id);
-- Forms that did something, by the id that each was shown with: sent again, they do nothing more and say the same.
CREATE TABLE submissions (
  id TEXT PRIMARY KEY,
  staff_id TEXT NOT NULL REFERENCES staff (id),
  content_key TEXT NOT NULL,
  said_sealed TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
