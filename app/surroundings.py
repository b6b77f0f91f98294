"""What is missing between this server and those who reach it: TLS, its own address, the proxies in front.

Some of it the settings tell, the rest what comes in: a proxy that nobody named shows by the header that it sends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from app.auth.addresses import Proxies, is_internet, is_loopback
from app.config import Settings
from app.tls.certificates import ENDS_SOON_MS, Certificates

Missing = Literal[
    "tls", "tls_from_outside", "proxy_unnamed", "proxy_silent", "public_url", "certificate_broken", "certificate_ends"
]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is missing; `about` is an address, or words on a certificate."""

    missing: Missing
    about: str = ""


class Surroundings:
    """Notes how requests come in, and tells from that what to set."""

    def __init__(
        self, settings: Settings, proxies: Proxies, certificates: Certificates, clock_ms: Callable[[], int]
    ) -> None:
        """Begin with nothing seen."""
        self._settings = settings
        self._proxies = proxies
        self._certificates = certificates
        self._clock_ms = clock_ms
        self._unnamed_proxy = ""
        self._is_silent = False
        self._is_open_outside = False

    def note(self, peer: str | None, network: str, *, is_forwarded: bool, tells_scheme: bool, is_tls: bool) -> None:
        """Note how a request came.

        Args:
            peer: the address at the other end of the socket; None for a local one.
            network: of who asks, as `network_of` names it.
            is_forwarded: it has a header that only proxies send.
            tells_scheme: it says how the client spoke to the proxy.
        """
        if is_forwarded:
            if self._proxies.is_trusted(peer):
                self._is_silent = not tells_scheme
            elif not is_internet(network):  # from out there anybody may have written it
                self._unnamed_proxy = peer or ""
        if not is_tls and is_internet(network):
            self._is_open_outside = True

    def notices(self) -> list[Notice]:
        """Return what is missing, what matters most first."""
        server, certificates = self._settings.server, self._certificates
        has_proxy = bool(server.trusted_proxies or self._unnamed_proxy)
        found = []
        if certificates.problem:
            found.append(Notice("certificate_broken", certificates.problem))
        shown = certificates.shown
        if shown is not None and shown.ends_ms < self._clock_ms() + ENDS_SOON_MS:
            found.append(Notice("certificate_ends"))
        if self._is_open_outside:
            found.append(Notice("tls_from_outside"))
        elif shown is None and not has_proxy and not is_loopback(server.host) and server.host != "localhost":
            found.append(Notice("tls"))
        if self._unnamed_proxy:
            found.append(Notice("proxy_unnamed", self._unnamed_proxy))
        if self._is_silent:
            found.append(Notice("proxy_silent"))
        if has_proxy and not server.public_url:
            found.append(Notice("public_url"))
        return found
