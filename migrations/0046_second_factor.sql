-- The second thing that whoever signs in shows: a code that changes every half minute (RFC 6238), by a secret that their telephone
-- has too; good once. Instants are real time.
CREATE TABLE second_factors (
  staff_id TEXT PRIMARY KEY REFERENCES staff (id),
  secret_sealed TEXT NOT NULL,
  confirmed_at BIGINT, -- nothing until a first code was given
  last_step BIGINT NOT NULL
);
-- Signed in by password, and no further until the code is given.
ALTER TABLE sign_ins ADD COLUMN half BIGINT NOT NULL DEFAULT 0;
-- What programs show: kept as a digest under the key, for what it's given for alone, with an end.
CREATE TABLE program_tokens (
  id TEXT PRIMARY KEY,
  token_hash TEXT NOT NULL,
  title_sealed TEXT NOT NULL,
  scopes TEXT NOT NULL,
  given_by TEXT NOT NULL REFERENCES staff (id),
  created_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  seen_at BIGINT,
  ended_at BIGINT,
  acts_as TEXT REFERENCES staff (id) -- in whose name it acts, where that's another than whoever gave it
);
CREATE UNIQUE INDEX program_tokens_hash ON program_tokens (token_hash);
