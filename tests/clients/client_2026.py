"""A client of the model of 2026: it reads `external_providers`, who added and proved an identifier
(`source`, `verification_source`), where a user was last known to be, and `traceId`.
"""

from walk import Generation, main
from wire import IDP, METHOD, PASSKEY, PROVIDER, Nullable

IDENTIFIER = {"id": str, "source": str, "idps": [IDP], "authenticators": [METHOD]}
ADDRESS = {**IDENTIFIER, "primary": bool, "verified": bool, "verification_source": Nullable(str)}

USER = {
    "user_id": str,
    "creation_time": int,
    "last_updated": int,
    "disabled": bool,
    "username": Nullable({**IDENTIFIER, "username": str}),
    "emails": [{**ADDRESS, "email": str}],
    "phone_numbers": [{**ADDRESS, "phone": str}],
    "passkeys": [PASSKEY],
    "connections": [{"idp": IDP, "connection_id": str}],
    "external_providers": [{"authenticator": PROVIDER, "provider_user_id": str, "claims": dict}],
    "claims": dict,
    "public_data": dict,
    "private_data": dict,
    "has_password": bool,
    "password_updated_at": Nullable(int),
    "force_password_reset": bool,
    "failure_count": int,
    "block_until": Nullable(int),
    "blocked": bool,
    "sign_in_attempts_count": int,
    "sign_in_success_count": int,
    "last_sign_in_attempt": Nullable(int),
    "last_sign_in_attempt_ip": Nullable(str),
    "last_sign_in_success": Nullable(int),
    "last_sign_in_success_ip": Nullable(str),
    "last_activity": Nullable(int),
    "last_known_city": Nullable(str),
    "last_known_region": Nullable(str),
    "last_known_country": Nullable(str),
}

PROBLEM = {"type": str, "title": str, "status": int, "detail": str, "traceId": str}

SESSION = {
    "session_id": str,
    "client_ids": [str],
    "initiated_at": int,
    "expires_at": int,
    "last_updated": int,
    "last_metadata": {
        "city": Nullable(str),
        "country": Nullable(str),
        "region": Nullable(str),
        "latitude": Nullable(str),
        "longitude": Nullable(str),
        "ip_address": str,
        "user_agent": Nullable(str),
    },
}

BLOCKED_IP = {
    "ip": str,
    "failure_count": int,
    "sign_in_attempts_count": int,
    "last_sign_in_attempt": int,
    "last_sign_in_success": Nullable(int),
    "block_until": Nullable(int),
}

def look(user):
    added = [user["username"], *user["emails"], *user["phone_numbers"]]
    for identifier in filter(None, added):
        assert identifier["source"], identifier
    for address in user["emails"] + user["phone_numbers"]:
        # What is not proved, nothing has proved.
        assert address["verified"] or address["verification_source"] is None, address

main(
    Generation(
        user=USER,
        problem=PROBLEM,
        identity_error={"code": str, "description": str},
        session=SESSION,
        blocked_ip=BLOCKED_IP,
        providers="external_providers",
        session_id="session_id",
        failures="sign_in_attempts_count",
        bcrypt="bcrypt",
        headers={"Accept": "application/json, application/problem+json"},
        look=look,
    )
)
