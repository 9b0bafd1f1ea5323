-- Assistants that web sites may show to anybody, and which sites: origins is a JSON list.
CREATE TABLE widgets (
  assistant_id TEXT PRIMARY KEY REFERENCES assistants (id) ON DELETE CASCADE,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  origins TEXT NOT NULL
) STRICT;
