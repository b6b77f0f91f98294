-- Search by name: trigrams of folded names, one entry a live node (metadata.md, 9).

CREATE VIRTUAL TABLE found_names USING fts5(folded, content='', detail=none, tokenize='trigram');
