-- When the last answer that counts for a number came, by our clock: of two that the platform dates alike the later one counts.
ALTER TABLE referral_numbers ADD COLUMN heard_at BIGINT;
-- The number whose place it took: the platform may take that back.
ALTER TABLE referral_numbers ADD COLUMN came_from TEXT;
