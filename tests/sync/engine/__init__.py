"""What the engine does beside planning: answers to the wire, clocks, and the machine around it."""
