"""What scenarios share with the tests of the API: real servers, and people who speak to them."""

from tests.api.conftest import template

__all__ = ["template"]
