-- What may be claimed, most urgent first, without sorting all that waits.
CREATE INDEX outbox_due ON outbox (lane, priority, not_before, id) WHERE state IN ('ready', 'review');
