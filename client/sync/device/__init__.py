"""The real device behind the seams: its disk, its clocks and threads, the process, and the way for commands."""
