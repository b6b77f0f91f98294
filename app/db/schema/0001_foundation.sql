-- Metadata of one Cairn: the present (nodes), closed states (past), what happened (journal), and who may ask.
-- Times are Unix milliseconds, sizes bytes. A tag is 5 random bytes that complete an id on the wire.

CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  instance TEXT NOT NULL,             -- random name of this installation; signed into URLs
  epoch TEXT NOT NULL,                -- random name of this journal; another one after a restore
  seq INTEGER NOT NULL,               -- head of the journal
  mark BLOB NOT NULL,                 -- chain mark of the head
  next_id INTEGER NOT NULL,           -- one counter for all ids; never goes back
  last_ms INTEGER NOT NULL,           -- at_ms of the head: time in the journal never goes back
  oldest_seq INTEGER NOT NULL,        -- cursors below get 410
  oldest_mark BLOB NOT NULL,          -- chain mark of the row before oldest_seq
  uptime_s INTEGER NOT NULL           -- how long a server has run on this folder in all
) STRICT;

CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  tag BLOB NOT NULL,
  name TEXT NOT NULL,                 -- as written
  folded TEXT NOT NULL UNIQUE,        -- NFKC, case folded: what two users may not share
  password_hash TEXT NOT NULL,        -- Argon2id PHC string
  is_admin INTEGER NOT NULL,
  disabled_ms INTEGER,                -- NULL while enabled
  generation INTEGER NOT NULL,        -- raised when all that this user holds must end; signed into URLs
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE actors (                 -- whoever can change something: device, session, app password, later a link
  id INTEGER PRIMARY KEY,
  tag BLOB NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users(id),
  kind INTEGER NOT NULL,              -- 0 device, 1 session, 2 app password, 3 the server itself
  name TEXT NOT NULL,
  install_id TEXT,                    -- the client's own name for itself: a second login replaces the first
  token_hash BLOB,                    -- SHA-256 of the secret
  created_ms INTEGER NOT NULL,
  last_used_ms INTEGER NOT NULL,
  proved_ms INTEGER NOT NULL,         -- when the password was last shown
  revoked_ms INTEGER                  -- NULL while it works; the row stays, the journal names it
) STRICT;
CREATE INDEX actor_user ON actors(user_id);

CREATE TABLE spaces (
  id INTEGER PRIMARY KEY,
  tag BLOB NOT NULL,
  owner_id INTEGER NOT NULL REFERENCES users(id),
  root_id INTEGER,                    -- its root node
  quota INTEGER,                      -- NULL: no limit
  used INTEGER NOT NULL,              -- all versions, deduplicated or not
  reserved INTEGER NOT NULL,          -- promised to open uploads
  head_seq INTEGER NOT NULL,          -- highest feed_seq of its nodes
  history_seq INTEGER NOT NULL        -- as-of and undo reach back to here
) STRICT;
CREATE INDEX space_owner ON spaces(owner_id);

