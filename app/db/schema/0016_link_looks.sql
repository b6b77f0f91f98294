-- Links for looking alone, and what visitors read at their head.

ALTER TABLE links ADD COLUMN allows_download INTEGER NOT NULL DEFAULT 1; -- 0: shown, never given as a file
ALTER TABLE links ADD COLUMN title TEXT;                                 -- in place of the name; NULL for that itself
