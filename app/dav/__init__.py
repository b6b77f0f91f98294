"""WebDAV (RFC 4918): the same services behind another door."""
