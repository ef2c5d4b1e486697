"""A walk through the calls that manage one user, as a client of any generation makes it.

It is written from the contract alone (docs/contract/users-api.md): the numbers are its rows. What a
generation sends and reads in a way of its own is in `client_2024.py` and the others.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

from wire import ADMINISTRATOR, READER, Nullable, OneOf, read, send

USER = "/api/users/{user_id}"
EMAIL = USER + "/emails/{identifier_id}"
PHONE = USER + "/phones/{identifier_id}"
GRANTS = ["clients", "consents", "reference_tokens", "refresh_tokens", "codes"]

CALLS = {
    2: ("POST", "/api/users"),
    3: ("GET", USER),
    4: ("DELETE", USER),
    5: ("POST", USER + "/enable"),
    6: ("POST", USER + "/disable"),
    7: ("POST", USER + "/unblock"),
    8: ("PUT", USER + "/username"),
    9: ("DELETE", USER + "/username"),
    10: ("POST", USER + "/emails"),
    11: ("DELETE", EMAIL),
    12: ("POST", EMAIL + "/primary"),
    13: ("POST", EMAIL + "/verify"),
    14: ("POST", EMAIL + "/unverify"),
    15: ("POST", EMAIL + "/verify/link"),
    16: ("POST", USER + "/phones"),
    17: ("DELETE", PHONE),
    18: ("POST", PHONE + "/primary"),
    19: ("POST", PHONE + "/verify"),
    20: ("POST", PHONE + "/unverify"),
    21: ("DELETE", USER + "/passkeys/{passkey_id}"),
    22: ("PUT", USER + "/password"),
    23: ("DELETE", USER + "/password"),
    24: ("POST", USER + "/password/force_reset"),
    25: ("DELETE", USER + "/password/force_reset"),
    26: ("POST", USER + "/password/reset"),
    27: ("PUT", USER + "/password/change"),
    28: ("PATCH", USER + "/claims"),
    29: ("GET", USER + "/private_data"),
    30: ("PATCH", USER + "/private_data"),
    31: ("GET", USER + "/public_data"),
    32: ("PATCH", USER + "/public_data"),
    33: ("GET", USER + "/blocked_ips"),
    34: ("POST", USER + "/blocked_ips/unblock"),
    35: ("GET", USER + "/sessions"),
    36: ("GET", USER + "/sessions/{session_id}"),
    37: ("DELETE", USER + "/sessions/{session_id}"),
    38: ("POST", USER + "/external_authenticator/disconnect"),
    39: ("GET", USER + "/groups"),
    40: ("GET", USER + "/groups/{group_id}"),
    41: ("POST", USER + "/groups/{group_id}"),
    42: ("DELETE", USER + "/groups/{group_id}"),
    **{44 + n: ("GET", f"{USER}/grants/{kind}") for n, kind in enumerate(GRANTS)},
    **{49 + n: ("DELETE", f"{USER}/grants/{kind}/{{id}}") for n, kind in enumerate(GRANTS)},
    54: ("GET", "/api/groups"),
    55: ("POST", "/api/groups"),
    56: ("GET", "/api/groups/{group_id}"),
    57: ("PATCH", "/api/groups/{group_id}"),
    58: ("DELETE", "/api/groups/{group_id}"),
}

# The user of the published examples, which a new local service has: with passkeys and providers, which
# no call here can add.
SAMPLE = "UOtBaOybB6dTpIJNrnkRw"

# The contract gives no generation shapes of its own for these two.
GROUP = {
    "group_id": str,
    "type": OneOf("custom", "built_in"),
    "name": str,
    "description": Nullable(str),
    "is_auto_assigned": bool,
    "users_assigned": int,
    "clients_assigned": int,
    "creation_time": int,
    "last_updated": int,
    "last_assigned": int,
}
USER_GROUP = {"group_id": str, "user_id": str, "creation_time": int, "group_name": str}

PAGINATION = {
    "page_size": int,
    "current_page": int,
    "total_count": int,
    "has_previous": bool,
    "has_next": bool,
}


@dataclass
class Generation:
    """What the clients of one age send and read in a way of their own."""

    # Shapes, as `wire.read` takes them.
    user: dict
    problem: dict
    identity_error: dict
    session: dict
    blocked_ip: dict
    # The names of members that another age calls otherwise.
    providers: str
    session_id: str
    failures: str
    # What names the algorithm of a password hash that is sent.
    bcrypt: str
    headers: dict = field(default_factory=dict)
    # Further looks at a user that this age's members tell about.
    look: Callable[[dict], None] = lambda user: None


class Walk:
    def __init__(self, base, generation):
        self.base, self.generation = base, generation
        self.name = uuid4().hex[:12]
        self.numbers = count(uuid4().int)
        self.walked = set()

    def send(self, row, ids, body=None, query=None, key=ADMINISTRATOR):
        method, path = CALLS[row]
        headers = self.generation.headers
        path = path.format_map(ids)
        return send(self.base, method, path, body, query, key, headers)

    def call(self, row, shape, body=None, query=None, status=200, **ids):
        """The answer's body, when its status is this one and its shape is this one."""
        answer = self.send(row, ids, body, query)
        assert answer.status == status, f"row {row}: {answer.status} {answer.text}"
        self.walked.add(row)
        self.headers = answer.headers
        if status == 204:
            assert answer.text == "", f"row {row}: {answer.text}"
            return None
        media_type = answer.headers["Content-Type"].split(";")[0]
        assert media_type == "application/json", f"row {row}: {media_type}"
        return read(shape, answer.json(), f"row {row}")

    def user(self, row, body=None, status=200, **ids):
        user = self.call(row, self.generation.user, body, status=status, **ids)
        self.generation.look(user)
        return user

    def page(self, row, item, query=None, **ids):
        items = self.call(row, [item], query=query, **ids)
        pagination = read(PAGINATION, json.loads(self.headers["x-pagination"]), f"row {row}, paging")
        assert len(items) <= pagination["page_size"], pagination
        return items

    def problem(self, row, status, body=None, query=None, key=ADMINISTRATOR, **ids):
        """The body of a problem, as a client turns it into its exception."""
        answer = self.send(row, ids, body, query, key)
        media_type = (answer.headers["Content-Type"] or "").split(";")[0]
        assert (answer.status, media_type) == (status, "application/problem+json"), (
            f"row {row}: {answer.status} {media_type} {answer.text}"
        )
        problem = read(self.generation.problem, answer.json(), f"row {row}, problem")
        assert problem["status"] == status and problem["title"], problem
        if status != 422:
            assert problem["type"] == f"https://httpstatuses.io/{status}", problem
        return problem

    def invalid(self, row, member, body=None, **ids):
        problem = self.problem(row, 422, body, **ids)
        assert problem["type"] == "https://httpstatuses.io/422#validation-error", problem
        assert read([str], problem["errors"][member]), problem

    def refused(self, row, code, body=None, **ids):
        problem = self.problem(row, 422, body, **ids)
        kind = "https://httpstatuses.io/422#identity-validation-error"
        assert problem["type"] == kind, problem
        errors = read([self.generation.identity_error], problem["errors"], f"row {row}, errors")
        assert code in [error["code"] for error in errors], problem

    def create(self, **members):
        members.setdefault("username", f"{self.name}-{uuid4().hex[:8]}")
        return self.user(2, members, status=201)

    def phone(self):
        """A number that no user has: Ofcom keeps these for films, and the sample user has 453."""
        number = next(n % 1000 for n in self.numbers if n % 1000 != 453)
        return f"+441514960{number:03}"

    def sign_in(self, name, password):
        """What a person does in a browser: nothing else makes a session or a failed attempt."""
        body = {"username": name, "password": password}
        return send(self.base, "POST", "/users/login/", body, key=None).status


