-- How long the past is kept, and jobs that people ask for and look after.

CREATE TABLE retention (                              -- a rule of one folder for all below it, in place of the configuration's
  node_id INTEGER PRIMARY KEY REFERENCES nodes(id),
  rule BLOB NOT NULL                                  -- as JSON: app.services.retention
) STRICT;

ALTER TABLE jobs ADD COLUMN done_ms INTEGER;          -- NULL while there is work left; who asked may read the rest a while longer
ALTER TABLE jobs ADD COLUMN result BLOB;              -- what came of it so far, as JSON
ALTER TABLE jobs ADD COLUMN total INTEGER NOT NULL DEFAULT 0; -- how much there is to do, where that is known
ALTER TABLE jobs ADD COLUMN done INTEGER NOT NULL DEFAULT 0;  -- how much of it is done

CREATE INDEX job_unfinished ON jobs(id) WHERE done_ms IS NULL;
CREATE INDEX job_done ON jobs(done_ms) WHERE done_ms IS NOT NULL;

CREATE TABLE plans (                                  -- what a rewind or undo is going to do, a row a node
  job_id INTEGER NOT NULL REFERENCES jobs(id),
  step INTEGER NOT NULL,                              -- in the order in which it is done
  node_id INTEGER NOT NULL,
  if_seq INTEGER NOT NULL,                            -- what changed since is kept
  target BLOB NOT NULL,                               -- the state to bring about, as JSON
  outcome INTEGER,                                    -- NULL until tried
  PRIMARY KEY (job_id, step)
) STRICT, WITHOUT ROWID;
