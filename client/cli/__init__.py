"""The commands a person types."""


def main() -> int:
    """Run the command line; replaced by the client's own module as it grows."""
    return 2
