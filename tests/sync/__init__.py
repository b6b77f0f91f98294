"""The sync engine: its parts by themselves, and the whole of it in a simulation."""
