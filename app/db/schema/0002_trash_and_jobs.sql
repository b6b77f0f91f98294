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
