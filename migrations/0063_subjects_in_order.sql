-- A list of an area's subjects goes on after a number without sorting the area anew for each page.
DROP INDEX subjects_area;
CREATE INDEX subjects_area ON subjects (area_id, number);
