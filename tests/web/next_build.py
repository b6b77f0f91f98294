"""A server whose pages are of another build, as after an update: it names its builds with fewer digits."""

import sys

from client.cli import main
from web import pages

DIGITS = 12

if __name__ == "__main__":
    pages._BUILD_DIGITS = DIGITS  # noqa: SLF001 - what makes another build of the same files
    sys.exit(main(sys.argv[1:]))
