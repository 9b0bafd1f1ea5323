-- When a conversation was pinned to the top of the list; null: it was not.
ALTER TABLE conversations ADD COLUMN pinned_at INTEGER;

-- Read-only links. The branch is copied, so that what was shared stays what it was. The token opens this copy only.
CREATE TABLE shares (
  id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  token TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  messages TEXT NOT NULL,
  message_count INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX shares_by_conversation ON shares (conversation_id, id);
