-- Every number by which the platform has known a referral: it may be renumbered, joined to another, or split.
CREATE TABLE referral_numbers (
  lane TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  referral_id TEXT NOT NULL REFERENCES referrals (id),
  state TEXT NOT NULL, -- current | ended | replaced
  said_at BIGINT, -- the platform's time of the last answer that was applied
  PRIMARY KEY (lane, remote_id, referral_id)
);
CREATE INDEX referral_numbers_referral ON referral_numbers (referral_id);
INSERT INTO referral_numbers (lane, remote_id, referral_id, state, said_at)
  SELECT lane, remote_id, id, 'current', remote_at FROM referrals WHERE remote_id IS NOT NULL;
-- Which numbers took the place of the one that an answer is about, as a JSON list.
ALTER TABLE referral_updates ADD COLUMN successors TEXT;
