"""Stories that the simulation found, each made small: what went wrong is in the name of the test."""
