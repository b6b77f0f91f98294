-- Each part of a chunk list has a number as ids are given: what was pinned since a moment stands behind all before it.

CREATE TABLE numbered_chunks (        -- the chunk lists of open uploads, one row for each time one grew
  number INTEGER PRIMARY KEY,         -- of meta.next_id; negative where it is older than this table
  upload_id INTEGER NOT NULL REFERENCES uploads(id),
  first INTEGER NOT NULL,             -- index of its first chunk
  chunks BLOB NOT NULL                -- 36 bytes a chunk, as in a manifest
) STRICT;
INSERT INTO numbered_chunks SELECT -row_number() OVER (ORDER BY upload_id, first), upload_id, first, chunks FROM upload_chunks;
DROP TABLE upload_chunks;
ALTER TABLE numbered_chunks RENAME TO upload_chunks;
CREATE UNIQUE INDEX upload_chunk_place ON upload_chunks(upload_id, first);
