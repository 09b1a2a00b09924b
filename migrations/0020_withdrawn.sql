-- Why an outbox entry isn't owed any more, where that became so before it was settled: what may have left is still looked for
-- and never sent again. No index knows the column.
ALTER TABLE outbox ADD COLUMN withdrawn TEXT;
UPDATE outbox SET withdrawn = 'voided' WHERE state IN ('ready', 'held', 'handed') AND kind = 'referral' AND target_id IN
  (SELECT r.id FROM referrals r JOIN issues i ON i.id = r.issue_id WHERE r.state = 'queued' AND i.state = 'void');
UPDATE outbox SET withdrawn = 'superseded' WHERE state IN ('ready', 'held', 'handed') AND kind = 'referral' AND target_id IN
  (SELECT r.id FROM referrals r JOIN issues i ON i.id = r.issue_id WHERE r.state = 'queued' AND r.round < i.round);
UPDATE outbox SET withdrawn = 'overridden' WHERE state IN ('ready', 'held', 'handed') AND kind = 'referral' AND withdrawn IS NULL
  AND target_id IN (SELECT r.id FROM referrals r JOIN issues i ON i.id = r.issue_id WHERE r.state = 'queued'
    AND r.round = i.round AND i.platform_finished <> 0);
