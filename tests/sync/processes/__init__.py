"""Real daemons and a real server under kill -9 (sync engine, section 16 E)."""
