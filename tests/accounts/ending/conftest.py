"""The server of the API's tests, whose people are there already."""

from tests.api.conftest import ada, bob, deadlines, nothing_is_logged_as_error, server, settings, stranger, template

__all__ = ["ada", "bob", "deadlines", "nothing_is_logged_as_error", "server", "settings", "stranger", "template"]
