-- What is below a folder, asked in two more ways.

-- The folders in a folder, without its files: whether a tree that moves would reach too deep is asked of folders alone.
CREATE INDEX node_folders ON nodes(parent_id, dead_seq) WHERE kind > 0;

-- Highest seq with which something below came into view again unchanged; 0 for never. It is news, and no change of state.
ALTER TABLE folders ADD COLUMN shown_seq INTEGER NOT NULL DEFAULT 0;
