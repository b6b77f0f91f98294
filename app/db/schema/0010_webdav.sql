-- What WebDAV keeps beside nodes: who locked what, and properties that only its programs understand (RFC 4918, 4 and 6).

CREATE TABLE locks (                                  -- a row a lock; what it binds is asked on the way up from a node
  id INTEGER PRIMARY KEY,
  token BLOB NOT NULL UNIQUE,                         -- 16 random bytes, on the wire a UUID; alone it authorises nothing
  node_id INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE, -- its root; a purged node takes its locks along
  actor_id INTEGER NOT NULL REFERENCES actors(id),    -- the device or app password that holds it, and nobody else
  user_id INTEGER NOT NULL REFERENCES users(id),      -- whose that is
  is_exclusive INTEGER NOT NULL,                      -- 0 shared: others may hold shared ones beside it
  is_deep INTEGER NOT NULL,                           -- 1: it binds all below as well
  owner_xml TEXT NOT NULL,                            -- what its holder says of themselves, for others to see; '' for nothing
  timeout_s INTEGER NOT NULL,                         -- how long it was given for, and is given for again by a refresh
  made_ms INTEGER NOT NULL,
  expires_uptime_s INTEGER NOT NULL                   -- by meta.uptime_s alone: no clock that jumps ends or keeps one
) STRICT;
CREATE INDEX lock_node ON locks(node_id);
CREATE INDEX lock_user ON locks(user_id);

CREATE TABLE properties (                             -- kept word for word; a move keeps them, for they hang on the node
  node_id INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE, -- a purged node takes its properties along
  namespace TEXT NOT NULL,                            -- '' for none
  name TEXT NOT NULL,                                 -- local name
  xml TEXT NOT NULL,                                  -- the whole element, well-formed by itself, with its namespaces and xml:lang
  PRIMARY KEY (node_id, namespace, name)
) STRICT, WITHOUT ROWID;
