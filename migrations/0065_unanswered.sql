-- Since when a referral that is asked about gets no answer while others do: after an hour that is said (unasked_since).
ALTER TABLE referrals ADD COLUMN unanswered_since BIGINT;
