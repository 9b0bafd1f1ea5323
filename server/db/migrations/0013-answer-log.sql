-- The log of all answers that are being written, a row for each flush: entries is the JSON of what it added to which
-- generation. Rows are written one after another into pages of their own, where a row for each answer would change a
-- page for each. A row goes when every answer in it has ended.
CREATE TABLE answer_log (
  flush INTEGER PRIMARY KEY NOT NULL,
  entries TEXT NOT NULL
) STRICT;
