-- 台账: the issues of an area, of a state, and what is open by its date, each in the order in which a list shows them, so that a
-- page of a list reads about what it shows.
DROP INDEX issues_area;
CREATE INDEX issues_area ON issues (area_id, number);
CREATE INDEX issues_state ON issues (state, number);
CREATE INDEX issues_open ON issues (due_on, number)
  WHERE due_on IS NOT NULL AND state NOT IN ('resolved', 'closed', 'void');
CREATE INDEX issues_open_area ON issues (area_id, due_on, number)
  WHERE due_on IS NOT NULL AND state NOT IN ('resolved', 'closed', 'void');
-- 挂图作战 shows by place what isn't classified and whom a revisit is owed: all figures are counted anew when the database is
-- next opened.
DELETE FROM meta WHERE name = 'figures';
