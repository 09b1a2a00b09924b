-- 三(三) 化解矛盾纠纷: a mediation of an issue, its parties and what they agreed on, and the visit at which it's seen whether they
-- keep to it.
CREATE TABLE mediations (
  id TEXT PRIMARY KEY,
  issue_id TEXT NOT NULL REFERENCES issues (id),
  mediated_on TEXT NOT NULL,
  mediator_sealed TEXT NOT NULL,
  parties_sealed TEXT NOT NULL,
  agreement_sealed TEXT,
  follow_up_on TEXT,
  followed_on TEXT,
  followed_by TEXT,
  kept BIGINT,
  followed_sealed TEXT,
  created_at BIGINT NOT NULL,
  UNIQUE (issue_id, mediated_on)
);
