-- What events, answers and errors say is sealed from here on, so what a query asks of them stands beside: in whose role an
-- issue was acknowledged, and whether a channel refused because of the address. Whatever still lies in clear is sealed
-- by the service, in short turns (src/app/sealing.rs).
ALTER TABLE issue_events ADD COLUMN role TEXT;
UPDATE issue_events SET role = 'grid_member' WHERE kind = 'acknowledged' AND body LIKE '%"grid_member"%';
ALTER TABLE outbox ADD COLUMN error_code TEXT;
UPDATE outbox SET error_code = 'no_address' WHERE last_error LIKE 'no_address%';
-- A resident is found by name or by number without opening anybody else: keyed digests, short ones.
ALTER TABLE residents ADD COLUMN name_key TEXT;
ALTER TABLE residents ADD COLUMN contact_key TEXT;
CREATE INDEX residents_name ON residents (name_key);
CREATE INDEX residents_contact ON residents (contact_key);
