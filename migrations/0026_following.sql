-- The platform's own number of an answer: the same again is the same answer, and numbers that count tell the order.
ALTER TABLE referral_updates ADD COLUMN update_id TEXT;
ALTER TABLE referral_numbers ADD COLUMN said_by TEXT;
-- Since when the platform gives no answer about a referral for a reason of that one's own, such as a number that it doesn't
-- know, and which. Few are so, and the status page names them.
ALTER TABLE referrals ADD COLUMN unasked_since BIGINT;
ALTER TABLE referrals ADD COLUMN unasked_why TEXT;
CREATE INDEX referrals_unasked ON referrals (lane, unasked_since) WHERE unasked_since IS NOT NULL;
-- What was odd about a platform's answers, as the status page says it: what it is, and how it stood there last.
CREATE TABLE platform_notes (
  lane TEXT NOT NULL,
  what TEXT NOT NULL,
  sample TEXT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  times BIGINT NOT NULL,
  PRIMARY KEY (lane, what)
);
-- What a receiver refused, and what arrived though it wasn't owed any more, is named on the status page: found by indexes that
-- what is sent never enters.
CREATE INDEX outbox_refused ON outbox (lane, settled_at) WHERE state = 'refused';
CREATE INDEX outbox_withdrawn ON outbox (lane, settled_at) WHERE withdrawn IS NOT NULL;
