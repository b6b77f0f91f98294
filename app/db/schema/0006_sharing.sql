-- Folders that several people see: each is the root of a space of its own, mounted in its members' homes.

ALTER TABLE spaces ADD COLUMN is_shared INTEGER NOT NULL DEFAULT 0; -- 0 a home, whose quota holds for all that its owner owns

CREATE TABLE members (                                -- who sees a shared space; homes have none
  space_id INTEGER NOT NULL REFERENCES spaces(id),
  user_id INTEGER NOT NULL REFERENCES users(id),
  role INTEGER NOT NULL,                              -- app.services.access.Role: 0 viewer, 1 editor, 2 owner
  joined_seq INTEGER NOT NULL,                        -- the feed brings the whole space to a cursor before this
  left_seq INTEGER,                                   -- NULL while a member; else the feed takes it away
  mount_id INTEGER,                                   -- the node in the member's home where it shows; the last one, once left
  PRIMARY KEY (user_id, space_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_space ON members(space_id, user_id);
CREATE INDEX node_mount ON nodes(target_id) WHERE target_id IS NOT NULL;

CREATE TABLE departures (                             -- nodes that left a space by a move
  space_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  node_id INTEGER NOT NULL,
  PRIMARY KEY (space_id, seq, node_id)
) STRICT, WITHOUT ROWID;
