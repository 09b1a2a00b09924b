-- A lease stands beside the state of what is leased, not in its place: no index knows its columns, so that taking one writes
-- the row and no index.
UPDATE outbox SET state = 'ready' WHERE state = 'leased';
