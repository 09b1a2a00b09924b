-- Who brought a table by a browser: where another process goes on with it, the audit still says so.
ALTER TABLE imports_under_way ADD COLUMN brought_by TEXT;
