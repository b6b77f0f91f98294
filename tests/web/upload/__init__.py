"""The uploader, in a real browser."""
