"""What clients of every generation have in common: the transport, and strict reading of what comes.

A client that was generated from an older description of the API reads the members that it knows, each
as the type that it knows, ignores the others, and fails where one is absent or null against its
description. So do these.
"""

import json
import urllib.error
import urllib.parse
import urllib.request

ADMINISTRATOR = "local-admin-key"
READER = "local-read-only-key"


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    def json(self):
        return json.loads(self.text)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def send(base, method, path, body=None, query=None, key=ADMINISTRATOR, headers=None):
    """Sends as the older clients do: with a Content-Type, even where there is no body."""
    url = base + path
    if query:
        url += "?" + urllib.parse.urlencode(query)
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)
    request.add_header("Content-Type", "application/json")
    if key is not None:
        request.add_header("X-API-KEY", key)
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    try:
        with _OPENER.open(request, timeout=60) as response:
            return Answer(response.status, response.headers, response.read().decode())
    except urllib.error.HTTPError as response:
        return Answer(response.code, response.headers, response.read().decode())


class Nullable:
    """A member that is always there, and may be null."""

    def __init__(self, shape):
        self.shape = shape


class OneOf:
    """A text from a closed list, which strict clients keep as an enumeration."""

    def __init__(self, *texts):
        self.texts = texts


# The closed lists of section 3, and a passkey, which all generations read alike.
PROVIDER = OneOf(
    "google", "apple", "facebook", "microsoft", "github",
    "gitlab", "discord", "twitter", "linkedin", "xero",
)
IDP = OneOf("monocloud", *PROVIDER.texts)
METHOD = OneOf("password", "email", "phone")
PASSKEY = {
    "name": Nullable(str),
    "passkey_id": str,
    "public_key": str,
    "aa_guid": str,
    "backup_state": bool,
    "backup_eligibility": bool,
    "user_present": bool,
    "user_verified": bool,
    "user_agent": Nullable(str),
}


def read(shape, value, at="body"):
    """`value`, when it is of this shape: a type, a list of one shape, or the members of an object."""
    match shape:
        case Nullable():
            return None if value is None else read(shape.shape, value, at)
        case OneOf():
            assert value in shape.texts, f"{at} is none of {shape.texts}: {value!r}"
        case [item]:
            assert type(value) is list, f"{at} is no list: {value!r}"
            for number, element in enumerate(value):
                read(item, element, f"{at}[{number}]")
        case {}:
            assert type(value) is dict, f"{at} is no object: {value!r}"
            for name, member in shape.items():
                assert name in value, f"{at} lacks {name}: {sorted(value)}"
                read(member, value[name], f"{at}.{name}")
        case _:
            # Not isinstance: a bool is an int in Python and nowhere else.
            assert type(value) is shape, f"{at} is no {shape.__name__}: {value!r}"
    return value
