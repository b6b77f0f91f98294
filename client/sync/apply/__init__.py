"""Doing it here: files are fetched, placed, moved and deleted without ever losing what a person wrote."""
