"""From which address a request comes, and whether the host it names is this server (security.md, T2, T3, C5)."""

import ipaddress
import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::[0-9]{1,5})?")
_FORWARDED_PAIR = re.compile(r'\s*([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))\s*(?:[;,]|$)')
_IPV6_NETWORK_BITS = 64
_KNOWN = 256
"""Addresses that are remembered as they were read: who asks now will ask again."""


class Proxies:
    """The proxies whose word about the client's address counts."""

    def __init__(self, trusted: Collection[str]) -> None:
        """Take addresses and networks such as `10.0.0.0/8`, as the settings have checked them."""
        self._trusted: list[IPv4Network | IPv6Network] = [ipaddress.ip_network(network) for network in trusted]

    def client_address(
        self, peer: str | None, forwarded_for: Sequence[str], forwarded: Sequence[str] = ()
    ) -> Address | None:
        """Return the address that asks: the rightmost hop that is no trusted proxy.

        Args:
            peer: the address at the other end of the socket; None for a local socket.
            forwarded_for: all `X-Forwarded-For` fields, in order.
            forwarded: all `Forwarded` fields (RFC 7239), in order.
        """
        address = _parse(peer or "")
        if address is None or not self._trusts(address):
            return address
        told = self._last_hop([hop.strip() for hop in ",".join(forwarded_for).split(",")])
        also_told = self._last_hop(_forwarded_hops(",".join(forwarded)))
        # A proxy writes one of the two headers and hands the other through as the client sent it, so two
        # that disagree are worth nothing.
        if told and also_told and told != also_told:
            return address
        return told or also_told or address

    def is_trusted(self, peer: str | None) -> bool:
        """Say whether `peer`, the address at the other end of a socket, is one of these proxies."""
        if not self._trusted:
            return False
        address = _parse(peer or "")
        return address is not None and self._trusts(address)

    def told_tls(self, peer: str | None, forwarded_proto: Sequence[str], forwarded: Sequence[str] = ()) -> bool:
        """Say whether a trusted proxy tells that the client spoke TLS with it.

        Args:
            peer: the address at the other end of the socket.
            forwarded_proto: all `X-Forwarded-Proto` fields, in order.
            forwarded: all `Forwarded` fields (RFC 7239), in order.
        """
        if not self.is_trusted(peer):
            return False
        told = ",".join(forwarded_proto).split(",")[-1].strip() or _last_proto(",".join(forwarded))
        return told.lower() == "https"

    def _last_hop(self, hops: Sequence[str]) -> Address | None:
        hop = None
        for text in reversed(hops):
            address = _parse(text)
            if address is None:
                return hop
            hop = address
            if not self._trusts(address):
                return hop
        return hop

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def is_loopback(peer: str) -> bool:
    """Say whether `peer`, the address at the other end of a socket, is this machine itself."""
    address = _parse(peer)
    return address is not None and address.is_loopback


@lru_cache(maxsize=_KNOWN)
def network_of(address: Address | None) -> str:
    """Return the network that one client can be taken to own: an IPv4 address, or the /64 of an IPv6 address."""
    if isinstance(address, IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_NETWORK_BITS), strict=False))
    return "local" if address is None else str(address)


def is_internet(network: str) -> bool:
    """Say whether a network, as `network_of` names it, is one of the internet: no home's, VPN's or machine's own."""
    return network != "local" and ipaddress.ip_network(network).is_global


def is_same_link(peer: str | None, own: str | None) -> bool:
    """Say whether both ends of a socket lie in one IPv6 /64: at home that is global, and still a neighbour's."""
    ends = (_parse(peer or ""), _parse(own or ""))
    return isinstance(ends[0], IPv6Address) and network_of(ends[0]) == network_of(ends[1])


def is_own_host(host: str | None, configured: Collection[str]) -> bool:
    """Say whether a Host header can only mean this server.

    Allowed are IP literals, `localhost`, names under `.local`, names of a single label, and what is configured. Any
    other name might be somebody else's that was made to point here (DNS rebinding).

    Args:
        host: the header, with or without port; None if absent.
        configured: further names, in lower case and without port.
    """
    found = _HOST.fullmatch((host or "").lower())
    if found is None:
        return False
    name = found[1]
    if name.startswith("["):
        return isinstance(_parse(name), IPv6Address)
    name = name.removesuffix(".")
    if name in configured or _parse(name) is not None:
        return True
    labels = name.split(".")
    return all(map(_LABEL.fullmatch, labels)) and (len(labels) == 1 or labels[-1] == "local")


def _forwarded_hops(header: str) -> list[str]:
    return _forwarded_values(header, "for")


def _last_proto(header: str) -> str:
    return next(reversed(_forwarded_values(header, "proto")), "")


def _forwarded_values(header: str, name: str) -> list[str]:
    """Return the values of one name in a Forwarded header; none at all if any part of it is malformed."""
    values = []
    at = 0
    while at < len(header):
        pair = _FORWARDED_PAIR.match(header, at)
        if pair is None:
            return []
        if pair[1].lower() == name:
            values.append(pair[2] or pair[3] or "")
        at = pair.end()
    return values


@lru_cache(maxsize=_KNOWN)
def _parse(text: str) -> Address | None:
    """Read an address as it stands in such headers: with a port, in brackets, or an IPv4 address inside IPv6."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:  # a zone only has meaning on this machine: fe80::1%eth0
            address = IPv6Address(int(address))
        return address.ipv4_mapped or address
    return address
