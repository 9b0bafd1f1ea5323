-- Uploaded files; only their text is kept. problem says why a file failed.
CREATE TABLE files (
  id TEXT PRIMARY KEY,
  owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('reading', 'ready', 'failed')),
  problem TEXT,
  characters INTEGER NOT NULL,
  cut INTEGER NOT NULL,
  text TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX files_by_owner ON files (owner_id, created_at);

-- The files of a question (characters_read is null), and what an answer was given of the conversation's files.
CREATE TABLE message_files (
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  file_id TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  characters_read INTEGER,
  PRIMARY KEY (message_id, file_id)
) STRICT;
CREATE INDEX message_files_by_file ON message_files (file_id);
