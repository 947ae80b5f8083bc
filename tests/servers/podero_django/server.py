"""A real django-oauth-toolkit (DOT) server in the shape of Podero, in one file.

    python server.py

It listens on a free port of 127.0.0.1, prints the port as its first line once it is ready, and serves until it is
ended. Its database lies in STATE_DIR and is made when it starts. What else can be set, by environment variables:

  TOKEN_TTL          seconds that access tokens live           (36000, DOT's default)
  REFRESH_TTL        seconds that refresh tokens live, 0=ever  (0)
  CODE_TTL           seconds that codes live                   (60, DOT's default)
  ROTATE_REFRESH     1: a refresh gives a new refresh token    (1, DOT's default)
  REFRESH_GRACE      seconds an old refresh token still works  (0)
  REUSE_PROTECTION   1: an old refresh token revokes them all  (0)
  DOT_BACKEND        form: DOT's default, form bodies only
                     json: DOT's JSONOAuthLibCore, JSON bodies only
                     both: by Content-Type                     (both)
  PKCE_REQUIRED      1: authorization_code needs PKCE          (1, DOT's default)
                     The client `native` needs it in any case.
  AUTO_APPROVE       1: no page of consent after the login     (1)
  SEND_ISS           1: `iss` in answers to sign-ins, RFC 9207 (0, DOT's default)
  DEVICE_INTERVAL    seconds between a device's polls          (5, DOT's default)
  TOKEN_DELAY_MS     milliseconds before each token response   (0)

What a person does in a browser: /accounts/login/ is the login form, /oauth2/authorize/ the page of consent with
`Cancel` and `Authorize`, /oauth2/device/ where a device's code is entered and then accepted or denied. Loopback
redirect URIs may have any port (RFC 8252 section 7.3). Tokens are revoked at /oauth2/revoke_token/ (RFC 7009).
"""

import os
import sys
import time
import uuid
from pathlib import Path

import django
from django.conf import settings


def env_int(name, default):
    return int(os.environ.get(name, default))


def env_flag(name, default):
    return os.environ.get(name, default) not in ("", "0", "false", "no")


STATE = Path(os.environ["STATE_DIR"])
BACKENDS = {
    "form": "oauth2_provider.oauth2_backends.OAuthLibCore",
    "json": "oauth2_provider.oauth2_backends.JSONOAuthLibCore",
    "both": "server.ByContentType",
}
REDIRECT_URI = "http://127.0.0.1/callback/django-here"
ORG_ID = "6f9d3c1e-52a4-4d0b-9a55-3f1c7f0e2b10"
SEED = {
    "m2m": ("podero-sandbox-client", "podero-sandbox-secret"),
    "odd": ("podero odd:client", "s+cr%41t/=&: \u00fc"),
    "web": ("web-client", "web-secret"),
    "native": ("native-client", ""),
    "device": ("device-client", ""),
    "user": ("tester@example.org", "tester-password"),
}

TEMPLATES = {
    "registration/login.html": (
        "<form method=post>{% csrf_token %}{{ form.as_p }}"
        "<input type=hidden name=next value='{{ next }}'><button>Log in</button></form>"
    ),
}

if not settings.configured:
    sys.modules.setdefault("server", sys.modules[__name__])
    settings.configure(
        DEBUG=False,
        SECRET_KEY="for tests only",
        ALLOWED_HOSTS=["127.0.0.1", "localhost", "[::1]"],
        ROOT_URLCONF="server",
        USE_TZ=True,
        LOGIN_URL="/accounts/login/",
        LOGIN_REDIRECT_URL="/",
        STATIC_URL="/static/",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        # A fast hasher: DOT stores client secrets hashed, and Django's default
        # hasher costs a large part of a second for every token request.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            # As in every stock project: Content-Length (so keep-alive works) and
            # the 301 that a path without its final slash is answered with.
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "context_processors": ["django.template.context_processors.request"],
                    "loaders": [
                        ("django.template.loaders.locmem.Loader", TEMPLATES),
                        "django.template.loaders.app_directories.Loader",
                    ],
                },
            }
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(STATE / "db.sqlite3"),
                "OPTIONS": {
                    "timeout": 20,
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA journal_mode=WAL;",
                },
            }
        },
        OAUTH2_PROVIDER={
            "ACCESS_TOKEN_EXPIRE_SECONDS": env_int("TOKEN_TTL", 36000),
            "REFRESH_TOKEN_EXPIRE_SECONDS": env_int("REFRESH_TTL", 0) or None,
            "AUTHORIZATION_CODE_EXPIRE_SECONDS": env_int("CODE_TTL", 60),
            "ROTATE_REFRESH_TOKEN": env_flag("ROTATE_REFRESH", "1"),
            "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": env_int("REFRESH_GRACE", 0),
            "REFRESH_TOKEN_REUSE_PROTECTION": env_flag("REUSE_PROTECTION", "0"),
            "PKCE_REQUIRED": lambda client_id: (
                client_id == SEED["native"][0] or env_flag("PKCE_REQUIRED", "1")
            ),
            "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": env_flag("SEND_ISS", "0"),
            "DEVICE_FLOW_INTERVAL": env_int("DEVICE_INTERVAL", 5),
            "OAUTH2_BACKEND_CLASS": BACKENDS[os.environ.get("DOT_BACKEND", "both")],
            "SCOPES": {"read": "Reading scope", "write": "Writing scope"},
        },
    )
    django.setup()

