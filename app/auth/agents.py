"""What a browser calls itself, in a few words: by these people tell their sessions apart."""

import re
from typing import Final

LONGEST: Final = 1024
UNKNOWN: Final = "Browser"
# In this order: most browsers name others beside themselves.
_BROWSERS = (
    ("Edge", re.compile(r"\bEdg(?:e|A|iOS)?/")),
    ("Opera", re.compile(r"\bOPR/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(?:Chrome|CriOS|HeadlessChrome)/")),
    ("Safari", re.compile(r"\bSafari/")),
)
_SYSTEMS = (
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMac OS X\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"\bLinux\b")),
)


def browser_name(user_agent: str) -> str:
    """Return such as "Firefox, Windows"; it is shown to its owner alone, and trusted by nobody."""
    told = user_agent[:LONGEST]
    parts = [next((name for name, mark in known if mark.search(told)), None) for known in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, parts)) or UNKNOWN
