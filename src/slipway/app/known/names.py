"""Which variables are secret, by their name: the last word decides.

`DB_PASSWORD` is, `PASSWORD_FILE` and `SECRET_PARAM_LOCATION` are not. Used where values are
taken out of an App, and by the audit.
"""

from __future__ import annotations

import re
from functools import lru_cache


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = _set(
    "password passwd passphrase pass pwd pw secret secrets token salt pepper credential "
    "credentials apikey secretkey privatekey accesskey authkey key"
)
_SECRET_ENDINGS = ("password", "passwd", "passphrase", "apikey", "secretkey", "privatekey")
_EXACT = frozenset({"NEO4J_AUTH", "REDISCLI_AUTH"})
_FOR_BROWSERS = ("VITE_", "NEXT_PUBLIC_", "NUXT_PUBLIC_", "REACT_APP_", "EXPO_PUBLIC_", "GATSBY_")
_PLAIN_KEYS = _set(
    "public publishable primary foreign partition sort cache routing object index site host "
    "group order prefix hot idempotency measurement"
)
_HARMLESS_QUALIFIERS = frozenset({"allow", "random", "require", "required", "onetime", "show"})
_VENDORS = _set(
    "openai anthropic mistral cohere gemini groq replicate huggingface hf pinecone langchain "
    "langsmith langfuse stripe paypal braintree plaid aws azure gcp google firebase cloudflare cf "
    "digitalocean hetzner linode github gh gitlab bitbucket npm dockerhub sendgrid mailgun "
    "postmark resend mailchimp mailjet ses smtp email mail imap twilio vonage slack discord "
    "telegram facebook twitter linkedin apple microsoft okta auth0 clerk oauth oidc saml ldap "
    "datadog dd newrelic sentry honeycomb posthog mixpanel segment amplitude algolia mapbox "
    "shopify zendesk hubspot salesforce intercom notion airtable jira confluent snowflake "
    "databricks license licence recaptcha hcaptcha turnstile vapid ngrok tailscale"
)
_ADDRESSES = (("url",), ("uri",), ("dsn",))
_ISSUED_ENDINGS = (("client", "secret"), ("license", "key"), ("webhook", "secret"))


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """A name's words, in lower case: `MAIL_ApiKey2` -> mail, api, key, 2."""
    return tuple(word.lower() for word in _WORD.findall(name))


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret."""
    if name.upper() in _EXACT:
        return True
    if name.startswith(_FOR_BROWSERS):
        return False
    words = words_of(name)
    while words and words[-1].isdigit():
        words = words[:-1]
    if not words or _HARMLESS_QUALIFIERS.intersection(words[:-1]):
        return False
    last = words[-1]
    if words == ("pwd",) or words == ("oldpwd",):  # the shell's working directory
        return False
    if last == "key":
        return not (len(words) > 1 and words[-2] in _PLAIN_KEYS)
    return last in _SECRET_WORDS or last.endswith(_SECRET_ENDINGS)


@lru_cache(maxsize=4096)
def can_generate(name: str) -> bool:
    """Whether a random value will do; False where only a third party can issue it."""
    words = words_of(name.rpartition("/")[2])
    if words[-2:] in _ISSUED_ENDINGS or words[-1:] in _ADDRESSES:
        return False
    return not _VENDORS.intersection(words[:-1])
