"""What is done for a release: nothing here is part of the server or of a device."""
