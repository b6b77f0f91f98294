-- How long the past is kept, and jobs that people ask for and look after.

CREATE TABLE retention (                              -- a rule of one folder for all below it, in place of the configuration's
  node_id INTEGER PRIMARY KEY REFERENCES nodes(id),
  rule BLOB NOT NULL                                  -- as JSON: app.services.retention
) STRICT;

CREATE TABLE ages (                                   -- where the counters stood, every few hours of running: a clock nobody can set
  uptime_s INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,                               -- head of the journal
  next_id INTEGER NOT NULL
) STRICT;

CREATE TABLE rounds (                                 -- walks of retention: how far each has come
  name TEXT PRIMARY KEY,
  place BLOB NOT NULL                                 -- as JSON; null once it is through
) STRICT, WITHOUT ROWID;

ALTER TABLE jobs ADD COLUMN done_ms INTEGER;          -- NULL while there is work left; who asked may read the rest a while longer
ALTER TABLE jobs ADD COLUMN result BLOB;              -- what came of it so far, as JSON
ALTER TABLE jobs ADD COLUMN total INTEGER NOT NULL DEFAULT 0; -- how much there is to do, where that is known
ALTER TABLE jobs ADD COLUMN done INTEGER NOT NULL DEFAULT 0;  -- how much of it is done

CREATE INDEX job_unfinished ON jobs(id) WHERE done_ms IS NULL;
CREATE INDEX job_done ON jobs(done_ms) WHERE done_ms IS NOT NULL;

CREATE TABLE plans (                                  -- what a rewind or undo still has to do, a row a node, and what it left alone
  job_id INTEGER NOT NULL REFERENCES jobs(id),
  node_id INTEGER NOT NULL,
  step INTEGER NOT NULL,                              -- app.repositories.plans.Step: all of one are done before the next
  outcome INTEGER NOT NULL,                           -- app.repositories.plans.Outcome: 0 until tried; what is done goes
  if_seq INTEGER NOT NULL,                            -- what changed since is left alone
  parent_id INTEGER,                                  -- the state to bring about, from here on
  name TEXT NOT NULL,
  version_id INTEGER,
  mtime_ms INTEGER,
  executable INTEGER NOT NULL,
  PRIMARY KEY (job_id, node_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX plan_order ON plans(job_id, outcome, step, node_id);
