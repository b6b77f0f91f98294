-- Links: URLs that show one node to whoever holds them, or take files into one folder; and what zips need to know.

CREATE TABLE links (
  id INTEGER PRIMARY KEY REFERENCES actors(id),       -- what a link does, it does in its own name
  node_id INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE, -- a purged node takes its links along
  user_id INTEGER NOT NULL REFERENCES users(id),      -- its maker, with whose right it lives and dies
  mode INTEGER NOT NULL,                              -- 0 view, 1 drop
  digest BLOB NOT NULL UNIQUE,                        -- SHA-256 of the token in its URL
  password_hash TEXT,                                 -- Argon2id PHC string; NULL for none
  password_generation INTEGER NOT NULL DEFAULT 0,     -- in the cookie of who has shown the password
  expires_ms INTEGER,                                 -- NULL for never
  max_downloads INTEGER,                              -- NULL for no limit
  downloads INTEGER NOT NULL DEFAULT 0,
  is_paused INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX link_node ON links(node_id);
CREATE INDEX link_user ON links(user_id);

CREATE TABLE checksums (                              -- CRC-32 of contents that went into a zip: a resume reads none again
  version_id INTEGER PRIMARY KEY REFERENCES versions(id) ON DELETE CASCADE,
  size INTEGER NOT NULL,                              -- how many bytes from its beginning the CRC covers
  crc INTEGER NOT NULL
) STRICT;
