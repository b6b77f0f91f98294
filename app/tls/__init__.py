"""TLS of the server's own: its certificates, where they come from, and how connections begin with them."""
