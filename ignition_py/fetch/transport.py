"""One http question with its redirects: over which connections it is asked. Used by http.py.

    plain.py         http to the server itself
    by_requests.py   everything else; imported when it is needed
"""

from __future__ import annotations

from _thread import allocate_lock

from ignition_py.fetch.plain import Plain, place_of
from ignition_py.fetch.question import bare, host_header, target
from ignition_py.fetch.url import public
from ignition_py.report.diag import FetchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ignition_py.fetch.answer import Answer, Guard
    from ignition_py.fetch.by_requests import ByRequests
    from ignition_py.fetch.request import Request, Settings

MAX_REDIRECTS = 30
_REDIRECTS = (301, 302, 303, 307, 308)
# Headers of the config are for the server that it names.
_REDIRECT_HEADERS: dict[str, str | bytes] = {"accept-encoding": "identity"}


class Transport:
    """The connections for one set of settings, for any number of threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._plain = Plain()
        self._others: ByRequests | None = None
        self._making = allocate_lock()

    def send(self, request: Request, headers: dict[str, str | bytes], guard: Guard) -> Answer:
        """Asks, and follows redirects. Raises FetchError for those that lead nowhere, Broken, Unusable."""
        url = request.url
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._ask(request, url, headers, guard)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not location or request.method == "HEAD":
                return answer
            answer.close()
            guard.done()
            url = _redirected(request, url, location)
            request.log.info(f"redirected to {public(url)}")
            headers = _REDIRECT_HEADERS
        raise FetchError(f"{request.what}: {public(request.url)} redirects more than {MAX_REDIRECTS} times")

    def _ask(self, request: Request, url: str, headers: Mapping[str, str | bytes], guard: Guard) -> Answer:
        url, password = bare(url)
        own = {"authorization": password} if password else {}
        place = place_of(url)
        if place is not None and not request.low_port and not self._settings.http_proxy:
            whole = {"host": host_header(url), **own, **headers}
            return self._plain.ask(request, place, target(url), whole, guard)
        return self._by_requests().ask(request, url, {**own, **headers}, guard)

    def _by_requests(self) -> ByRequests:
        with self._making:
            if self._others is None:
                from ignition_py.fetch.by_requests import ByRequests

                self._others = ByRequests(self._settings)
            return self._others


def _redirected(request: Request, url: str, location: str) -> str:
    """Where a redirect leads to. Raises FetchError where that is not http or https."""
    from urllib.parse import urljoin, urlsplit

    try:
        url = urljoin(url, location.encode("latin-1").decode("utf-8", "replace"))
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https"):
        raise FetchError(f"{request.what}: {public(request.url)} redirects to what is not http or https")
    return url
