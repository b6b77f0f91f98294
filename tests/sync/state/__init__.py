"""The state of a root: its file, the trees in it, the feed that fills them, and the marker that ties it to a folder."""
