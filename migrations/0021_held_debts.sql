-- What waits for a person's decision is few and is named on the status page: found by an index that what is sent never enters.
CREATE INDEX outbox_held ON outbox (lane, created_at) WHERE state = 'held';
