-- What isn't checked yet, and what differs and isn't answered, is listed without reading all that was ever drawn.
CREATE INDEX inspections_open ON inspections (number) WHERE checked_on IS NULL;
CREATE INDEX inspections_differ ON inspections (number) WHERE answer_role IS NOT NULL AND answered_at IS NULL;
-- What one person owes, their own and their roles' in an area, is read without what others owe there.
CREATE INDEX duty_groups_staff ON duty_groups (staff_id) WHERE staff_id IS NOT NULL;
CREATE INDEX duty_groups_role ON duty_groups (area_id, role) WHERE staff_id IS NULL;
