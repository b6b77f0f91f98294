"""The device: everyday commands and, later, the sync engine. Installs without the server."""
