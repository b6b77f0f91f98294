"""What time takes: thinned versions, old trash, and history beyond its horizon."""
