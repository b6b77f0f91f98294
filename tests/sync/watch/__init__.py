"""What the disk tells of changes."""
