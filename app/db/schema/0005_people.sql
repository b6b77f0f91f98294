-- What people hold beside devices, and what admins read of it.

ALTER TABLE users ADD COLUMN deleted_ms INTEGER;      -- the row stays, the journal names it; its `folded` is freed
ALTER TABLE users ADD COLUMN totp_secret BLOB;        -- sealed; NULL without a second factor
ALTER TABLE users ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0; -- the last time step that was used: no code counts twice

ALTER TABLE actors ADD COLUMN scope BLOB;             -- what an app password may at most, as JSON; NULL for everything

CREATE TABLE recovery_codes (                         -- each signs in once in place of a code of the second factor
  user_id INTEGER NOT NULL REFERENCES users(id),
  digest BLOB NOT NULL,                               -- SHA-256 of 80 random bits
  PRIMARY KEY (user_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE one_time_codes (                         -- invitations, and resets of a password
  id INTEGER PRIMARY KEY,
  tag BLOB NOT NULL,
  kind INTEGER NOT NULL,                              -- 0 invitation, 1 reset
  user_id INTEGER REFERENCES users(id),               -- whose password is reset; NULL for an invitation
  digest BLOB NOT NULL,                               -- SHA-256 of the secret
  terms BLOB NOT NULL,                                -- what the new account gets, as JSON
  made_by INTEGER NOT NULL REFERENCES users(id),
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (                                  -- appended in the transaction of what it tells; nobody edits it
  id INTEGER PRIMARY KEY,                             -- a count of its own
  at_ms INTEGER NOT NULL,
  event TEXT NOT NULL,                                -- app.repositories.audit.Event
  user_id INTEGER,                                    -- who did it; NULL for a stranger and for the server
  actor_id INTEGER,                                   -- with which credential
  address TEXT NOT NULL,                              -- network it came from; '' for the machine itself
  object TEXT NOT NULL,                               -- wire id or name of what it was about
  outcome TEXT NOT NULL,                              -- 'ok', or why not
  detail TEXT NOT NULL                                -- JSON
) STRICT;
