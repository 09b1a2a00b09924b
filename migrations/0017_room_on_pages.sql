-- PostgreSQL writes a changed row anew, and then every index of its table too, unless the new row fits on the page of
-- the old one and no index knows a column that changed. Half a page is left for what an issue, a duty, a debt and a referral
-- become, and the duties of a group are found by an index that doesn't know their state.
ALTER TABLE issues SET (fillfactor = 50);
ALTER TABLE duties SET (fillfactor = 50);
ALTER TABLE outbox SET (fillfactor = 50);
ALTER TABLE referrals SET (fillfactor = 50);
CREATE INDEX IF NOT EXISTS duties_of_bundle ON duties (group_id);
DROP INDEX IF EXISTS duties_open;
