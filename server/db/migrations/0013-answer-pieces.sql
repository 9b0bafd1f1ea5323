-- The log of an answer that is being written: what each flush added, beginning at that character of the answer. The
-- last sequence number there is holds what a filter has not let pass yet. When the answer ends, or after a crash, the
-- pieces are put together in messages and generations, and go.
CREATE TABLE answer_pieces (
  generation_id TEXT NOT NULL REFERENCES generations (id) ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  text TEXT NOT NULL,
  tokens BLOB NOT NULL,
  PRIMARY KEY (generation_id, sequence)
) STRICT;
