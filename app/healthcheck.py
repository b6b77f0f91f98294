"""What a container's HEALTHCHECK runs: asks the server of this machine whether it can serve, and says what it said.

A module of its own, for it runs twice a minute: with a start of the whole command line it would cost a small machine
more than the server does when idle.
"""

import http.client
import json
import os
import ssl
import sys

from app.config import Settings, SettingsError, load

TIMEOUT_S = 8.0
_ITSELF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to


def ask(settings: Settings) -> tuple[bool, str]:
    """Return whether the server is ready, and one line for a person."""
    server = settings.server
    host = _ITSELF.get(server.host, server.host)
    connection = http.client.HTTPConnection(host, server.port, timeout=TIMEOUT_S)
    if settings.tls.certificate or (settings.data.folder / "tls" / "server.pem").exists():
        # It is this machine, by whatever name the certificate is for.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, server.port, timeout=TIMEOUT_S, context=context)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return False, f"no answer from {host}, port {server.port}: {error}"
    finally:
        connection.close()
    return response.status == http.HTTPStatus.OK, f"{response.status} {_sentence(body)}"


def _sentence(body: str) -> str:
    """Return the sentence of problem details, or the body as it is."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, TypeError, KeyError):
        return body


def main() -> int:
    """Return 0 if the server that this environment describes is ready, else 1."""
    try:
        settings = load(None, os.environ, {})
    except SettingsError as error:
        print(error)  # noqa: T201 - read by `docker inspect`
        return 1
    is_ready, line = ask(settings)
    print(line)  # noqa: T201 - read by `docker inspect`
    return 0 if is_ready else 1


if __name__ == "__main__":
    sys.exit(main())