CHAPTERS = []


def chapter(walk):
    CHAPTERS.append(walk)
    return walk


@chapter
def a_user_is_created_and_read(walk):
    number = walk.phone()
    created = walk.create(
        email=f"{walk.name}@example.com",
        email_verified=True,
        phone_number=number,
        phone_number_verified=True,
        password="a long enough passphrase",
        is_temporary_password=False,
        name="Grace Hopper",
    )
    assert walk.headers["Location"].endswith(created["user_id"]), walk.headers["Location"]
    [email], [phone] = created["emails"], created["phone_numbers"]
    assert email["email"] == f"{walk.name}@example.com" and email["primary"], email
    assert phone["phone"] == number and phone["verified"], phone
    assert created["has_password"] and created["claims"] == {"name": "Grace Hopper"}, created
    assert walk.user(3, user_id=created["user_id"]) == created
    walk.refused(2, "DuplicateEmail", {"email": f"{walk.name}@example.com"})
    walk.refused(2, "IdentifierRequired", {"name": "Grace Hopper"})
    walk.refused(2, "InvalidPhoneNumber", {"phone_number": "12"})
    walk.invalid(2, "username", {"username": 7})


@chapter
def a_call_is_refused_as_clients_expect(walk):
    walk.problem(3, 404, user_id="nobody")
    walk.invalid(3, "user_id", user_id="no%20id")
    walk.problem(3, 401, key=None, user_id=SAMPLE)
    walk.problem(3, 401, key="unknown", user_id=SAMPLE)
    walk.problem(2, 403, {"username": walk.name}, key=READER)
    walk.problem(2, 400, ["no", "object"])


