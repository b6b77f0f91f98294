-- Where people's sessions, devices and app passwords were last used from, and which of them their owner has not been told of.

ALTER TABLE actors ADD COLUMN address TEXT;                       -- the network of the last noted use; NULL if none is known
ALTER TABLE actors ADD COLUMN made_by INTEGER REFERENCES actors(id); -- who made an app password; NULL for a sign-in
ALTER TABLE actors ADD COLUMN is_new INTEGER NOT NULL DEFAULT 0;  -- 1 until its owner has said elsewhere that they know it
CREATE INDEX actor_new ON actors(user_id) WHERE is_new = 1;
