-- The addresses of links, for those who may manage them to see again.

ALTER TABLE links ADD COLUMN sealed_token BLOB;       -- the token in its URL, sealed; NULL of links from before