@chapter
def a_user_is_disabled_enabled_and_unblocked(walk):
    user_id = walk.create()["user_id"]
    assert walk.user(6, {"revoke_sessions": True}, user_id=user_id)["disabled"]
    assert walk.user(6, user_id=user_id)["disabled"]
    assert not walk.user(5, user_id=user_id)["disabled"]
    assert walk.user(7, user_id=user_id)["failure_count"] == 0
    for row in (5, 6, 7):
        walk.problem(row, 404, user_id="nobody")


@chapter
def a_username_is_set_and_removed(walk):
    user = walk.create(email=f"name.{walk.name}@example.com")
    user_id, old = user["user_id"], user["username"]["username"]
    user = walk.user(8, {"username": f"{walk.name}.grace"}, user_id=user_id)
    assert user["username"]["username"] == f"{walk.name}.grace", user
    walk.refused(8, "InvalidUserName", {"username": "grace@example.com"}, user_id=user_id)
    walk.invalid(8, "username", user_id=user_id)
    walk.create(username=old)
    walk.refused(8, "DuplicateUserName", {"username": old}, user_id=user_id)
    assert walk.user(9, user_id=user_id)["username"] is None
    walk.problem(9, 404, user_id=user_id)
    walk.refused(9, "LastIdentifier", user_id=walk.create()["user_id"])


@chapter
def an_email_address_is_added_proved_made_primary_and_removed(walk):
    identifiers(walk, "emails", "email", [f"{n}.{walk.name}@example.com" for n in "ab"], 10)
    user_id = walk.create()["user_id"]
    walk.refused(10, "InvalidEmail", {"email": "no address"}, user_id=user_id)
    only = {"user_id": walk.create(username=None, email=f"c.{walk.name}@example.com")["user_id"]}
    only["identifier_id"] = walk.user(3, **only)["emails"][0]["id"]
    walk.refused(11, "LastIdentifier", **only)


@chapter
def a_phone_number_is_added_proved_made_primary_and_removed(walk):
    identifiers(walk, "phone_numbers", "phone", [walk.phone(), walk.phone()], 16)
    user_id = walk.create()["user_id"]
    walk.refused(16, "InvalidPhoneNumber", {"phone_number": "12"}, user_id=user_id)


