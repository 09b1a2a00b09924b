-- Every figure that somebody sees, kept: it changes in the transaction of what it counts. `day` is a date, or for what waits in
-- the outbox the minute since which it does; both it and `campaign` are empty where they don't matter. The first start
-- counts what is there already (src/db/recount.rs).
CREATE TABLE tallies (
  dimension TEXT NOT NULL,
  of_id TEXT NOT NULL,
  name TEXT NOT NULL,
  campaign TEXT NOT NULL,
  day TEXT NOT NULL,
  total BIGINT NOT NULL,
  PRIMARY KEY (dimension, of_id, name, campaign, day)
);
