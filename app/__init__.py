"""The server: configuration, accounts, tree, journal, uploads, HTTP API and jobs."""
