-- What is owed for an issue, without looking through all that is owed.
CREATE INDEX duties_issue ON duties (issue_id);
