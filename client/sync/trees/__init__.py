"""The three trees of a root: kept in one SQLite file, fed by the server, changed by the facts of finished work."""
