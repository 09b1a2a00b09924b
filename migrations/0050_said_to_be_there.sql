-- When the receiver said that it has it and named no number: it's looked for by its mark, and never sent again but by a
-- person's word.
ALTER TABLE outbox ADD COLUMN accepted_at BIGINT;
-- The shortest time, in milliseconds, after which the receiver's list has shown something of ours to a look for this one.
ALTER TABLE outbox ADD COLUMN list_lag BIGINT;
-- The number that the receiver gave and that is another's.
ALTER TABLE outbox ADD COLUMN given_number TEXT;
