"""A whole server for each test, with the users ada and bob."""

from tests.api.conftest import ada, bob, deadlines, nothing_is_logged_as_error, server, settings, template

__all__ = ["ada", "bob", "deadlines", "nothing_is_logged_as_error", "server", "settings", "template"]
