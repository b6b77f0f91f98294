-- What people hold beside devices, and what admins read of it.

ALTER TABLE users ADD COLUMN deleted_ms INTEGER;      -- the row stays, the journal names it; disabled too, and `folded` is freed
ALTER TABLE users ADD COLUMN totp_secret BLOB;        -- sealed; NULL without a second factor
ALTER TABLE users ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0; -- the last time step that was used: no code counts twice

ALTER TABLE actors ADD COLUMN scope BLOB;             -- what an app password may at most, as JSON; NULL for everything
ALTER TABLE actors ADD COLUMN locator TEXT;           -- the part of an app password by which it is found; not secret
CREATE UNIQUE INDEX actor_locator ON actors(locator) WHERE locator IS NOT NULL;

CREATE TABLE recovery_codes (                         -- each signs in once in place of a code of the second factor
  user_id INTEGER NOT NULL REFERENCES users(id),
  digest BLOB NOT NULL,                               -- SHA-256 of 80 random bits
  PRIMARY KEY (user_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (                            -- each makes one account, by whoever holds its link
  id INTEGER PRIMARY KEY,
  tag BLOB NOT NULL,
  digest BLOB NOT NULL,                               -- SHA-256 of the secret in the link
  username TEXT,                                      -- NULL where the guest chooses
  quota INTEGER,                                      -- of the account; NULL for no limit
  is_admin INTEGER NOT NULL,                          -- of the account
  made_by INTEGER REFERENCES users(id),               -- it works while this user is an admin; NULL: made on the machine itself
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE resets (                                 -- codes with which people set a password anew; at most one each
  user_id INTEGER PRIMARY KEY REFERENCES users(id),
  digest BLOB NOT NULL,                               -- SHA-256 of the code
  made_by INTEGER REFERENCES users(id),               -- as of an invitation
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
CREATE INDEX audit_event ON audit(event);
CREATE INDEX audit_user ON audit(user_id);
CREATE INDEX audit_object ON audit(object);
