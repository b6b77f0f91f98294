-- By what a device's installation was last known, so that a copied machine is told from the one that it was copied from.

ALTER TABLE actors ADD COLUMN install_name TEXT;      -- of a device; NULL until it has shown any