from django.contrib.auth.views import LoginView  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from ninja import NinjaAPI, Schema  # noqa: E402
from ninja.errors import HttpError  # noqa: E402
from oauth2_provider.contrib.ninja import HttpOAuth2  # noqa: E402
from oauth2_provider.decorators import protected_resource, protected_resource_metadata  # noqa: E402
from oauth2_provider.oauth2_backends import JSONOAuthLibCore, OAuthLibCore  # noqa: E402


class ByContentType(OAuthLibCore):
    """JSON bodies as JSON, everything else as DOT's default does."""

    def create_token_response(self, request):
        time.sleep(env_int("TOKEN_DELAY_MS", 0) / 1000)
        return super().create_token_response(request)

    def extract_body(self, request):
        if request.content_type == "application/json":
            return JSONOAuthLibCore.extract_body(self, request)
        return super().extract_body(request)


# --- a Podero-like resource, guarded the way a django-ninja API guards one -----

USERS = {}


class UserIn(Schema):
    role: str
    email: str
    external_user_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None


def user_record(data):
    return {
        "id": str(uuid.uuid4()),
        "street_and_number": None,
        "street_add_info": None,
        "zip_code": None,
        "town": None,
        "country": None,
        "latitude": None,
        "longitude": None,
        "location_last_updated": None,
        **data,
    }


for _n, _first in enumerate(("Ada", "Bruno", "Chiara"), 1):
    _u = user_record(
        {
            "role": "user",
            "email": f"{_first.lower()}@example.org",
            "external_user_id": f"customer_{_n:05d}",
            "first_name": _first,
            "last_name": "Sample",
        }
    )
    USERS[_u["id"]] = _u

api = NinjaAPI(title="Podero-like sandbox", version="2.0", auth=HttpOAuth2(), docs_url=None)


def check_org(org_id):
    if str(org_id) != ORG_ID:
        raise HttpError(403, "Forbidden")


@api.get("/org/{org_id}/users")
def list_users(request, org_id: uuid.UUID, include_deleted: bool = False):
    check_org(org_id)
    return list(USERS.values())


@api.post("/org/{org_id}/users", response={201: dict})
def create_user(request, org_id: uuid.UUID, body: UserIn):
    check_org(org_id)
    record = user_record(body.dict())
    USERS[record["id"]] = record
    return 201, record


@api.get("/org/{org_id}/users/{user_id}")
def get_user(request, org_id: uuid.UUID, user_id: uuid.UUID):
    check_org(org_id)
    if str(user_id) not in USERS:
        raise HttpError(404, "Not Found")
    return USERS[str(user_id)]


# The same guard as DOT's own decorators give it, to compare the refusals.
@protected_resource(scopes=["read"])
def plain(request):
    return JsonResponse({"ok": True})


@protected_resource_metadata(scopes=["read"])
def challenge(request):
    return JsonResponse({"ok": True})


urlpatterns = [
    path("accounts/login/", LoginView.as_view()),
    path("oauth2/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("api/partners/v2.0/", api.urls),
    path("plain/", plain),
    path("challenge/", challenge),
]


def seed():
    from django.contrib.auth.models import User
    from oauth2_provider.models import get_application_model

    App = get_application_model()
    user, _ = User.objects.get_or_create(username=SEED["user"][0])
    user.set_password(SEED["user"][1])
    user.save()
    common = {"user": user, "client_type": App.CLIENT_CONFIDENTIAL}
    public = {"user": user, "client_type": App.CLIENT_PUBLIC}
    for key in ("m2m", "odd"):
        App.objects.get_or_create(
            client_id=SEED[key][0],
            defaults={
                **common,
                "name": key,
                "client_secret": SEED[key][1],
                "authorization_grant_type": App.GRANT_CLIENT_CREDENTIALS,
            },
        )
    App.objects.get_or_create(
        client_id=SEED["web"][0],
        defaults={
            **common,
            "name": "web",
            "client_secret": SEED["web"][1],
            "authorization_grant_type": App.GRANT_AUTHORIZATION_CODE,
            "redirect_uris": f"{REDIRECT_URI} http://127.0.0.1:8976/callback http://localhost:8976/callback",
            "skip_authorization": env_flag("AUTO_APPROVE", "1"),
        },
    )
    App.objects.get_or_create(
        client_id=SEED["native"][0],
        defaults={
            **public,
            "name": "native",
            "authorization_grant_type": App.GRANT_AUTHORIZATION_CODE,
            "redirect_uris": REDIRECT_URI,
            "skip_authorization": env_flag("AUTO_APPROVE", "1"),
        },
    )
    App.objects.get_or_create(
        client_id=SEED["device"][0],
        defaults={
            **public,
            "name": "device",
            "authorization_grant_type": App.GRANT_DEVICE_CODE,
        },
    )


def know_own_address(port):
    """The device flow tells people where to go, which is known once the port is."""
    page = f"http://127.0.0.1:{port}/oauth2/device/"
    settings.OAUTH2_PROVIDER["OAUTH_DEVICE_VERIFICATION_URI"] = page
    settings.OAUTH2_PROVIDER["OAUTH_DEVICE_VERIFICATION_URI_COMPLETE"] = page + "?user_code={user_code}"


def main():
    from django.core.management import call_command
    from django.core.servers.basehttp import (
        ThreadedWSGIServer,
        WSGIRequestHandler,
        get_internal_wsgi_application,
    )

    STATE.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0, interactive=False)
    seed()
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.daemon_threads = True
    know_own_address(server.server_address[1])
    server.set_app(get_internal_wsgi_application())
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
