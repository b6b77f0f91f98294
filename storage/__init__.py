"""The object store: chunk index, media, signing and compression. Knows bytes and ids, no users and no folders."""
