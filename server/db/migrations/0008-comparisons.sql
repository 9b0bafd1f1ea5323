-- Two models that answer the same prompts, for people to judge blind.
CREATE TABLE comparisons (
  id TEXT PRIMARY KEY,
  left_id TEXT NOT NULL REFERENCES models (id),
  right_id TEXT NOT NULL REFERENCES models (id),
  sampling TEXT NOT NULL,
  error TEXT,
  user_id TEXT REFERENCES users (id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- The prompt is a JSON list of messages. An answer is null until it is written.
CREATE TABLE comparison_items (
  id TEXT PRIMARY KEY,
  comparison_id TEXT NOT NULL REFERENCES comparisons (id) ON DELETE CASCADE,
  prompt TEXT NOT NULL,
  left_answer TEXT,
  right_answer TEXT
) STRICT;
CREATE INDEX comparison_items_by_comparison ON comparison_items (comparison_id, id);

CREATE TABLE comparison_votes (
  id TEXT PRIMARY KEY,
  item_id TEXT NOT NULL REFERENCES comparison_items (id) ON DELETE CASCADE,
  user_id TEXT REFERENCES users (id) ON DELETE SET NULL,
  choice TEXT NOT NULL CHECK (choice IN ('left', 'right', 'tie', 'bad')),
  created_at INTEGER NOT NULL,
  UNIQUE (item_id, user_id)
) STRICT;

-- What is in which snapshot. Snapshots never change, so this is only a faster way to read them.
CREATE TABLE snapshots (
  hash TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  -- Hashes under which a part of it is known: of its preferences, and of its demonstrations.
  preferences_hash TEXT NOT NULL,
  demonstrations_hash TEXT,
  lines INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE snapshot_lines (
  snapshot_hash TEXT NOT NULL REFERENCES snapshots (hash) ON DELETE CASCADE,
  item_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('thumb', 'ranking', 'pair', 'demonstration')),
  author TEXT,
  excerpt TEXT NOT NULL,
  created_at INTEGER,
  PRIMARY KEY (snapshot_hash, item_id, kind)
) STRICT;
CREATE INDEX snapshot_lines_by_item ON snapshot_lines (item_id);
CREATE INDEX snapshot_lines_by_author ON snapshot_lines (author);
