"""The server of the API's tests."""

from tests.api.conftest import ada, deadlines, nothing_is_logged_as_error, server, settings, stranger, template

__all__ = ["ada", "deadlines", "nothing_is_logged_as_error", "server", "settings", "stranger", "template"]
