"""For Schemathesis: the rules of the service that JSON schema can't say, each by name.

A request that openapi.yaml calls valid may be refused for one of them, and for nothing else.
"""

import itertools
import re

import schemathesis

# Codes of `#identity-validation-error`, and why a schema can't say them.
RULES = {
    "DuplicateUserName": "another user has it",
    "DuplicateEmail": "another user has it",
    "DuplicatePhoneNumber": "another user has it",
    "InvalidUserName": "letters by RFC 8265's classes, and no phone number in disguise",
    "InvalidEmail": "a domain by UTS 46, and a local part that folding keeps",
    "InvalidPhoneNumber": "a range that its country has assigned",
    "IdentifierRequired": "one member of three; as `anyOf` it would take generators their one class",
    "LastIdentifier": "it depends on the user's other identifiers",
    "PrimaryIdentifier": "it depends on which address is the primary one",
    "EmailNotVerified": "it depends on whether the address is proved",
    "PhoneNotVerified": "it depends on whether the number is proved",
    "PasswordTooShort": "short ones are taken with skip_password_policy_checks",
    "PasswordTooLong": "counted in the form of RFC 8265",
    "PasswordTooCommon": "a list of passwords",
    "PasswordMismatch": "the user's present password",
    "PasswordHashInvalid": "forms and parameters of four algorithms",
    "UserTooLarge": "the size of the user as it is stored",
}

# Messages of `#validation-error`, by member: what is checked only without `skip_conformance_checks`, what
# depends on another member, and forms that have no format of JSON schema.
URL = "must be an absolute http or https URL"
MEMBERS = {
    "password": {"is required, or password_hash"},
    "password_hash": {"must not be given together with password"},
    "new_password": {"is required, or new_password_hash"},
    "new_password_hash": {"must not be given together with new_password"},
    "name": {
        # What is left without the white space around it.
        "must have 1 to 64 characters",
        "must not contain control or invisible characters",
        "is the name of another group",
    },
    "is_auto_assigned": {
        "must be false: there are 20 automatically assigned groups already",
    },
    "picture": {URL},
    "profile": {URL},
    "website": {URL},
    "birthdate": {"must be a date, such as 1906-12-09, 0000-12-09 or 1906"},
    "zoneinfo": {"must be a time zone's name, such as Europe/Paris"},
    "locale": {"must be a language tag, such as en-US"},
    # 3600.0 is an integer of JSON schema, and none as most readers of JSON have it.
    "expiry": {"must be a whole number that fits"},
    "ip_address": {'must be an IP address, a /64 network or "all"'},
}


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """An import's lines: the schema says no more than that they are text."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def filter_case(context, case):
    """Leaves out what the coverage phase calls valid and is not: it fills an optional header with `0`,
    whatever its pattern."""
    headers = case.headers or {}
    return "0" not in (headers.get("If-Match"), headers.get("If-None-Match"))


# Identifiers that fit the schema, and what takes their place.
IDENTIFIERS = {
    "username": (re.compile(r"[^@ ]{1,64}"), "user-{}"),
    "email": (re.compile(r"[a-z.]+@[a-z.]+\.[a-z]+"), "user-{}@example.com"),
    "phone_number": (re.compile(r"\+[0-9 ().-]{1,31}"), "+44151496{:04}"),
}
NUMBERS = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes the identifiers of every second body new ones that the service takes.

    Of what a generator makes, nearly all is refused: because the user of an earlier case has it, or for a
    rule that a pattern can't say. Little would be seen of what comes after that.
    """
    number = next(NUMBERS)
    if isinstance(case.body, dict) and number % 2:
        taken = {
            member: form.format(number % 10000)
            for member, (fits, form) in IDENTIFIERS.items()
            if isinstance(case.body.get(member), str) and fits.fullmatch(case.body[member])
        }
        if taken:
            case.body = {**case.body, **taken}


@schemathesis.check
def a_refusal_is_explained(ctx, response, case):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code != 422:
        return
    errors = response.json()["errors"]
    if isinstance(errors, list):
        unknown = [error["code"] for error in errors if error["code"] not in RULES]
    else:
        unknown = [
            f"{member}: {message}"
            for member, messages in errors.items()
            for message in messages
            if message not in MEMBERS.get(member, ())
        ]
    assert not unknown, f"refused, and valid by openapi.yaml: {unknown}"