def identifiers(walk, members, member, texts, add):
    """Rows `add` to `add` + 4: e-mail addresses and phone numbers are alike."""
    remove, set_primary, verify, unverify = range(add + 1, add + 5)
    sent = "phone_number" if member == "phone" else member
    code = "PhoneNotVerified" if member == "phone" else "EmailNotVerified"
    user_id = walk.create()["user_id"]

    def find(user, text):
        [found] = [entry for entry in user[members] if entry[member] == text]
        return found

    body = {sent: texts[0], "is_verified": True, "skip_restriction_checks": True}
    first = find(walk.user(add, body, user_id=user_id), texts[0])
    assert first["verified"] and first["primary"], first
    second = find(walk.user(add, {sent: texts[1]}, user_id=user_id), texts[1])
    assert not second["verified"] and not second["primary"], second
    one = {"user_id": user_id, "identifier_id": first["id"]}
    other = {"user_id": user_id, "identifier_id": second["id"]}
    absent = {"user_id": user_id, "identifier_id": str(uuid4())}

    walk.refused(set_primary, code, **other)
    assert find(walk.user(verify, **other), texts[1])["verified"]
    assert find(walk.user(set_primary, **other), texts[1])["primary"]
    assert not find(walk.user(unverify, **one), texts[0])["verified"]
    walk.refused(unverify, "PrimaryIdentifier", **other)
    walk.refused(remove, "PrimaryIdentifier", **other)
    assert [entry["id"] for entry in walk.user(remove, **one)[members]] == [second["id"]]
    for row in (remove, set_primary, verify, unverify):
        walk.problem(row, 404, **absent)
        walk.invalid(row, "identifier_id", user_id=user_id, identifier_id="7")
    walk.invalid(add, sent, user_id=user_id)


@chapter
def a_link_is_mailed_that_proves_an_address(walk):
    user_id = walk.create()["user_id"]
    user = walk.user(10, {"email": f"link.{walk.name}@example.com"}, user_id=user_id)
    ids = {"user_id": user_id, "identifier_id": user["emails"][0]["id"]}
    shape = {"expires_at": int, "email_sent": bool}
    sent = walk.call(15, shape, {"expiry": 3600}, **ids)
    assert sent["email_sent"] and "link" not in sent, sent
    walk.call(15, shape, {"expiry": None}, **ids)
    walk.invalid(15, "expiry", {"expiry": 1}, **ids)


@chapter
def a_passkey_is_removed(walk):
    passkeys = [passkey["passkey_id"] for passkey in walk.user(3, user_id=SAMPLE)["passkeys"]]
    assert passkeys, "the sample user has a passkey"
    walk.call(21, None, status=204, user_id=SAMPLE, passkey_id=passkeys[0])
    walk.problem(21, 404, user_id=SAMPLE, passkey_id=passkeys[0])
    left = [passkey["passkey_id"] for passkey in walk.user(3, user_id=SAMPLE)["passkeys"]]
    assert left == passkeys[1:], left


@chapter
def a_provider_is_disconnected(walk):
    name = walk.generation.providers
    provider = walk.user(3, user_id=SAMPLE)[name][0]
    body = {key: provider[key] for key in ("authenticator", "provider_user_id")}
    assert provider not in walk.user(38, body, user_id=SAMPLE)[name]
    walk.problem(38, 404, body, user_id=SAMPLE)
    walk.invalid(38, "authenticator", {**body, "authenticator": "nobody"}, user_id=SAMPLE)


# "a long enough passphrase", by bcrypt.
BCRYPT = "$2b$04$xpGxv.j6tHXhIekNgsM/9.aF60aYvCXNTdz4NmIa7bs8kjaYa584K"


@chapter
def a_password_is_set_changed_and_removed(walk):
    user_id = walk.create()["user_id"]
    walk.problem(24, 400, user_id=user_id)
    walk.problem(25, 400, user_id=user_id)
    hashed = {"password_hash": BCRYPT, "password_hash_algorithm": walk.generation.bcrypt}
    hashed["is_temporary_password"] = False
    user = walk.user(22, hashed, user_id=user_id)
    assert user["has_password"] and type(user["password_updated_at"]) is int, user
    change = {"old_password": "not this one", "new_password": "another passphrase"}
    walk.refused(27, "PasswordMismatch", change, user_id=user_id)
    change["old_password"] = "a long enough passphrase"
    walk.user(27, change, user_id=user_id)
    change = {"old_password": change["new_password"], "revoke_sessions": True}
    change |= {"new_password_hash": BCRYPT, "new_password_hash_algorithm": walk.generation.bcrypt}
    walk.user(27, change, user_id=user_id)
    walk.user(24, user_id=user_id)
    walk.user(25, user_id=user_id)
    walk.refused(22, "PasswordTooShort", {"password": "short"}, user_id=user_id)
    skipped = {"password": "short", "skip_password_policy_checks": True}
    walk.user(22, skipped | {"revoke_sessions": True}, user_id=user_id)
    walk.refused(22, "PasswordHashInvalid", {"password_hash": "no hash"}, user_id=user_id)
    walk.problem(22, 422, {}, user_id=user_id)
    walk.problem(22, 422, {"password": "one or the other", "password_hash": BCRYPT}, user_id=user_id)
    walk.call(23, None, status=204, user_id=user_id)
    assert not walk.user(3, user_id=user_id)["has_password"]


