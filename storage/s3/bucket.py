"""Where a bucket is; apart from what speaks to it, whose SDK takes memory."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is and how one gets in."""

    endpoint: str
    name: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    prefix: str = ""
    path_style: bool = True
    public_endpoint: str = ""
    """Where clients reach it themselves; empty if they are not to."""
    origin: str = ""
    """From whose pages browsers may; empty for none."""
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
