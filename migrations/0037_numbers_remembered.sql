-- What number an issue was given, and by what the issue is known again where it comes in once more after a backup was
-- restored: the file beside the key is filled from here. An issue whose words were put right has another entry.
CREATE TABLE issue_numbers (
  entry BIGINT PRIMARY KEY,
  number TEXT NOT NULL,
  identity TEXT NOT NULL,
  place TEXT NOT NULL
);

-- Numbers that were given, and whose issues were lost when a backup was restored.
CREATE TABLE lost_numbers (
  number TEXT NOT NULL,
  identity TEXT NOT NULL,
  place TEXT NOT NULL,
  PRIMARY KEY (identity, number)
);
