"""The loop that joins all parts: it looks, decides, begins what can be begun, and records what has ended."""
