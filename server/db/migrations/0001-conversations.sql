-- Whoever chats. One local user for now; every conversation already has an owner.
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE conversations (
  id TEXT PRIMARY KEY,
  owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  title TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX conversations_by_owner ON conversations (owner_id, updated_at DESC);

-- A tree: regenerated answers and edited questions are siblings under one parent.
CREATE TABLE messages (
  id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  parent_id TEXT REFERENCES messages (id) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
  content TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('streaming', 'stop', 'length', 'cancelled', 'interrupted', 'error')),
  model_name TEXT,
  weights_hash TEXT,
  dropped_turns INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_conversation ON messages (conversation_id, id);
CREATE INDEX messages_by_parent ON messages (parent_id);
CREATE INDEX messages_streaming ON messages (status) WHERE status = 'streaming';

-- Each run of a model on a message: one for a plain answer, one more for every time it was continued.
-- Token ids are little-endian uint32, exactly what the model was given and what it drew. The first
-- continued_tokens of the answer were drawn by earlier runs; the prompt ends with them.
CREATE TABLE generations (
  id TEXT PRIMARY KEY,
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  model_name TEXT,
  weights_hash TEXT,
  sampling TEXT NOT NULL,
  seed INTEGER NOT NULL,
  prompt_tokens BLOB,
  answer_tokens BLOB NOT NULL,
  continued_tokens INTEGER NOT NULL DEFAULT 0,
  dropped_turns INTEGER NOT NULL DEFAULT 0,
  finish_reason TEXT,
  created_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE INDEX generations_by_message ON generations (message_id, id);

-- What a person thinks of an answer. The prompt's exact tokens are in the message's generations.
CREATE TABLE feedback (
  id TEXT PRIMARY KEY,
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  thumb TEXT NOT NULL CHECK (thumb IN ('up', 'down')),
  comment TEXT NOT NULL,
  model_name TEXT,
  weights_hash TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (message_id, user_id)
) STRICT;
