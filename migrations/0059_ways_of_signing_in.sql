-- How somebody signed in, and whether whoever vouched for them asked for a second factor.
ALTER TABLE sign_ins ADD COLUMN way TEXT NOT NULL DEFAULT 'password';
ALTER TABLE sign_ins ADD COLUMN second_elsewhere BIGINT NOT NULL DEFAULT 0;
-- Since when somebody may not sign in, by whichever way, until they are given another link.
ALTER TABLE accounts ADD COLUMN closed_at BIGINT;
UPDATE accounts SET closed_at = set_at WHERE password IS NULL AND set_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM invitations i WHERE i.staff_id = accounts.staff_id AND i.ended_at IS NULL);
-- What a browser came back with from an identity provider, as a digest under the key: good once. Instants are real time.
CREATE TABLE provider_states (
  state_hash TEXT PRIMARY KEY,
  until_at BIGINT NOT NULL
);
