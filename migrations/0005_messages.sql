-- What the platform is told of a referral that it has: an event of its issue, by its sequence.
CREATE TABLE messages (
  id TEXT PRIMARY KEY,
  referral_id TEXT NOT NULL REFERENCES referrals (id),
  sequence BIGINT NOT NULL,
  delivered_at BIGINT,
  created_at BIGINT NOT NULL,
  UNIQUE (referral_id, sequence)
);
CREATE INDEX outbox_target ON outbox (target_id);