@chapter
def a_link_is_made_that_resets_a_password(walk):
    user = walk.create(email=f"reset.{walk.name}@example.com", email_verified=True)
    shape = {"link": str, "expires_at": int, "email_sent": bool}
    reset = walk.call(26, shape, {"send_email": True, "expiry": 600}, user_id=user["user_id"])
    assert reset["link"].startswith("http") and reset["email_sent"], reset
    assert not walk.call(26, shape, {}, user_id=user["user_id"])["email_sent"]
    walk.problem(26, 404, {}, user_id="nobody")


@chapter
def claims_are_merged(walk):
    user_id = walk.create(name="Grace", nickname="Amazing")["user_id"]
    claims = {
        "given_name": "Grace",
        "nickname": None,
        "picture": "https://example.com/grace.png",
        "birthdate": "1906-12-09",
        "zoneinfo": "America/New_York",
        "locale": "en-US",
        "address": {"formatted": "1 Navy Yard\nArlington", "country": "US"},
    }
    kept = walk.user(28, claims, user_id=user_id)["claims"]
    assert kept == {"name": "Grace"} | {k: v for k, v in claims.items() if v}, kept
    walk.invalid(28, "picture", {"picture": "no address"}, user_id=user_id)
    walk.user(28, {"picture": "no address", "skip_conformance_checks": True}, user_id=user_id)


@chapter
def data_is_merged_at_its_top_level(walk):
    user_id = walk.create()["user_id"]
    for get, patch, member in ((29, 30, "private_data"), (31, 32, "public_data")):
        shape = {member: dict}
        assert walk.call(get, shape, user_id=user_id) == {member: {}}
        walk.call(patch, shape, {member: {"plan": {"a": 1}, "old": True}}, user_id=user_id)
        merged = {member: {"plan": {"b": 1.5}, "n": 2**60}}
        sent = {member: {**merged[member], "old": None}}
        assert walk.call(patch, shape, sent, user_id=user_id) == merged
        assert walk.call(get, shape, user_id=user_id) == merged
        walk.invalid(patch, member, {member: []}, user_id=user_id)
        walk.problem(patch, 404, merged, user_id="nobody")


PASSWORD = {"password": "a long enough passphrase", "is_temporary_password": False}


@chapter
def a_session_is_listed_read_and_ended(walk):
    user = walk.create(**PASSWORD)
    user_id, name = user["user_id"], user["username"]["username"]
    session, session_id = walk.generation.session, walk.generation.session_id
    assert walk.call(35, [session], user_id=user_id) == []
    assert walk.sign_in(name, PASSWORD["password"]) == 200
    [listed] = walk.call(35, [session], user_id=user_id)
    ids = {"user_id": user_id, "session_id": listed[session_id]}
    assert walk.call(36, session, **ids) == listed
    for name in ("client_id", "clientId"):
        assert walk.call(35, [session], query={name: "another"}, user_id=user_id) == []
    walk.call(37, None, status=204, **ids)
    walk.problem(36, 404, **ids)
    walk.problem(37, 404, **ids)
    walk.invalid(36, "session_id", user_id=user_id, session_id="7")


@chapter
def an_address_that_failed_to_sign_in_is_listed_and_unblocked(walk):
    user = walk.create(**PASSWORD)
    user_id, name = user["user_id"], user["username"]["username"]
    blocked_ip = walk.generation.blocked_ip
    assert walk.page(33, blocked_ip, user_id=user_id) == []
    assert walk.sign_in(name, "not this one") == 401
    query = {"page": 1, "size": 5, "filter": "127.", "sort": "block_until:-1"}
    [failed] = walk.page(33, blocked_ip, query, user_id=user_id)
    assert failed[walk.generation.failures] == 1 and failed["failure_count"] == 1, failed
    walk.problem(33, 400, query={"size": 101}, user_id=user_id)
    walk.user(34, {"ip_address": failed["ip"]}, user_id=user_id)
    assert walk.page(33, blocked_ip, user_id=user_id) == []
    walk.user(34, {"ip_address": "all"}, user_id=user_id)
    walk.invalid(34, "ip_address", {"ip_address": "nowhere"}, user_id=user_id)


