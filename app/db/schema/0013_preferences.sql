-- How people want the pages to be: of the browser, so that no device reads it.

CREATE TABLE preferences (                            -- no row: all as by default
  user_id INTEGER PRIMARY KEY REFERENCES users(id),
  theme TEXT NOT NULL,                                -- 'auto' as the browser says, 'light' or 'dark'
  language TEXT NOT NULL,                             -- ISO 639; '' as the browser says
  shortcuts INTEGER NOT NULL                          -- 1: single letters are shortcuts
) STRICT;
