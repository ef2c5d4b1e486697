"""A user directory of Django and allauth, as small as it can be: what Roster is measured beside.

allauth signs people in. What it has no call for, one back end asking about any user, stands here.
"""

import json
import os
from secrets import compare_digest

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    # New with each start, but the same in all workers: gunicorn loads this file before it forks.
    SECRET_KEY=os.urandom(32).hex(),
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "allauth",
        "allauth.account",
        "allauth.headless",
    ],
    # What allauth needs, and nothing else.
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    AUTH_PASSWORD_VALIDATORS=[
        {"NAME": f"django.contrib.auth.password_validation.{name}"}
        for name in ["MinimumLengthValidator", "CommonPasswordValidator"]
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.path.join(os.environ["YARDSTICK_DATA"], "users.db"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
            },
        }
    },
    # Errors alone, where gunicorn's own lines are.
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"stderr": {"class": "logging.StreamHandler", "level": "ERROR"}},
        "root": {"handlers": ["stderr"]},
    },
    ACCOUNT_LOGIN_METHODS={"email"},
    ACCOUNT_SIGNUP_FIELDS=["email*", "username*", "password1*"],
    ACCOUNT_RATE_LIMITS=False,
    HEADLESS_ONLY=True,
    HEADLESS_CLIENTS=["app"],
)
django.setup()

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.core.wsgi import get_wsgi_application
from django.db import IntegrityError, transaction
from django.http import JsonResponse
from django.urls import include, path
from django.views.decorators.http import require_GET, require_POST

API_KEY = "local-admin-key"


def shown(user):
    """A user as JSON, with all addresses."""
    return {
        "user_id": user.pk,
        "creation_time": int(user.date_joined.timestamp()),
        "disabled": not user.is_active,
        "username": user.username,
        "given_name": user.first_name,
        "family_name": user.last_name,
        "has_password": user.has_usable_password(),
        "emails": [
            {
                "id": address.pk,
                "email": address.email,
                "primary": address.primary,
                "verified": address.verified,
            }
            for address in user.emailaddress_set.all()
        ],
    }


def for_back_ends(view):
    """Lets nobody in without the API key, and answers what can't be written with 422."""

    def checked(request, **arguments):
        if not compare_digest(request.headers.get("X-API-KEY", ""), API_KEY):
            return JsonResponse({"title": "Unauthorized"}, status=401)
        try:
            return view(request, **arguments)
        except User.DoesNotExist:
            return JsonResponse({"title": "Not Found"}, status=404)
        except IntegrityError:
            return JsonResponse({"title": "Taken"}, status=422)
        except ValidationError as error:
            return JsonResponse({"errors": error.messages}, status=422)

    return checked


@require_POST
@for_back_ends
def create_user(request):
    body = json.loads(request.body)
    email = body["email"].lower()
    validate_email(email)
    user = User(
        username=body["username"],
        email=email,
        first_name=body["given_name"],
        last_name=body["family_name"],
    )
    password = body.get("password")
    if password is not None:
        validate_password(password, user)
    # Hashed before the transaction begins: others need not wait for that.
    user.set_password(password)
    with transaction.atomic():
        user.save(force_insert=True)
        EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    return JsonResponse(shown(user), status=201)


@require_GET
@for_back_ends
def get_user(request, user_id):
    return JsonResponse(shown(User.objects.get(pk=user_id)))


@require_POST
@for_back_ends
def add_email(request, user_id):
    email = json.loads(request.body)["email"].lower()
    validate_email(email)
    with transaction.atomic():
        user = User.objects.get(pk=user_id)
        EmailAddress.objects.create(user=user, email=email, verified=True)
    return JsonResponse(shown(user))


urlpatterns = [
    path("api/users", create_user),
    path("api/users/<int:user_id>", get_user),
    path("api/users/<int:user_id>/emails", add_email),
    path("_allauth/", include("allauth.headless.urls")),
]

application = get_wsgi_application()

if __name__ == "__main__":
    import sys

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
