"""A client of the model of 2025: it sends `b_crypt`, and reads every attempt to sign in and its outcome."""

from walk import Generation, main
from wire import IDP, METHOD, PROVIDER, Nullable

IDENTIFIER = {"id": str, "idps": [IDP], "authenticators": [METHOD]}
ADDRESS = {**IDENTIFIER, "primary": bool, "verified": bool}

USER = {
    "user_id": str,
    "creation_time": int,
    "last_updated": int,
    "disabled": bool,
    "username": Nullable({**IDENTIFIER, "username": str}),
    "emails": [{**ADDRESS, "email": str}],
    "phone_numbers": [{**ADDRESS, "phone": str}],
    "passkeys": [{"name": Nullable(str), "passkey_id": str, "public_key": str, "aa_guid": str}],
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
}

PROBLEM = {"type": str, "title": str, "status": int, "detail": str, "trace_id": str}

SESSION = {
    "session_id": str,
    "client_ids": [str],
    "initiated_at": int,
    "expires_at": int,
    "last_updated": int,
    "last_metadata": {"ip_address": str, "user_agent": Nullable(str)},
}

BLOCKED_IP = {
    "ip": str,
    "failure_count": int,
    "sign_in_attempts_count": int,
    "last_sign_in_attempt": int,
    "last_sign_in_success": Nullable(int),
    "block_until": Nullable(int),
}

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
        bcrypt="b_crypt",
        headers={"Accept": "*/*"},
    )
)
