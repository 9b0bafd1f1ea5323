-- Runs of recipes, waiting, running and past. The database itself refuses a second one that runs.
CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  recipe TEXT NOT NULL,
  name TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'stopped', 'failed', 'done')),
  stop_requested INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  -- Who runs it and until when that holds without another heartbeat.
  worker TEXT,
  lease_until INTEGER,
  heartbeat_at INTEGER,
  -- The process, and when it was started: ids are used again.
  process_id INTEGER,
  process_started TEXT,
  -- Not before this moment: after a crash.
  retry_at INTEGER NOT NULL DEFAULT 0,
  user_id TEXT REFERENCES users (id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER
) STRICT;
CREATE UNIQUE INDEX jobs_one_at_a_time ON jobs (state) WHERE state = 'running';
