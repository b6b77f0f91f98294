"""How long this server waits for a peer (security.md, H3)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds; tests wait for tenths of them.

    Attributes:
        handshake_s: for TLS to be agreed upon.
        headers_s: for a request's head, from the connection or its first byte on.
        idle_s: between two requests of a connection.
        body_grace_s: how long a body may be slow before its rate counts.
        body_gap_s: the longest pause in a body.
        stall_s: for a reader to take anything of what is sent to it.
        memory_s: for a body or an answer to get the memory it needs.
    """

    handshake_s: float = 10
    headers_s: float = 15
    idle_s: float = 75
    body_grace_s: float = 30
    body_gap_s: float = 60
    stall_s: float = 60
    memory_s: float = 30
