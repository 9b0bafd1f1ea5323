-- Why, and how it should have been: reasons is a JSON list of keys, better_answer is empty if there is none.
ALTER TABLE feedback ADD COLUMN reasons TEXT NOT NULL DEFAULT '[]';
ALTER TABLE feedback ADD COLUMN better_answer TEXT NOT NULL DEFAULT '';

-- Two answers to one question, shown side by side to be compared; choice is null until somebody has chosen.
CREATE TABLE draft_pairs (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  left_message_id TEXT NOT NULL UNIQUE REFERENCES messages (id) ON DELETE CASCADE,
  right_message_id TEXT NOT NULL UNIQUE REFERENCES messages (id) ON DELETE CASCADE,
  choice TEXT CHECK (choice IN ('left', 'right', 'tie', 'neither')),
  created_at INTEGER NOT NULL,
  chosen_at INTEGER
) STRICT;
CREATE INDEX draft_pairs_by_conversation ON draft_pairs (conversation_id, id);
