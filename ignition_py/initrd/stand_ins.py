"""A few lines in place of modules that a dependency imports and no run of the executor uses.

`modules.py` looks no further where it meets one; `stage.py` carries the lines. What is here costs a start nothing and an
initramfs next to nothing; anything else that the dependency could ask of the module fails with an AttributeError. Together
they take a fifth from what the first download of a stage costs (docs/performance.md). That fetching works with them is tested from a
built archive (tests/initrd/test_standalone.py) and in the tests' interpreter (tests/initrd/test_stand_ins.py).
"""

from __future__ import annotations

from ignition_py.initrd.carried import AUTHORITIES

# urllib3 and requests write debug lines with it; no handler is ever set. hashlib reports a missing digest.
_LOGGING = """
DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
class NullHandler:
    def __init__(self, level=0):
        pass
StreamHandler = NullHandler
class Logger:
    def debug(self, *args, **options):
        pass
    info = warning = error = exception = critical = log = addHandler = setLevel = debug
    def isEnabledFor(self, level):
        return False
_logger = Logger()
exception = _logger.exception
def getLogger(name=None):
    return _logger
"""
# requests stores the cookies of a response, which only a Session sends back.
_COOKIES = """
class RequestsCookieJar:
    pass
def cookiejar_from_dict(cookie_dict, cookiejar=None, overwrite=True):
    return RequestsCookieJar()
def extract_cookies_to_jar(jar, request, response):
    pass
def get_cookie_header(jar, request):
    return None
def merge_cookies(cookiejar, cookies):
    return cookiejar
_copy_cookie_jar = None
"""
_EMAIL_UTILS = """
def _has_surrogates(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
"""

# Module -> its source, with the reason.
STAND_INS = {
    # requests asks it where the certificate authorities are: where every distribution's own certifi says they are.
    "certifi": f"def where():\n    return {AUTHORITIES!r}\n",
    # requests guesses the encoding of a text with it; contents are bytes here. It wants a version that it knows.
    "charset_normalizer": '__version__ = "3.4.0"\ndef detect(data):\n    return {"encoding": "utf-8"}\n',
    # pyparted counts cylinders with it.
    "decimal": "Decimal = None\n",
    # email.message takes parameters of a header apart with it; of responses whole values are read.
    "email.utils": _EMAIL_UTILS,
    # requests looks for cookies that a caller gives as such an object.
    "http.cookiejar": "class CookieJar:\n    pass\n",
    "http.cookies": "Morsel = None\n",
    # urllib3 asks which version of h2 there is, for HTTP/2 when a program wants that.
    "importlib.metadata": "version = None\n",
    "logging": _LOGGING,
    # requests.get() and its like, and sessions, which take proxies and passwords from the environment.
    "requests.api": "delete = get = head = options = patch = post = put = request = None\n",
    "requests.cookies": _COOKIES,
    # Old names of urllib3 and idna; idna itself is imported for a host that is not ASCII.
    "requests.packages": "",
    "requests.sessions": "Session = session = None\n",
    # requests takes proxies from the environment with it.
    "urllib.request": "getproxies = getproxies_environment = parse_http_list = proxy_bypass = proxy_bypass_environment = None\n",
    # Forms that are sent with files.
    "urllib3.fields": "RequestField = _TYPE_FIELD_VALUE_TUPLE = None\n",
    "urllib3.filepost": "encode_multipart_formdata = choose_boundary = _TYPE_FIELDS = None\n",
    # requests looks for certificate authorities inside archives when the file that it was given is not there.
    "zipfile": "def is_zipfile(file):\n    return False\n",
}