@chapter
def a_group_is_created_found_changed_and_deleted(walk):
    name = f"Staff {walk.name}"
    body = {"name": name, "description": "All of us", "is_auto_assigned": False}
    group = walk.call(55, GROUP, body, status=201)
    ids = {"group_id": group["group_id"]}
    assert walk.headers["Location"].endswith(group["group_id"]), walk.headers["Location"]
    assert group["users_assigned"] == 0 and group["last_assigned"] == group["creation_time"], group
    assert walk.call(56, GROUP, **ids) == group
    assert walk.page(54, GROUP, {"filter": name.upper(), "sort": "name:1"}) == [group]
    assert walk.page(54, GROUP, {"filter": f"no {walk.name}"}) == []
    walk.invalid(55, "name", {"name": name.upper()})
    walk.invalid(55, "name", {"name": "a" * 65})
    walk.invalid(57, "name", {"name": None}, **ids)
    changed = walk.call(57, GROUP, {"description": None}, **ids)
    assert changed["name"] == name and changed["description"] is None, changed
    walk.call(58, None, status=204, **ids)
    for row in (56, 57, 58):
        walk.problem(row, 404, **ids)
    walk.invalid(56, "group_id", group_id="7")
    walk.problem(54, 400, query={"sort": "name"})


@chapter
def a_user_is_assigned_to_groups_and_taken_out(walk):
    user_id = walk.create()["user_id"]
    assert walk.page(39, USER_GROUP, user_id=user_id) == []
    group = walk.call(55, GROUP, {"name": f"Team {walk.name}"}, status=201)
    ids = {"user_id": user_id, "group_id": group["group_id"]}
    walk.problem(40, 404, **ids)
    assigned = walk.call(41, USER_GROUP, status=201, **ids)
    assert assigned["group_name"] == group["name"], assigned
    assert walk.call(41, USER_GROUP, status=201, **ids) == assigned
    assert walk.call(40, USER_GROUP, **ids) == assigned
    query = {"page": 1, "size": 5, "sort": "creation_time:-1"}
    assert walk.page(39, USER_GROUP, query, user_id=user_id) == [assigned]
    walk.problem(41, 404, user_id=user_id, group_id=str(uuid4()))
    walk.problem(41, 404, user_id="nobody", group_id=group["group_id"])
    walk.invalid(41, "group_id", user_id=user_id, group_id="7")
    walk.call(42, None, status=204, **ids)
    walk.problem(42, 404, **ids)
    assert walk.page(39, USER_GROUP, user_id=user_id) == []


@chapter
def grants_are_empty(walk):
    user_id = walk.create()["user_id"]
    for row in range(44, 49):
        query = {"page": 1, "size": 10, "clientId": "a", "sessionId": "b"}
        assert walk.page(row, dict, query, user_id=user_id) == []
        assert walk.page(row, dict, {"client_id": "a"}, user_id=user_id) == []
        walk.problem(row, 404, user_id="nobody")
    for row in range(49, 54):
        walk.problem(row, 404, user_id=user_id, id="a")
        walk.walked.add(row)


@chapter
def a_user_is_deleted(walk):
    user_id = walk.create()["user_id"]
    walk.call(4, None, status=204, user_id=user_id)
    walk.problem(4, 404, user_id=user_id)


def main(generation):
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} URL, such as http://127.0.0.1:9080")
    walk = Walk(sys.argv[1], generation)
    for part in CHAPTERS:
        part(walk)
    missed = set(CALLS) - walk.walked
    assert not missed, f"rows that the walk leaves out: {sorted(missed)}"
    print(f"{len(walk.walked)} of {len(CALLS)} calls")
