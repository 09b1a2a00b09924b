-- How issues stand is kept by their campaign, so that a second year's figures aren't mixed with the first's: the first start counts
-- again what is kept (src/db/recount.rs).
DELETE FROM meta WHERE name = 'figures';
