-- What programs keep on nodes counts in the quota of a space's owner, as the bytes of its versions do.

ALTER TABLE spaces ADD COLUMN property_size INTEGER NOT NULL DEFAULT 0; -- bytes of the properties of its nodes, deleted ones too

UPDATE spaces SET property_size = held.size
  FROM (SELECT n.space_id, sum(length(CAST(p.xml AS BLOB))) AS size
          FROM properties p JOIN nodes n ON n.id = p.node_id GROUP BY n.space_id) AS held
 WHERE held.space_id = spaces.id;
