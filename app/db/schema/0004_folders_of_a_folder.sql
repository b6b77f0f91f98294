-- The folders in a folder, without its files: whether a tree that moves would reach too deep is asked of folders alone.

CREATE INDEX node_folders ON nodes(parent_id, dead_seq) WHERE kind > 0;
