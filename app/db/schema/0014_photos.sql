-- Photos and videos are found by their time, without a look at anything else that is there.

ALTER TABLE nodes ADD COLUMN is_photo INTEGER NOT NULL DEFAULT 0; -- 1: the current content is a picture or a video

UPDATE nodes SET is_photo = 1
 WHERE kind = 0 AND dead_seq = 0 AND version_id IN
       (SELECT id FROM versions WHERE substr(content_type, 1, 6) IN ('image/', 'video/') AND content_type <> 'image/svg+xml');

-- Holds all that counting them by month asks for: those of a folder in the trash have to be told from the others.
CREATE INDEX node_photos ON nodes(space_id, mtime_ms, parent_id, is_photo, dead_seq) WHERE is_photo = 1 AND dead_seq = 0;
