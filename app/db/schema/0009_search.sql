-- Search by name: trigrams of folded names (metadata.md, 9), kept apart from the changes that they follow.

CREATE VIRTUAL TABLE found_names USING fts5(folded, content='', detail=none, tokenize='trigram'); -- one entry a node that is not purged
CREATE VIRTUAL TABLE found_names_trigrams USING fts5vocab(found_names, 'row'); -- what fsck compares

CREATE TABLE unsettled_names (                        -- nodes whose entry is not what it should be yet
  node_id INTEGER PRIMARY KEY,
  indexed TEXT                                        -- the name that the index has; NULL: it does not have the node
) STRICT;

CREATE TABLE name_index (                             -- how far the nodes that are older than it have come in
  one INTEGER PRIMARY KEY CHECK (one = 1),
  done_id INTEGER NOT NULL,                           -- in it up to here
  end_id INTEGER NOT NULL                             -- the last of the older ones
) STRICT;
INSERT INTO name_index VALUES (1, 0, coalesce((SELECT next_id FROM meta), 1) - 1);
