-- Photos 照片 of an issue, sealed; and which of them the platform is owed for which referral.
CREATE TABLE photos (
  id TEXT PRIMARY KEY,
  issue_id TEXT NOT NULL REFERENCES issues (id),
  place BIGINT NOT NULL,
  file_name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  bytes_sealed TEXT NOT NULL,
  digest TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (issue_id, digest),
  UNIQUE (issue_id, place)
);
CREATE TABLE referral_photos (
  id TEXT PRIMARY KEY,
  referral_id TEXT NOT NULL REFERENCES referrals (id),
  photo_id TEXT NOT NULL REFERENCES photos (id),
  delivered_at BIGINT,
  UNIQUE (referral_id, photo_id)
);
