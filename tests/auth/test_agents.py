import pytest

from app.auth.agents import browser_name

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "(iPhone; CPU iPhone OS 18_0 like Mac OS X)"
MAC = "(Macintosh; Intel Mac OS X 10_15_7)"


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/150.0.0.0 Safari/537.36", "Chrome, Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/150.0 Safari/537.36 Edg/150.0", "Edge, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox, Linux"),
        (
            f"Mozilla/5.0 {IPHONE} {WEBKIT} Version/18.0 Safari/604.1",
            "Safari, iPhone",
        ),
        (f"Mozilla/5.0 {MAC} {WEBKIT} Version/18.0 Safari/605.1", "Safari, macOS"),
        (
            f"Mozilla/5.0 (Linux; Android 15) {WEBKIT} SamsungBrowser/28 Chrome/130 Safari/537",
            "Samsung Internet, Android",
        ),
        ("curl/8.1", "Browser"),
        ("", "Browser"),
        ("x" * 5000 + "Firefox/1", "Browser"),
    ],
)
def test_a_session_is_named_after_browser_and_system(told: str, name: str) -> None:
    assert browser_name(told) == name
