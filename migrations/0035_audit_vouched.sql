-- 审计: from where and as which of the system's users something was done, how it stood before and how after. What the entries
-- say is sealed; `hash` is a mark of the key's from here on (src/db/audit.rs).
ALTER TABLE audit ADD COLUMN via TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN os_user TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN was TEXT;
ALTER TABLE audit ADD COLUMN became TEXT;
CREATE INDEX audit_at ON audit (at);
