"""Webhooks may be signed: X-Inbox-Signature holds "sha256=" and the HMAC of the body, in hex."""

import hashlib
import hmac

HEADER = "X-Inbox-Signature"


def sign(secret_key: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret_key.encode(), body, hashlib.sha256).hexdigest()


def is_valid(secret_key: str, body: bytes, signature: str) -> bool:
    return hmac.compare_digest(sign(secret_key, body).encode(), signature.encode())
