-- What the filters decided about a question or an answer, what the person said against it, and what became of that.
-- user_id is null for the visitor of a widget.
CREATE TABLE safety_decisions (
  id TEXT PRIMARY KEY,
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  conversation_id TEXT REFERENCES conversations (id) ON DELETE CASCADE,
  message_id TEXT REFERENCES messages (id) ON DELETE CASCADE,
  direction TEXT NOT NULL CHECK (direction IN ('input', 'output')),
  rule TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('pass', 'warn', 'mask', 'refuse')),
  excerpt TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  appeal TEXT,
  appealed_at INTEGER,
  ruling TEXT CHECK (ruling IN ('upheld', 'overturned')),
  ruling_text TEXT NOT NULL DEFAULT '',
  ruled_by TEXT REFERENCES users (id) ON DELETE SET NULL,
  ruled_at INTEGER
) STRICT;
CREATE INDEX safety_decisions_by_user ON safety_decisions (user_id, id);
CREATE INDEX safety_decisions_by_conversation ON safety_decisions (conversation_id, id);
CREATE INDEX safety_decisions_by_message ON safety_decisions (message_id);
CREATE INDEX safety_decisions_by_appeal ON safety_decisions (appealed_at) WHERE appealed_at IS NOT NULL;
