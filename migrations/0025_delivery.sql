-- Until when the attempts that a lane's receiver may be sent are spent, in microseconds of real time: by all replicas together.
ALTER TABLE lanes ADD COLUMN spent_until BIGINT;
-- What was tried again and again and certainly hasn't arrived: few, where others get through.
CREATE INDEX outbox_failing ON outbox (lane, created_at) WHERE state = 'ready' AND attempts > 1 AND unknown_since IS NULL;
-- What is being looked for: few too.
CREATE INDEX outbox_unknown ON outbox (lane, unknown_since) WHERE state = 'ready' AND unknown_since IS NOT NULL;
