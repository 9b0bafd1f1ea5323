-- What trainers are asked to do. prompt is a JSON list of messages, empty for a conversation of one's own choice.
-- A task is held by at most one person, until held_until; people_wanted different ones take turns.
-- A task made of a vote goes with the vote.
CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('rank', 'demonstrate', 'label')),
  state TEXT NOT NULL CHECK (state IN ('preparing', 'open', 'failed')),
  failure TEXT,
  prompt TEXT NOT NULL,
  answers_wanted INTEGER NOT NULL,
  people_wanted INTEGER NOT NULL,
  feedback_id TEXT UNIQUE REFERENCES feedback (id) ON DELETE CASCADE,
  created_by TEXT REFERENCES users (id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL,
  holder_id TEXT REFERENCES users (id) ON DELETE SET NULL,
  held_until INTEGER
) STRICT;
CREATE INDEX tasks_by_kind ON tasks (kind, state, id);

-- author_id is the person who wrote it; otherwise it is known which model drew it, and how.
CREATE TABLE task_answers (
  id TEXT PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  content TEXT NOT NULL,
  author_id TEXT REFERENCES users (id) ON DELETE SET NULL,
  model_name TEXT,
  weights_hash TEXT,
  sampling TEXT,
  prompt_tokens BLOB,
  answer_tokens BLOB,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX task_answers_by_task ON task_answers (task_id, id);

-- One row per task and person that it was handed to. content and shown_order are JSON; content is null until there is
-- a draft, and again when it was withdrawn or skipped.
CREATE TABLE contributions (
  id TEXT PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('draft', 'skipped', 'submitted', 'withdrawn')),
  content TEXT,
  shown_order TEXT NOT NULL,
  milliseconds INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  submitted_at INTEGER,
  UNIQUE (task_id, user_id)
) STRICT;
CREATE INDEX contributions_by_user ON contributions (user_id, submitted_at);

-- Markdown, one row per language; without a row the text that comes with Parley stands.
CREATE TABLE guidelines (
  language TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  updated_by TEXT REFERENCES users (id) ON DELETE SET NULL,
  updated_at INTEGER NOT NULL
) STRICT;
