-- The field's own words: what climbs the ladder together is a duty group, its places are steps, and what a person was
-- told of is a reminder.
ALTER TABLE bundles RENAME TO duty_groups;
ALTER TABLE duty_groups RENAME COLUMN next_rung TO next_step;
ALTER TABLE duty_groups RENAME COLUMN next_rung_on TO next_step_on;
ALTER TABLE duties RENAME COLUMN bundle_id TO group_id;
ALTER TABLE tellings RENAME TO reminders;
ALTER TABLE reminders RENAME COLUMN bundle_id TO group_id;
ALTER TABLE reminders RENAME COLUMN rung TO step;
ALTER TABLE acknowledgements RENAME COLUMN bundle_id TO group_id;
