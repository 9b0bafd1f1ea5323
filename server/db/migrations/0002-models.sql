-- Every model that this server has known. Rows stay when a model is removed: lineage goes through them.
CREATE TABLE models (
  id TEXT PRIMARY KEY,
  weights_hash TEXT NOT NULL UNIQUE,
  folder TEXT NOT NULL,
  manifest TEXT NOT NULL,
  context INTEGER NOT NULL,
  registered_at INTEGER NOT NULL,
  removed_at INTEGER
) STRICT;

-- Who answers from a moment on. The newest row stands; the others are history.
CREATE TABLE deployments (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('start', 'promote', 'share', 'rollback')),
  model_id TEXT NOT NULL REFERENCES models (id),
  challenger_id TEXT REFERENCES models (id),
  challenger_percent INTEGER NOT NULL,
  reason TEXT NOT NULL,
  figures TEXT NOT NULL,
  user_id TEXT REFERENCES users (id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL
) STRICT;
