"""Bad days: what people meet with, each told as a story with the real command, folders and server."""
