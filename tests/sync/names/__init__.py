"""Names on this disk, at the server, and of conflict copies."""
