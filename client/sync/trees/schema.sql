-- The state of one root, on one device. It may lag behind the disk, and never runs ahead of it.
-- The order of columns is that of the structs in model.py: rows are read and written whole.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE remote (
    id TEXT PRIMARY KEY,
    parent_id TEXT,             -- NULL for the home
    name TEXT NOT NULL,
    kind TEXT NOT NULL,         -- file or folder
    version_id TEXT,            -- NULL for a folder
    sha256 TEXT,                -- of the whole content; NULL while nobody knows
    size INTEGER NOT NULL,      -- bytes
    mtime_ms INTEGER,           -- Unix milliseconds
    executable INTEGER NOT NULL,
    seq INTEGER NOT NULL,       -- of the last change
    writable INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX remote_by_place ON remote (parent_id, name);   -- not unique: between two pages siblings may share a name

CREATE TABLE doomed (           -- deletes of pages after which more was to come
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    reason TEXT NOT NULL        -- deleted or access
) STRICT, WITHOUT ROWID;

CREATE TABLE unseen (           -- rows of `remote` that a listing from the beginning has not come to yet
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE refused (          -- nodes that the feed showed and that have no place in the tree
    id TEXT PRIMARY KEY,
    parent_id TEXT,
    path TEXT NOT NULL,         -- as the server has it, fit for a person
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE left_view (        -- synced nodes that this account may see no more; nobody deleted them
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE local (
    lid INTEGER PRIMARY KEY AUTOINCREMENT,  -- our own number, kept by a rename, never used again
    parent INTEGER NOT NULL,    -- 0: the root; -1: parked; -2: waits within a transaction for its new place
    name TEXT NOT NULL,         -- as found on disk
    kind TEXT NOT NULL,         -- file or folder
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    device INTEGER NOT NULL,
    executable INTEGER NOT NULL,
    sha256 TEXT,                -- of the content in this state; NULL while not read
    sure INTEGER NOT NULL       -- 0: a change right after the read could have gone unseen
) STRICT;
CREATE UNIQUE INDEX local_by_place ON local (parent, name);
CREATE INDEX local_by_inode ON local (inode);
CREATE INDEX local_by_hash ON local (sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE synced (
    id TEXT PRIMARY KEY,
    parent_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    version_id TEXT,
    sha256 TEXT,
    executable INTEGER NOT NULL,
    mtime_ms INTEGER,
    lid INTEGER NOT NULL UNIQUE,
    local_parent INTEGER NOT NULL,
    local_name TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX synced_by_place ON synced (parent_id, name);

CREATE TABLE lineage (          -- what a file was, the newest last, 16 of each
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    version_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (          -- changes that were sent, and whose answer is not here yet
    key TEXT PRIMARY KEY,       -- the number of an entry
    what TEXT NOT NULL          -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE excluded (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

