-- Instructions and documents under a name. model is null for "whichever is deployed".
CREATE TABLE assistants (
  id TEXT PRIMARY KEY,
  owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  instructions TEXT NOT NULL,
  example_questions TEXT NOT NULL,
  model TEXT,
  visibility TEXT NOT NULL CHECK (visibility IN ('private', 'installation')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX assistants_by_owner ON assistants (owner_id, id);

-- Offsets everywhere are UTF-16 units of text.
CREATE TABLE documents (
  id TEXT PRIMARY KEY,
  assistant_id TEXT NOT NULL REFERENCES assistants (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('reading', 'ready', 'failed')),
  failure TEXT,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX documents_by_assistant ON documents (assistant_id, id);

CREATE TABLE passages (
  document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  start_offset INTEGER NOT NULL,
  end_offset INTEGER NOT NULL,
  terms INTEGER NOT NULL,
  PRIMARY KEY (document_id, position)
) STRICT;

-- The inverted index, a row per term and document. postings are pairs of little-endian uint32: the position of a
-- passage, and how often the term stands in it.
CREATE TABLE document_terms (
  document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  term TEXT NOT NULL,
  postings BLOB NOT NULL,
  PRIMARY KEY (document_id, term)
) STRICT;
CREATE INDEX document_terms_by_term ON document_terms (term, document_id);

ALTER TABLE conversations ADD COLUMN assistant_id TEXT REFERENCES assistants (id) ON DELETE SET NULL;
CREATE INDEX conversations_by_assistant ON conversations (assistant_id) WHERE assistant_id IS NOT NULL;

-- What the model was given for an answer, word for word: it outlives the document.
CREATE TABLE citations (
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  document_id TEXT REFERENCES documents (id) ON DELETE SET NULL,
  document_name TEXT NOT NULL,
  start_offset INTEGER NOT NULL,
  end_offset INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (message_id, number)
) STRICT;
CREATE INDEX citations_by_document ON citations (document_id);
