"""The version of this program, as it was installed."""

from importlib import metadata

VERSION = metadata.version("cairn")
