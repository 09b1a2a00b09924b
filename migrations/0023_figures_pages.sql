-- A number that changes fits on the page of the old one: its index stays as it is.
ALTER TABLE tallies SET (fillfactor = 50);
