-- What was visited and answered in a campaign when another took its place: what ends, moves or passes to another person later
-- doesn't change it.
CREATE TABLE campaign_figures (
  campaign TEXT NOT NULL,
  dimension TEXT NOT NULL,
  of_id TEXT NOT NULL,
  name TEXT NOT NULL,
  total BIGINT NOT NULL,
  PRIMARY KEY (campaign, dimension, of_id, name)
);
