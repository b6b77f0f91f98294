from ipaddress import ip_address

import pytest

from app.auth.addresses import Proxies, is_own_host, network_of

PROXIES = Proxies(["10.0.0.0/8", "fd00::/8", "127.0.0.1"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # a stranger's word counts for nothing
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),  # what the client claimed stands further left
        ("10.0.0.1", ["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.9.9.9"], "198.51.100.1"),  # through two of our proxies
        ("10.0.0.1", ["10.9.9.9"], "10.9.9.9"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, unknown, 10.9.9.9"], "10.9.9.9"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:52811"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::5]:443"], "2001:db8::5"),
        ("10.0.0.1", ["2001:db8::5"], "2001:db8::5"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("fd00::1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("fe80::1%eth0", ["198.51.100.1"], "fe80::1"),
    ],
)
def test_the_client_is_the_rightmost_hop_that_is_no_trusted_proxy(
    peer: str, forwarded_for: list[str], client: str
) -> None:
    assert PROXIES.client_address(peer, forwarded_for) == ip_address(client)


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["for=198.51.100.1"], "198.51.100.1"),
        (['For="[2001:db8::5]:4711";proto=https;by=10.0.0.1'], "2001:db8::5"),
        (["for=1.2.3.4, for=198.51.100.1;proto=http"], "198.51.100.1"),
        (["for=1.2.3.4", "for=198.51.100.1"], "198.51.100.1"),
        (['for=198.51.100.1;host="a;for=9.9.9.9"'], "198.51.100.1"),
        (["for=198.51.100.1;host=for=9.9.9.9"], "198.51.100.1"),
        (['for="1.2.3.4, for=198.51.100.1'], "10.0.0.1"),
        (["for=_hidden"], "10.0.0.1"),
    ],
)
def test_the_standard_header_is_read_by_its_grammar(forwarded: list[str], client: str) -> None:
    assert PROXIES.client_address("10.0.0.1", [], forwarded) == ip_address(client)


def test_two_headers_that_disagree_are_both_ignored() -> None:
    believed = PROXIES.client_address("10.0.0.1", ["198.51.100.1"], ["for=198.51.100.1"])
    doubted = PROXIES.client_address("10.0.0.1", ["198.51.100.1"], ["for=1.2.3.4"])

    assert believed == ip_address("198.51.100.1")
    assert doubted == ip_address("10.0.0.1")


def test_without_trusted_proxies_no_header_counts() -> None:
    assert Proxies([]).client_address("127.0.0.1", ["198.51.100.1"], ["for=198.51.100.1"]) == ip_address("127.0.0.1")


def test_a_local_socket_has_no_address() -> None:
    assert PROXIES.client_address(None, ["198.51.100.1"]) is None
    assert network_of(None) == "local"


def test_a_network_is_an_ipv4_address_or_the_64_of_an_ipv6_address() -> None:
    assert network_of(ip_address("198.51.100.1")) == "198.51.100.1"
    assert network_of(ip_address("2001:db8:1:2:3:4:5:6")) == network_of(ip_address("2001:db8:1:2:ffff::1"))
    assert network_of(ip_address("2001:db8:1:2::1")) != network_of(ip_address("2001:db8:1:3::1"))


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "127.0.0.1",
        "192.168.1.20:8080",
        "[::1]",
        "[2001:db8::5]:8443",
        "nas",
        "my_nas:8080",
        "nas.local",
        "Nas.Local:8080",
        "files.nas.local.",
        "cloud.example.org",
        "cloud.example.org:443",
        "CLOUD.example.org.",
    ],
)
def test_a_host_that_can_only_be_this_server_is_its_own(host: str) -> None:
    assert is_own_host(host, {"cloud.example.org"})


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        ":8080",
        "example.org",
        "cloud.example.org.evil.example",
        "evil.cloud.example.org",
        "localhost.evil.example",
        "nas.local.evil.example",
        "127.0.0.1.evil.example",
        "192.168.1.20@evil.example",
        "evil.example/localhost",
        "[evil.example]",
        "[::1",
        "[127.0.0.1]",
        "nas..local",
        ".local",
        "-nas",
        "nas local",
        "nas\tlocal",
        "nas:80:80",
        "nas:port",
        "a" * 64,
        "nás",
    ],
)
def test_a_host_that_might_be_somebody_elses_is_not_its_own(host: str | None) -> None:
    assert not is_own_host(host, {"cloud.example.org"})
