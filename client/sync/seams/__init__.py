"""The seams: everything of the world outside comes into the engine through these, and nothing else."""
