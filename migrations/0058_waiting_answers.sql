-- Answers that wait for whose they are, are found without reading all that was ever answered.
CREATE INDEX referral_updates_waiting ON referral_updates (id) WHERE applied_at IS NULL;
-- What was said of forms is forgotten once nobody sends them again.
CREATE INDEX submissions_created ON submissions (created_at);
