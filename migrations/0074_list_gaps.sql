-- What looks have shown of a platform's lists: that one of ours that it is known to have wasn't listed while a later one was, for each
-- category the one that had been there longest, and when that was last seen. Later looks wait accordingly (src/domain/delivery/search/gaps.rs).
CREATE TABLE list_gaps (
  lane TEXT NOT NULL,
  category TEXT NOT NULL, -- empty for messages and photos
  reference TEXT NOT NULL,
  behind BIGINT NOT NULL, -- milliseconds
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (lane, category)
);
