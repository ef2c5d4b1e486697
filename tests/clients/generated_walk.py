"""A walk through twelve calls with the client that openapi-python-client makes of openapi.yaml.

The package is `roster_client`, on PYTHONPATH. What comes back is what its models made of it.
"""

import sys
from http import HTTPStatus
from uuid import UUID

from roster_client import AuthenticatedClient
from roster_client.api.data import update_public_data
from roster_client.api.emails import add_email, remove_email, set_primary_email, verify_email
from roster_client.api.sessions import list_sessions
from roster_client.api.usernames import set_username
from roster_client.api.users import create_user, delete_user, disable_user, enable_user, get_user
from roster_client.models import (
    AddEmail,
    CreateUser,
    DisableUser,
    IdentityError,
    Problem,
    PublicData,
    SetUsername,
    UpdatePublicData,
    User,
    ValidationErrors,
)


def expect(kind, response, status=HTTPStatus.OK):
    assert response.status_code == status, f"{response.status_code}: {response.content}"
    assert type(response.parsed) is kind, response.parsed
    return response.parsed


def main(base):
    # Every status that comes is one that the document has.
    client = AuthenticatedClient(
        base_url=base,
        token="local-admin-key",
        prefix="",
        auth_header_name="X-API-KEY",
        raise_on_unexpected_status=True,
    )
    body = CreateUser(username="grace.generated", name="Grace Hopper")
    created = create_user.sync_detailed(client=client, body=body)
    user = expect(User, created, HTTPStatus.CREATED)
    assert created.headers["Location"].endswith(user.user_id)
    assert user.username.username == "grace.generated" and user.emails == [], user
    user_id = user.user_id

    taken = create_user.sync_detailed(client=client, body=body)
    refused = expect(Problem, taken, HTTPStatus.UNPROCESSABLE_ENTITY)
    [error] = refused.errors
    assert type(error) is IdentityError and error.code == "DuplicateUserName", error

    got = get_user.sync_detailed(user_id, client=client)
    assert expect(User, got) == user
    again = get_user.sync_detailed(user_id, client=client, if_none_match=got.headers["ETag"])
    assert again.status_code == HTTPStatus.NOT_MODIFIED and again.parsed is None, again

    body = AddEmail(email="grace.generated@example.com")
    [email] = expect(User, add_email.sync_detailed(user_id, client=client, body=body)).emails
    assert not email.verified and email.verification_source is None, email
    email_id = UUID(email.id)

    def primary(user):
        return [email.email for email in user.emails if email.primary]

    body = AddEmail(email="other.generated@example.com", is_verified=True)
    user = expect(User, add_email.sync_detailed(user_id, client=client, body=body))
    assert primary(user) == ["other.generated@example.com"], user.emails

    user = expect(User, verify_email.sync_detailed(user_id, email_id, client=client))
    assert [email.verification_source for email in user.emails] == ["api", "api"], user.emails

    user = expect(User, set_primary_email.sync_detailed(user_id, email_id, client=client))
    assert primary(user) == ["grace.generated@example.com"], user.emails

    [other] = [UUID(email.id) for email in user.emails if not email.primary]
    user = expect(User, remove_email.sync_detailed(user_id, other, client=client))
    assert len(user.emails) == 1, user.emails

    body = UpdatePublicData.from_dict({"public_data": {"color": {"dashboard": "dark"}}})
    changed = update_public_data.sync_detailed(user_id, client=client, body=body)
    assert expect(PublicData, changed).public_data["color"] == {"dashboard": "dark"}, changed
    sessions = list_sessions.sync_detailed(user_id, client=client, size=5)
    assert expect(list, sessions) == [], sessions

    body = SetUsername(username="hopper.generated")
    user = expect(User, set_username.sync_detailed(user_id, client=client, body=body))
    assert user.username.username == "hopper.generated", user.username

    body = DisableUser(revoke_sessions=True)
    assert expect(User, disable_user.sync_detailed(user_id, client=client, body=body)).disabled
    enabled = enable_user.sync_detailed(user_id, client=client)
    assert not expect(User, enabled).disabled

    stale = enable_user.sync_detailed(user_id, client=client, if_match=got.headers["ETag"])
    expect(Problem, stale, HTTPStatus.PRECONDITION_FAILED)
    unknown = get_user.sync_detailed("nobody", client=client)
    problem = expect(Problem, unknown, HTTPStatus.NOT_FOUND)
    assert problem.status == 404 and problem.trace_id == problem.traceId, problem
    malformed = get_user.sync_detailed("no id", client=client)
    problem = expect(Problem, malformed, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert type(problem.errors) is ValidationErrors and problem.errors["user_id"], problem

    deleted = delete_user.sync_detailed(user_id, client=client)
    assert deleted.status_code == HTTPStatus.NO_CONTENT and deleted.content == b"", deleted
    expect(Problem, get_user.sync_detailed(user_id, client=client), HTTPStatus.NOT_FOUND)


main(sys.argv[1])
