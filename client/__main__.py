"""Runs the command line as `python -m client`, for a checkout without the console script."""

import sys

from client.cli import main

sys.exit(main())
