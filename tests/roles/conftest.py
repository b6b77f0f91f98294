"""Object servers, as the tests of the store have them."""

from tests.storage.conftest import servers

__all__ = ["servers"]
