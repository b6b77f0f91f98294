-- Links: URLs that show one node to whoever holds them, or take files into one folder.

CREATE TABLE links (
  id INTEGER PRIMARY KEY,                             -- also its row in `actors`: what a link does, it does in its own name
  node_id INTEGER NOT NULL REFERENCES nodes(id),
  user_id INTEGER NOT NULL REFERENCES users(id),      -- its maker, with whose right it lives and dies
  mode INTEGER NOT NULL,                              -- 0 view, 1 drop
  digest BLOB NOT NULL,                               -- SHA-256 of the secret in its URL
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
