"""The provider's Flask example, with the import that it forgot. It keeps nothing: what it is told is gone."""

import hashlib
import hmac
import json
import os

from flask import Flask, request

app = Flask(__name__)
SECRET = os.environ["WICKIEPAY_WEBHOOK_SECRET"].encode()


def is_signed(payload: object, signature: str) -> bool:
    expected = hmac.new(SECRET, json.dumps(payload).encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature, expected)


@app.route("/webhooks/wickiepay", methods=["POST"])
def webhook() -> tuple[str, int]:
    payload = request.get_json()
    if not is_signed(payload, request.headers.get("X-Webhook-Signature", "")):
        return "Invalid signature", 401
    if payload["event"] == "payment.completed":
        print(f"Payment {payload['data']['uuid']} completed")
    return "OK", 200