CREATE TABLE nodes (                  -- the present, one row a node
  id INTEGER PRIMARY KEY,
  tag BLOB NOT NULL,
  space_id INTEGER NOT NULL REFERENCES spaces(id),
  parent_id INTEGER REFERENCES nodes(id), -- NULL for the root of a space
  name TEXT NOT NULL,                 -- NFC
  kind INTEGER NOT NULL,              -- 0 file, 1 folder, 2 mount
  target_id INTEGER,                  -- the space behind a mount
  version_id INTEGER,                 -- no foreign keys on these two: each would want an index; fsck checks
  version_tag BLOB,
  size INTEGER,                       -- of the version; NULL for a folder
  mtime_ms INTEGER,
  executable INTEGER NOT NULL DEFAULT 0,
  seq INTEGER NOT NULL,               -- last change; start of the open state
  content_seq INTEGER NOT NULL,       -- last change of content, mtime, executable: the etag of a file
  feed_seq INTEGER NOT NULL,          -- place in the feed
  created_seq INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  actor_id INTEGER NOT NULL,          -- who made the last change
  modified_ms INTEGER NOT NULL,
  dead_seq INTEGER NOT NULL DEFAULT 0, -- 0 alive, else the seq that trashed it
  dead_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX node_place ON nodes(parent_id, dead_seq, name);
CREATE INDEX node_feed ON nodes(space_id, feed_seq);
CREATE INDEX node_trash ON nodes(space_id, dead_seq) WHERE dead_seq > 0;

CREATE TABLE folders (                -- what a folder sums up, at once
  node_id INTEGER PRIMARY KEY REFERENCES nodes(id),
  size INTEGER NOT NULL,              -- of all files below
  items INTEGER NOT NULL,             -- nodes below
  below_seq INTEGER NOT NULL          -- highest seq of a change below: the etag of a folder
) STRICT;

CREATE TABLE past (                   -- closed states: from_seq <= s < to_seq; outlives its node
  node_id INTEGER NOT NULL,
  to_seq INTEGER NOT NULL,
  from_seq INTEGER NOT NULL,
  space_id INTEGER NOT NULL,
  parent_id INTEGER,
  name TEXT NOT NULL,
  version_id INTEGER,
  mtime_ms INTEGER,
  executable INTEGER NOT NULL,
  dead_seq INTEGER NOT NULL,
  actor_id INTEGER NOT NULL,
  PRIMARY KEY (node_id, to_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX past_at ON past(parent_id, to_seq, from_seq);

CREATE TABLE journal (                -- what changed, who, when; gap-free, appended by the writer alone
  seq INTEGER PRIMARY KEY,
  node_id INTEGER NOT NULL,
  op INTEGER NOT NULL,                -- app.repositories.journal.Operation
  actor_id INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,             -- never less than the row before
  mark BLOB NOT NULL                  -- digest of the row before and of this row
) STRICT;
CREATE INDEX journal_actor ON journal(actor_id, seq);

CREATE TABLE versions (               -- one immutable state of a file's content
  id INTEGER PRIMARY KEY,
  tag BLOB NOT NULL,
  node_id INTEGER NOT NULL REFERENCES nodes(id),
  size INTEGER NOT NULL,
  mtime_ms INTEGER NOT NULL,          -- as uploaded
  executable INTEGER NOT NULL,        -- as uploaded
  content_type TEXT NOT NULL,
  sha256 BLOB,                        -- of the whole content, once known
  claimed_sha256 BLOB,                -- as the uploader gave it, until it is checked
  base_id INTEGER,                    -- the version that the uploader had seen
  ancestors BLOB,                     -- further hashes that the uploader's content grew from, 32 bytes each
  actor_id INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  label TEXT,
  manifest BLOB                       -- 36 bytes a chunk: SHA-256, size big-endian; NULL once thinned
) STRICT;
CREATE INDEX version_node ON versions(node_id, id);
CREATE INDEX version_unchecked ON versions(id) WHERE claimed_sha256 IS NOT NULL;

CREATE TABLE possession (             -- the chunks that a space's versions hold: who may skip sending what
  space_id INTEGER NOT NULL,
  chunk BLOB NOT NULL,
  PRIMARY KEY (space_id, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE uploads (                -- its chunk list is its pin
  id INTEGER PRIMARY KEY,
  tag BLOB NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users(id),
  actor_id INTEGER NOT NULL REFERENCES actors(id),
  space_id INTEGER NOT NULL REFERENCES spaces(id),
  bundle TEXT,                        -- name of the bundle whose claim counts for it too
  state INTEGER NOT NULL,             -- 0 open, 1 committed
  request BLOB NOT NULL,              -- what was asked, as JSON
  size INTEGER,                       -- declared size
  chunk_count INTEGER NOT NULL,
  chunk_size INTEGER NOT NULL,        -- sum of the chunks' sizes
  reserved INTEGER NOT NULL,          -- part of spaces.reserved
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  expires_uptime_s INTEGER NOT NULL,  -- both must have passed: a clock that jumps ends no upload
  result_node INTEGER,                -- what the commit made
  result_version INTEGER
) STRICT;
CREATE INDEX upload_user ON uploads(user_id, state, reserved);
CREATE INDEX upload_bundle ON uploads(bundle) WHERE bundle IS NOT NULL;
CREATE INDEX upload_expiry ON uploads(expires_ms);

CREATE TABLE upload_chunks (          -- the chunk list, one row for each time it grew
  upload_id INTEGER NOT NULL REFERENCES uploads(id),
  first INTEGER NOT NULL,             -- index of its first chunk
  chunks BLOB NOT NULL,               -- 36 bytes a chunk, as in a manifest
  PRIMARY KEY (upload_id, first)
) STRICT, WITHOUT ROWID;
