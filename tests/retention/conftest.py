"""The servers and people of the API's tests."""

from tests.api.conftest import ada, bob, deadlines, nothing_is_logged_as_error, server, settings, template

__all__ = ["ada", "bob", "deadlines", "nothing_is_logged_as_error", "server", "settings", "template"]
