"""One limiter for every door that checks a secret (security.md, T1, T2, T4).

Failures are counted for an account on a network, for a network, and for an account. Past a limit a bucket closes for a
while: longer each time, never for good, and only for those who show a secret; valid tokens do not come this way. All is
in memory, and bounded.
"""

import hashlib
import math
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.errors import RateLimitedError

K = TypeVar("K")
V = TypeVar("V")

MOST_ENTRIES = 10_000
REPEAT_S = 60.0


@dataclass(frozen=True, slots=True)
class Rule:
    """`failures` within `window_s` close a bucket for `wait_s`, longer by that each further time, up to `longest_s`."""

    failures: int
    window_s: float
    wait_s: float
    longest_s: float


ACCOUNT_ON_NETWORK = Rule(failures=5, window_s=300, wait_s=300, longest_s=900)
NETWORK = Rule(failures=30, window_s=900, wait_s=900, longest_s=2700)
SHORT_SECRET = Rule(failures=10, window_s=900, wait_s=900, longest_s=2700)
"""In place of the first for what is no password of an account: of a link, or a code."""
# An account is only slowed down, or strangers could lock its owner out from afar.
ACCOUNT = Rule(failures=100, window_s=3600, wait_s=2, longest_s=30)
RULES = (ACCOUNT_ON_NETWORK, SHORT_SECRET, NETWORK, ACCOUNT)


@dataclass(slots=True)
class _Bucket:
    """The failures of one account, network, or pair of them."""

    rule: Rule
    failures: list[float] = field(default_factory=list)
    running: int = 0
    closings: int = 0
    closed_until: float = 0.0

    def wait_s(self, now: float) -> float:
        """Return how long this bucket takes no further try; 0 if it takes one now."""
        if now < self.closed_until:
            return self.closed_until - now
        self._forget(now)
        # Tries under way might all fail: they may not carry the count past the limit.
        return 1.0 if self.running and len(self.failures) + self.running >= self.rule.failures else 0.0

    def fail(self, now: float) -> None:
        """Count a failure, and close the bucket at the limit."""
        self._forget(now)
        self.failures = [*self.failures[1 - self.rule.failures :], now]
        if len(self.failures) == self.rule.failures:
            self.closings += 1
            self.closed_until = now + min(self.rule.wait_s * self.closings, self.rule.longest_s)

    def _forget(self, now: float) -> None:
        if self.failures and self.failures[-1] + self.rule.longest_s + self.rule.window_s <= now:
            self.closings = 0
        self.failures = [at for at in self.failures if at + self.rule.window_s > now]


class _Recent(OrderedDict[K, V], Generic[K, V]):
    """A dict that keeps the `MOST_ENTRIES` entries set last."""

    def keep(self, key: K, value: V) -> None:
        """Set an entry as the newest."""
        self[key] = value
        self.move_to_end(key)
        if len(self) > MOST_ENTRIES:
            self.popitem(last=False)


class Attempt:
    """One try at a secret, from admission to its outcome."""

    def __init__(self, throttle: "Throttle", account: str, network: str, rule: Rule) -> None:
        """Only `Throttle.attempt` makes these."""
        self._throttle = throttle
        self._rule = rule
        self._account = account
        self._network = network

    def repeats(self, secret: str, verifier: str) -> bool:
        """Say whether this wrong secret of this client was counted within the last minute.

        Such a try is neither counted nor worth a hash: a phone with an old password must not lock its house out. It
        is for secrets that stay wrong, not for codes of the second factor: these may come to be right.

        Args:
            secret: as received.
            verifier: what it is checked against; once that is another, nothing repeats.
        """
        return self._throttle.has_seen(self._account, self._network, secret, verifier)

    def failed(self, secret: str, verifier: str) -> None:
        """Count the try as a failure."""
        self._throttle.count_failure(self._account, self._network, secret, verifier, self._rule)

    def succeeded(self) -> None:
        """Forget this account's failures on this network, and remember that its owner is at home there."""
        self._throttle.count_success(self._account, self._network, self._rule)


class Throttle:
    """Admits tries at secrets, and remembers how they ended."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        """Begin with a clean slate; `clock_s` never goes back (time.monotonic)."""
        self._clock_s = clock_s
        self._buckets = {rule: _Recent[tuple[str, str], _Bucket]() for rule in RULES}
        self._seen: _Recent[bytes, float] = _Recent()
        self._at_home: _Recent[tuple[str, str], None] = _Recent()
        self._key = secrets.token_bytes(32)

    def check(self, account: str, network: str, rule: Rule = ACCOUNT_ON_NETWORK) -> None:
        """Refuse a try that would not be admitted, before it costs anything.

        Args:
            account: what the secret would open, such as a folded user name.
            network: as `addresses.network_of` names it.
            rule: how many tries this account has on one network.

        Raises:
            RateLimitedError: too many tries failed, with the seconds until the next one is admitted.
        """
        now = self._clock_s()
        wait = max((bucket.wait_s(now) for bucket in self._known(account, network, rule)), default=0.0)
        if wait > 0:
            raise RateLimitedError("Too many failed tries: wait a while.", math.ceil(wait))

    @contextmanager
    def attempt(self, account: str, network: str, rule: Rule = ACCOUNT_ON_NETWORK) -> Iterator[Attempt]:
        """Admit one try, or raise as `check` does; the block checks the secret and says how it ended."""
        self.check(account, network, rule)
        buckets = [self._bucket(of, key) for of, key in _keys(account, network, rule)]
        for bucket in buckets:
            bucket.running += 1
        try:
            yield Attempt(self, account, network, rule)
        finally:
            for bucket in buckets:
                bucket.running -= 1

    def has_seen(self, account: str, network: str, secret: str, verifier: str) -> bool:
        """Say whether this wrong secret was counted from there within the last minute."""
        counted_s = self._seen.get(self._fingerprint(account, network, secret, verifier))
        return counted_s is not None and self._clock_s() < counted_s + REPEAT_S

    def count_failure(self, account: str, network: str, secret: str, verifier: str, rule: Rule) -> None:
        """Count a failure in all buckets it belongs to."""
        now = self._clock_s()
        self._seen.keep(self._fingerprint(account, network, secret, verifier), now)
        for of, key in _keys(account, network, rule):
            self._bucket(of, key).fail(now)

    def count_success(self, account: str, network: str, rule: Rule) -> None:
        """Clear the account's bucket on this network; the network's own stays, or one account would open all others."""
        self._buckets[rule].pop((account, network), None)
        self._at_home.keep((account, network), None)

    def _known(self, account: str, network: str, rule: Rule) -> Iterator[_Bucket]:
        for of, key in _keys(account, network, rule):
            if of is ACCOUNT and (account, network) in self._at_home:
                continue  # strangers elsewhere do not slow down where the owner signs in
            if bucket := self._buckets[of].get(key):
                yield bucket

    def _bucket(self, rule: Rule, key: tuple[str, str]) -> _Bucket:
        bucket = self._buckets[rule].get(key) or _Bucket(rule)
        self._buckets[rule].keep(key, bucket)
        return bucket

    def _fingerprint(self, *parts: str) -> bytes:
        """Digest under a key of this process: wrong secrets are often right elsewhere, so none is kept."""
        digest = hashlib.blake2b(key=self._key, digest_size=16)
        for part in parts:
            data = part.encode()
            digest.update(len(data).to_bytes(4, "big") + data)
        return digest.digest()


def _keys(account: str, network: str, rule: Rule) -> list[tuple[Rule, tuple[str, str]]]:
    return [(NETWORK, ("", network)), (rule, (account, network)), (ACCOUNT, (account, ""))]
