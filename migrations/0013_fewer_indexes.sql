-- Each index that a row stands in may be written again whenever the row is. Numbers are found by referral_numbers, and the
-- issues of a state are few enough to look through.
DROP INDEX referrals_remote;
DROP INDEX issues_state;
