-- The resident's page behind the code of a household's card (联系服务群众卡): how often the end of a telephone number was given
-- wrongly there, and until when nobody may try (real time, in a rehearsal too).
CREATE TABLE card_guesses (
  subject_id TEXT PRIMARY KEY REFERENCES subjects (id),
  wrong BIGINT NOT NULL,
  locked_until BIGINT NOT NULL
);
-- What a resident said there of what was done: once for each round of an issue, the last word. Only a revisit closes.
CREATE TABLE resident_words (
  issue_id TEXT NOT NULL REFERENCES issues (id),
  round BIGINT NOT NULL,
  answer TEXT NOT NULL,
  said_at BIGINT NOT NULL,
  PRIMARY KEY (issue_id, round)
);
