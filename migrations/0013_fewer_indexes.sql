-- Each index that a settled debt stands in is written again whenever its row is: what is delivered stands in none but
-- its keys'. What may be tried next, and whose lease may have run out, are found by rows that are in that state.
DROP INDEX outbox_ready;
CREATE INDEX outbox_next ON outbox (lane, not_before) WHERE state IN ('ready', 'review');
CREATE INDEX outbox_leased ON outbox (lane, lease_until) WHERE state = 'leased';
-- Numbers are found by referral_numbers; issues of a state are few enough to look through.
DROP INDEX referrals_remote;
DROP INDEX issues_state;
