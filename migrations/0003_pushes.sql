-- What the platform called us with: an id that came before is a repetition.
CREATE TABLE pushes (
  id TEXT PRIMARY KEY,
  received_at BIGINT NOT NULL
);
CREATE INDEX pushes_received ON pushes (received_at);
