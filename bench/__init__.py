"""Measurements of Cairn beside nginx and beside the limits of the machine, in one run: `./run bench`."""
