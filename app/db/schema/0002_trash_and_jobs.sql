-- Work that goes on in slices and outlives a stop: what is left to do stands here, in the transaction of each slice.

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  tag BLOB NOT NULL,
  kind INTEGER NOT NULL,              -- app.repositories.jobs.JobKind
  user_id INTEGER NOT NULL REFERENCES users(id),
  actor_id INTEGER NOT NULL REFERENCES actors(id),
  node_id INTEGER NOT NULL,           -- the node that it is about
  state BLOB NOT NULL,                -- what is left to do, as JSON
  created_ms INTEGER NOT NULL
) STRICT;

-- What is purged keeps dead_seq and has no dead_ms: it must not stand in the way of listing the trash.
DROP INDEX node_trash;
CREATE INDEX node_trash ON nodes(space_id, dead_seq) WHERE dead_ms IS NOT NULL;
