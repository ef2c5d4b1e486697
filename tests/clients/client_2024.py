"""A client of the model of 2024: it reads `idps`, `sign_in_count`, `session_key`, `login_count`, and of
an identity error the `field`.
"""

from walk import Generation, main
from wire import IDP, METHOD, PASSKEY, PROVIDER, Nullable

IDENTIFIER = {"id": str, "idps": [IDP], "authenticators": [METHOD]}
ADDRESS = {**IDENTIFIER, "primary": bool, "verified": bool}

USER = {
    "user_id": str,
    "creation_time": int,
    "last_updated": int,
    "disabled": bool,
    "blocked": bool,
    "has_password": bool,
    "password_updated_at": Nullable(int),
    "username": Nullable({**IDENTIFIER, "username": str}),
    "emails": [{**ADDRESS, "email": str}],
    "phone_numbers": [{**ADDRESS, "phone": str}],
    "passkeys": [PASSKEY],
    "idps": [{"authenticator": PROVIDER, "provider_user_id": str, "claims": dict}],
    "claims": dict,
    "public_data": dict,
    "private_data": dict,
    "sign_in_count": int,
    "last_sign_in_attempt": Nullable(int),
    "last_sign_in_ip": Nullable(str),
}

PROBLEM = {"type": str, "title": str, "status": int, "detail": str}

SESSION = {
    "session_key": str,
    "client_ids": [str],
    "initiated_at": int,
    "expires_at": int,
    "last_updated": int,
    "last_metadata": {"ip_address": str, "user_agent": Nullable(str), "country": Nullable(str)},
}

BLOCKED_IP = {
    "ip": str,
    "failure_count": int,
    "login_count": int,
    "last_login_attempt": int,
    "block_until": Nullable(int),
}

main(
    Generation(
        user=USER,
        problem=PROBLEM,
        identity_error={"code": str, "description": str, "field": Nullable(str)},
        session=SESSION,
        blocked_ip=BLOCKED_IP,
        providers="idps",
        session_id="session_key",
        failures="login_count",
        bcrypt="bcrypt",
        headers={"Accept": "application/json"},
    )
)
