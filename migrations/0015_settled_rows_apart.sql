-- What is delivered leaves the index of what waits and enters no other; when a referral is asked about next is known from the
-- day it's queued (at once), so that delivering it changes no column that an index knows.
DROP INDEX outbox_ready;
CREATE INDEX outbox_next ON outbox (lane, not_before) WHERE state IN ('ready', 'review');

DROP INDEX referrals_poll;
UPDATE referrals SET poll_at = 0 WHERE state = 'queued';
UPDATE referrals SET poll_at = NULL WHERE state IN ('ended', 'refused', 'cancelled');
UPDATE referrals SET token = NULL WHERE state <> 'waiting';
CREATE INDEX referrals_poll ON referrals (lane, poll_at);
-- Those whose number is still to come.
CREATE INDEX referrals_waiting ON referrals (lane, poll_at) WHERE token IS NOT NULL;
